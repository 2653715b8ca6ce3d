package render

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/helm"
	"fairlead.dev/fairlead/internal/render/kustomize"
	"fairlead.dev/fairlead/internal/render/plugin"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Request says what to render.
type Request struct {
	// Tree is the source's files: its repository at the wanted commit, its chart, or its artifact.
	Tree Tree
	// Refs are those of the application's other sources by their ref names, for value files like $name/path.
	Refs map[string]Tree
	// Source is the application's source. The path of a chart's source doesn't count: the tree is the chart.
	Source v1alpha1.ApplicationSource
	// AppName is the application's instance name (object.InstanceName): its name, or namespace_name outside the hub's
	// namespace. It finds .argocd-source-<name>.yaml; the name in it is a chart's release name.
	AppName string
	// Project and DestinationNamespace are for build variables and charts.
	Project, DestinationNamespace string
	// KubeVersion and APIVersions are the destination's, which charts may ask for. Empty means Helm's defaults.
	KubeVersion string
	APIVersions []string
	// Network gets what a chart only names; nil means that it must have everything with it.
	Network Network
	// Settings are what the operator configured for all sources.
	Settings Settings
	// GeneratePaths are what a plugin depends on (see GeneratePaths); empty means everything.
	GeneratePaths []string
	// Login finds what a plugin that wants it may log on to the source's repository with; nil means nothing.
	Login func(context.Context) (plugin.Login, error)
	// Fresh renders anew what is known, as a hard refresh does.
	Fresh bool
}

// Result is a rendering. It is shared between callers: copy objects before changing them.
type Result struct {
	// Objects are the manifests in a stable order.
	Objects []*unstructured.Unstructured
	// SourceType is what the source turned out to be.
	SourceType v1alpha1.ApplicationSourceType
	// Images are the images of all containers in the manifests, sorted.
	Images []string
	// Cached says that nothing was rendered for this call.
	Cached bool

	reads reads
}

// Holds tells whether rendering at other commits of the same repositories would give this result: everything that was
// read is still the same. It takes microseconds.
func (r *Result) Holds(tree Tree, refs map[string]Tree, network Network) bool {
	return r.reads.hold(tree, refs, network)
}

// reads is what a rendering rests on, beside the request itself.
type reads struct {
	tree ReadSet
	refs map[string]ReadSet
	// revision is set if the rendering contains it, by $ARGOCD_APP_REVISION.
	revision string
	// charts are the versions of the dependencies that came from repositories.
	charts map[helm.Dependency]string
	// bases are the commits of the repositories that kustomizations name.
	bases map[kustomize.Base]string
}

func (r *reads) hold(tree Tree, refs map[string]Tree, network Network) bool {
	if r.revision != "" && r.revision != tree.Revision() || len(r.refs) != len(refs) || !r.tree.Holds(tree) || !r.sameCharts(network) || !r.sameBases(network) {
		return false
	}
	for name, set := range r.refs {
		other, ok := refs[name]
		if !ok || !set.Holds(other) {
			return false
		}
	}
	return true
}

func (r *reads) bytes() int64 {
	n := r.tree.Bytes()
	for _, set := range r.refs {
		n += set.Bytes()
	}
	return n
}

// key identifies what is to be rendered, without the commits: those are the read set's business.
type key [sha256.Size]byte

func (r *Request) key() (key, error) {
	text, err := json.Marshal(struct {
		Source            v1alpha1.ApplicationSource
		Name, Project, NS string
		Paths             []string
		Settings          Settings
	}{r.Source, r.AppName, r.Project, r.DestinationNamespace, r.GeneratePaths, r.Settings})
	if err != nil {
		return key{}, fmt.Errorf("reading the application's source: %w", err)
	}
	return sha256.Sum256(text), nil
}

// capabilities identifies the destination's version and kinds, on which only charts depend.
func (r *Request) capabilities() string {
	return r.KubeVersion + "\n" + strings.Join(r.APIVersions, "\n")
}

// release is the application's name without a namespace in front.
func (r *Request) release() string {
	if _, name, ok := strings.Cut(r.AppName, "_"); ok {
		return name
	}
	return r.AppName
}
