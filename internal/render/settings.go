package render

import (
	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/kustomize"
)

// Settings are what an operator configured for all sources, in argocd-cm. The zero value is Argo CD's default.
type Settings struct {
	Kustomize kustomize.Settings
	// Off are the tools that aren't used.
	Off Tools
}

// Tools are what makes manifests of more than plain YAML.
type Tools struct{ Helm, Kustomize, Jsonnet bool }

// SettingsFrom reads what kustomize.SettingsFrom does, and helm.enable, kustomize.enable and jsonnet.enable, which are true
// where they are missing. What a tool would render that isn't enabled, is taken for a folder of plain manifests, and Jsonnet
// there is left out.
func SettingsFrom(configMap map[string]string) Settings {
	off := func(key string) bool { value := configMap[key]; return value != "" && value != "true" }
	return Settings{
		Kustomize: kustomize.SettingsFrom(configMap),
		Off:       Tools{Helm: off("helm.enable"), Kustomize: off("kustomize.enable"), Jsonnet: off("jsonnet.enable")},
	}
}

// Equal compares.
func (s Settings) Equal(other Settings) bool {
	return s.Off == other.Off && s.Kustomize.Equal(other.Kustomize)
}

// allowed is the type that sources of a type have where some tools aren't used.
func (t Tools) allowed(found v1alpha1.ApplicationSourceType) v1alpha1.ApplicationSourceType {
	if t.Helm && found == v1alpha1.ApplicationSourceTypeHelm || t.Kustomize && found == v1alpha1.ApplicationSourceTypeKustomize {
		return v1alpha1.ApplicationSourceTypeDirectory
	}
	return found
}
