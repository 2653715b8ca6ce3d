package desired

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render"
)

// GeneratePathsAnnotation names the paths on which an application depends; Argo CD's. It matters for plugins only: what the
// other renderers read is known.
const GeneratePathsAnnotation = "argocd.argoproj.io/manifest-generate-paths"

// Request says what to render.
type Request struct {
	// Instance is the application's name on its objects (object.InstanceName).
	Instance string
	// Project decides on the credentials; it and Namespace (the destination's) are also for build variables and charts.
	Project, Namespace string
	Sources            v1alpha1.ApplicationSources
	// Revisions are commits, one a source, as Resolve returns them.
	Revisions []string
	// KubeVersion and APIVersions are the target cluster's, which charts may ask for.
	KubeVersion string
	APIVersions []string
	// GeneratePaths is the application's annotation of that name.
	GeneratePaths string
	// Hard renders anew what is known.
	Hard bool
	// Files take the place of the first source's own, if not nil; nothing is fetched for it then.
	Files render.Tree
}

// Kustomized tells that some of the manifests are of kustomizations, which depend on more than their commits: on bases, and
// on what the operator configured for them.
func (m *Manifests) Kustomized() bool {
	return slices.Contains(m.Types, v1alpha1.ApplicationSourceTypeKustomize)
}

// Manifests are what an application desires at some revisions. They must not be changed: renderings are shared.
type Manifests struct {
	// Revisions are commits, one a source.
	Revisions []string
	// Project is the application's, whose credentials the sources were read with.
	Project string
	Sources v1alpha1.ApplicationSources
	Objects []*unstructured.Unstructured
	// Types are what the sources turned out to be, but for those that are only referred to.
	Types []v1alpha1.ApplicationSourceType
	// Reused says that nothing had to be rendered.
	Reused bool
	// Bases are the repositories of kustomizations that were taken at a branch or tag, as sources of the project: they may
	// move too.
	Bases v1alpha1.ApplicationSources
	// settings are what the operator had configured.
	settings render.Settings
	// results are the renderings, one a source; nil for one that is only referred to.
	results []*render.Result
}
