package imagepolicy

import (
	"strings"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// AnnotationPrefix begins every annotation that this package reads.
const AnnotationPrefix = "argocd-image-updater.argoproj.io/"

// ImageListAnnotation makes an Application one whose images are updated.
const ImageListAnnotation = AnnotationPrefix + "image-list"

// The other annotations, behind the prefix; those that may belong to one image have ALIAS. before them.
const (
	keyMethod         = "write-back-method"
	keyTarget         = "write-back-target"
	keyBranch         = "git-branch"
	keyRepository     = "git-repository"
	keyStrategy       = "update-strategy"
	keyAllowTags      = "allow-tags"
	keyIgnoreTags     = "ignore-tags"
	keyForce          = "force-update"
	keyPullSecret     = "pull-secret"
	keyPlatforms      = "platforms"
	keyHelmName       = "helm.image-name"
	keyHelmTag        = "helm.image-tag"
	keyHelmSpec       = "helm.image-spec"
	keyKustomizeName  = "kustomize.image-name"
	defaultHelmName   = "image.name"
	defaultHelmTag    = "image.tag"
	defaultValuesFile = "values.yaml"
)

// Concerns tells whether the Application asks for image updates at all.
func Concerns(app *argo.Application) bool {
	return strings.TrimSpace(app.Annotations[ImageListAnnotation]) != ""
}

// annotations reads the annotations of one Application, trimmed.
type annotations map[string]string

func (a annotations) get(key string) string { return strings.TrimSpace(a[AnnotationPrefix+key]) }

// ofImage is the annotation of that image, and its full name. Slashes of an alias are written as underscores, because the
// names of annotations can't hold them.
func (a annotations) ofImage(alias, key string) (value, name string) {
	if alias == "" {
		return "", ""
	}
	name = strings.ReplaceAll(alias, "/", "_") + "." + key
	return a.get(name), AnnotationPrefix + name
}

// ofImageOrAll is the image's annotation if it has one, else the application's.
func (a annotations) ofImageOrAll(alias, key string) (value, name string) {
	if value, name = a.ofImage(alias, key); value != "" {
		return value, name
	}
	return a.get(key), AnnotationPrefix + key
}

// Destination is where the choices for an Application are written to, as far as that can be said: problems with the
// annotations, which Parse reports, are passed over. An Application whose source isn't known yet has the method
// WriteToApplication and nothing else.
func Destination(app *argo.Application, hubNamespace string) WriteBack {
	source, _, _, err := updatedSource(app)
	if err != nil {
		return WriteBack{Method: WriteToApplication}
	}
	p := &parser{app: app, notes: app.Annotations}
	return p.writeBack(source, hubNamespace)
}

// Lists tells whether the Application's image-list has an image at that path, on whatever registry: events may name the
// registry by another address than the list does.
func Lists(app *argo.Application, repository string) bool {
	_, path := SplitRegistry(repository)
	for _, entry := range strings.Split(app.Annotations[ImageListAnnotation], ",") {
		image, err := parseEntry(strings.TrimSpace(entry))
		if err != nil {
			continue
		}
		if _, listed := SplitRegistry(image.Repository); listed == path {
			return true
		}
	}
	return false
}
