package imagepolicy

import (
	"strings"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Current is the version of the image that counts as the application's now, and whether the image is in use at all.
//
// recorded is what the target file says (zero if nothing): once there, it is the truth, even if nobody synced it so far.
// Else the parameters of the source count, else what the cluster runs. An image that none of them knows is only updated if it
// is forced: it may be in the list for another cluster, or by mistake. But an application that was never deployed gets its
// listed images (upstream waits): else the first sync, which a person may trigger weeks later, would deploy an old version.
func (p *Policy) Current(image Image, app *argo.Application, recorded Version) (Version, bool) {
	if !recorded.IsZero() {
		return recorded, true
	}
	if version := p.parameters(image, app); !version.IsZero() {
		return version, true
	}
	for _, name := range app.Status.Summary.Images {
		live, err := ParseReference(name)
		if err == nil && SameRepository(live.Repository, image.Repository) {
			return live.Version, true
		}
	}
	// An image under its original name is in use, but its version is not one of the listed repository.
	for _, name := range app.Status.Summary.Images {
		live, err := ParseReference(name)
		if err == nil && image.KustomizeName != "" && SameRepository(live.Repository, image.KustomizeName) {
			return Version{}, true
		}
	}
	neverDeployed := len(app.Status.Summary.Images) == 0 && len(app.Status.History) == 0
	return Version{}, image.Force || neverDeployed
}

// parameters is the version that the source in the spec sets; zero if it sets none.
func (p *Policy) parameters(image Image, app *argo.Application) Version {
	sources := app.Spec.AllSources()
	if p.Source >= len(sources) {
		return Version{}
	}
	source := sources[p.Source]
	switch {
	case source.Kustomize != nil:
		for _, override := range source.Kustomize.Images {
			if name, reference := parseOverride(string(override)); SameRepository(name, image.manifestName()) {
				return reference.Version
			}
		}
	case source.Helm != nil:
		for _, parameter := range source.Helm.Parameters {
			if version, ok := image.fromHelm(parameter.Name, parameter.Value); ok {
				return version
			}
		}
	}
	return Version{}
}

// manifestName is the image's name in the manifests of a kustomization.
func (i Image) manifestName() string {
	if i.KustomizeName != "" {
		return i.KustomizeName
	}
	return i.Repository
}

// tagParameter is the Helm parameter that holds the version.
func (i Image) tagParameter() string {
	switch {
	case i.HelmSpec != "":
		return i.HelmSpec
	case i.HelmTag != "":
		return i.HelmTag
	}
	return defaultHelmTag
}

// nameParameter is the Helm parameter that holds the name; empty if name and version are one parameter.
func (i Image) nameParameter() string {
	switch {
	case i.HelmSpec != "":
		return ""
	case i.HelmName != "":
		return i.HelmName
	}
	return defaultHelmName
}

// fromHelm reads the version from a Helm parameter, if it is the one that holds it.
func (i Image) fromHelm(name, value string) (Version, bool) {
	if name != i.tagParameter() || value == "" {
		return Version{}, false
	}
	if i.HelmSpec == "" {
		return ParseVersion(value), true
	}
	reference, err := ParseReference(value)
	return reference.Version, err == nil
}

// helmParameters are the parameters that set the image to a version.
func (i Image) helmParameters(version Version) []argo.HelmParameter {
	if i.HelmSpec != "" {
		return []argo.HelmParameter{{Name: i.HelmSpec, Value: Reference{i.Repository, version}.String(), ForceString: true}}
	}
	return []argo.HelmParameter{
		{Name: i.nameParameter(), Value: i.Repository, ForceString: true},
		{Name: i.tagParameter(), Value: version.String(), ForceString: true},
	}
}

// override is the entry of a Kustomize source's images that sets the image to a version.
func (i Image) override(version Version) string {
	return i.manifestName() + "=" + Reference{i.Repository, version}.String()
}

// parseOverride reads [name=]image: the name in the manifests, and the image that takes its place.
func parseOverride(s string) (string, Reference) {
	name, rest, ok := strings.Cut(s, "=")
	if !ok {
		rest = s
	}
	reference, err := ParseReference(rest)
	if err != nil {
		return "", Reference{}
	}
	if !ok {
		name = reference.Repository
	}
	return name, reference
}
