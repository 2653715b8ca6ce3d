package imagepolicy

import (
	"slices"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Apply writes the settings into the Application's own source, as the method WriteToApplication does. It tells whether that
// changed anything. app must be a copy of the caller's own.
func (p *Policy) Apply(app *argo.Application, settings []Setting) bool {
	source := app.Spec.Source
	if app.Spec.HasSeveralSources() {
		if p.Source >= len(app.Spec.Sources) {
			return false
		}
		source = &app.Spec.Sources[p.Source]
	}
	if source == nil {
		return false
	}
	changed := false
	for _, s := range settings {
		if p.Type == argo.ApplicationSourceTypeKustomize {
			changed = applyOverride(source, s) || changed
		} else {
			changed = applyParameters(source, s) || changed
		}
	}
	return changed
}

func applyParameters(source *argo.ApplicationSource, s Setting) bool {
	if source.Helm == nil {
		source.Helm = &argo.ApplicationSourceHelm{}
	}
	changed := false
	for _, parameter := range s.Image.helmParameters(s.Version) {
		at := slices.IndexFunc(source.Helm.Parameters, func(have argo.HelmParameter) bool { return have.Name == parameter.Name })
		switch {
		case at < 0:
			source.Helm.Parameters = append(source.Helm.Parameters, parameter)
		case source.Helm.Parameters[at] == parameter:
			continue
		default:
			source.Helm.Parameters[at] = parameter
		}
		changed = true
	}
	return changed
}

func applyOverride(source *argo.ApplicationSource, s Setting) bool {
	if source.Kustomize == nil {
		source.Kustomize = &argo.ApplicationSourceKustomize{}
	}
	override := argo.KustomizeImage(s.Image.override(s.Version))
	for i, have := range source.Kustomize.Images {
		if name, _ := parseOverride(string(have)); name != "" && SameRepository(name, s.Image.manifestName()) {
			source.Kustomize.Images[i] = override
			return have != override
		}
	}
	source.Kustomize.Images = append(source.Kustomize.Images, override)
	return true
}
