package appspec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

type source = v1alpha1.ApplicationSource

// field is an option that sets a text as it is.
func field(name, usage string, at func(*source) *string) option[source] {
	return text(name, usage, func(s *source, v string) error { *at(s) = v; return nil })
}

func sourceOptions(f *Flags) []option[source] {
	options := []option[source]{
		field("repo", "URL of the repository", func(s *source) *string { return &s.RepoURL }),
		field("path", "folder in the repository", func(s *source) *string { return &s.Path }),
		field("helm-chart", "name of the Helm chart", func(s *source) *string { return &s.Chart }),
		field("revision", "branch, tag, commit, or version of the chart", func(s *source) *string { return &s.TargetRevision }),
		field("tag-prefix", "beginning of the Git tags that a range of versions in --revision means", func(s *source) *string { return &s.TagPrefix }),
		field("ref", "name by which other sources refer to this one", func(s *source) *string { return &s.Ref }),
		field("source-name", "name of the source", func(s *source) *string { return &s.Name }),
		text("config-management-plugin", "name of the plugin", func(s *source, v string) error {
			s.Plugin = &v1alpha1.ApplicationSourcePlugin{Name: v}
			return nil
		}),
		list("plugin-env", "NAME=VALUE for the plugin; may be repeated", setPluginEnv),
	}
	return slices.Concat(options, helmOptions(f), kustomizeOptions(), directoryOptions())
}

func helm(s *source) *v1alpha1.ApplicationSourceHelm {
	if s.Helm == nil {
		s.Helm = &v1alpha1.ApplicationSourceHelm{}
	}
	return s.Helm
}

func helmOptions(f *Flags) []option[source] {
	return []option[source]{
		list("values", "Helm values file; may be repeated", func(s *source, v []string) error { helm(s).ValueFiles = v; return nil }),
		toggle("ignore-missing-value-files", "skip Helm values files that don't exist", func(s *source, v bool) { helm(s).IgnoreMissingValueFiles = v }),
		text("values-literal-file", "file or URL with a block of Helm values", func(s *source, file string) error {
			if f.Read == nil {
				return errors.New("this command reads no files")
			}
			content, err := f.Read(file)
			if err != nil {
				return err
			}
			helm(s).Values, helm(s).ValuesObject = string(content), nil
			return nil
		}),
		field("release-name", "name of the Helm release", func(s *source) *string { return &helm(s).ReleaseName }),
		field("helm-version", "version of Helm", func(s *source) *string { return &helm(s).Version }),
		toggle("helm-pass-credentials", "send the credentials to other hosts too", func(s *source, v bool) { helm(s).PassCredentials = v }),
		list("helm-set", "NAME=VALUE of a Helm parameter; may be repeated", func(s *source, v []string) error { return setParameters(s, v, false) }),
		list("helm-set-string", "NAME=VALUE of a Helm parameter that is a text; may be repeated", func(s *source, v []string) error { return setParameters(s, v, true) }),
		list("helm-set-file", "NAME=PATH of a Helm parameter from a file; may be repeated", setFileParameters),
		toggle("helm-skip-crds", "leave out the chart's CustomResourceDefinitions", func(s *source, v bool) { helm(s).SkipCrds = v }),
		toggle("helm-skip-schema-validation", "don't check values against the chart's schema", func(s *source, v bool) { helm(s).SkipSchemaValidation = v }),
		toggle("helm-skip-tests", "leave out the chart's tests", func(s *source, v bool) { helm(s).SkipTests = v }),
		field("helm-namespace", "namespace that the chart is rendered for; default: the destination's", func(s *source) *string { return &helm(s).Namespace }),
		field("helm-kube-version", "version of Kubernetes that the chart is rendered for; default: the cluster's", func(s *source) *string { return &helm(s).KubeVersion }),
		list("helm-api-versions", "[GROUP/]VERSION/KIND that the chart is rendered for; may be repeated", func(s *source, v []string) error { helm(s).APIVersions = v; return nil }),
	}
}

func setParameters(s *source, texts []string, forceString bool) error {
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("expected helm parameter of the form: param=value. Received: %s", text)
		}
		replace(&helm(s).Parameters, v1alpha1.HelmParameter{Name: name, Value: value, ForceString: forceString}, func(p v1alpha1.HelmParameter) string { return p.Name })
	}
	return nil
}

func setFileParameters(s *source, texts []string) error {
	for _, text := range texts {
		name, path, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("expected helm file parameter of the form: param=path. Received: %s", text)
		}
		replace(&helm(s).FileParameters, v1alpha1.HelmFileParameter{Name: name, Path: path}, func(p v1alpha1.HelmFileParameter) string { return p.Name })
	}
	return nil
}

func kustomize(s *source) *v1alpha1.ApplicationSourceKustomize {
	if s.Kustomize == nil {
		s.Kustomize = &v1alpha1.ApplicationSourceKustomize{}
	}
	return s.Kustomize
}

func kustomizeOptions() []option[source] {
	return []option[source]{
		field("nameprefix", "Kustomize name prefix", func(s *source) *string { return &kustomize(s).NamePrefix }),
		field("namesuffix", "Kustomize name suffix", func(s *source) *string { return &kustomize(s).NameSuffix }),
		field("kustomize-version", "version of Kustomize", func(s *source) *string { return &kustomize(s).Version }),
		field("kustomize-namespace", "namespace that Kustomize sets", func(s *source) *string { return &kustomize(s).Namespace }),
		field("kustomize-kube-version", "version of Kubernetes that charts are rendered for", func(s *source) *string { return &kustomize(s).KubeVersion }),
		list("kustomize-api-versions", "[GROUP/]VERSION/KIND that charts are rendered for; may be repeated", func(s *source, v []string) error { kustomize(s).APIVersions = v; return nil }),
		list("kustomize-image", "image override, such as node:8.15.0 or mysql=mariadb; may be repeated", func(s *source, images []string) error {
			for _, image := range images {
				replace(&kustomize(s).Images, v1alpha1.KustomizeImage(image), ImageName)
			}
			return nil
		}),
		list("kustomize-replica", "NAME=COUNT of a workload's replicas; may be repeated", setReplicas),
		list("kustomize-common-label", "KEY=VALUE label for all objects; may be repeated", func(s *source, v []string) (err error) {
			kustomize(s).CommonLabels, err = Pairs(v)
			return err
		}),
		list("kustomize-common-annotation", "KEY=VALUE annotation for all objects; may be repeated", func(s *source, v []string) (err error) {
			kustomize(s).CommonAnnotations, err = Pairs(v)
			return err
		}),
		toggle("kustomize-label-without-selector", "leave selectors and templates without the common labels", func(s *source, v bool) { kustomize(s).LabelWithoutSelector = v }),
		toggle("kustomize-label-include-templates", "set the common labels in templates too", func(s *source, v bool) { kustomize(s).LabelIncludeTemplates = v }),
		toggle("kustomize-force-common-label", "let common labels replace those that are there", func(s *source, v bool) { kustomize(s).ForceCommonLabels = v }),
		toggle("kustomize-force-common-annotation", "let common annotations replace those that are there", func(s *source, v bool) { kustomize(s).ForceCommonAnnotations = v }),
		toggle("ignore-missing-components", "skip components that don't exist", func(s *source, v bool) { kustomize(s).IgnoreMissingComponents = v }),
	}
}

// ImageName is the image that an override is for.
func ImageName(image v1alpha1.KustomizeImage) string {
	for _, delimiter := range []string{"=", ":", "@"} {
		if name, _, ok := strings.Cut(string(image), delimiter); ok {
			return name
		}
	}
	return string(image)
}

func setReplicas(s *source, texts []string) error {
	for _, text := range texts {
		name, count, ok := strings.Cut(text, "=")
		if !ok || name == "" || count == "" {
			return fmt.Errorf("expected parameter of the form: key=value. Received: %s", text)
		}
		replace(&kustomize(s).Replicas, v1alpha1.KustomizeReplica{Name: name, Count: intstr.Parse(count)}, func(r v1alpha1.KustomizeReplica) string { return r.Name })
	}
	return nil
}

func directory(s *source) *v1alpha1.ApplicationSourceDirectory {
	if s.Directory == nil {
		s.Directory = &v1alpha1.ApplicationSourceDirectory{}
	}
	return s.Directory
}

func directoryOptions() []option[source] {
	variables := func(name, usage string, at func(*v1alpha1.ApplicationSourceJsonnet) *[]v1alpha1.JsonnetVar, code bool) option[source] {
		return list(name, usage, func(s *source, texts []string) error {
			for _, text := range texts {
				key, value, _ := strings.Cut(text, "=")
				vars := at(&directory(s).Jsonnet)
				*vars = append(*vars, v1alpha1.JsonnetVar{Name: key, Value: value, Code: code})
			}
			return nil
		})
	}
	arguments := func(j *v1alpha1.ApplicationSourceJsonnet) *[]v1alpha1.JsonnetVar { return &j.TLAs }
	external := func(j *v1alpha1.ApplicationSourceJsonnet) *[]v1alpha1.JsonnetVar { return &j.ExtVars }
	return []option[source]{
		toggle("directory-recurse", "take manifests in folders below too", func(s *source, v bool) { directory(s).Recurse = v }),
		toggle("directory-disable-extension-filter", "take files whatever their names end with", func(s *source, v bool) { directory(s).DisableExtensionFilter = v }),
		field("directory-exclude", "glob of files to leave out", func(s *source) *string { return &directory(s).Exclude }),
		field("directory-include", "glob of files to take", func(s *source) *string { return &directory(s).Include }),
		variables("jsonnet-tla-str", "NAME=VALUE of a Jsonnet top-level argument; may be repeated", arguments, false),
		variables("jsonnet-tla-code", "NAME=CODE of a Jsonnet top-level argument; may be repeated", arguments, true),
		variables("jsonnet-ext-var-str", "NAME=VALUE of a Jsonnet external variable; may be repeated", external, false),
		variables("jsonnet-ext-var-code", "NAME=CODE of a Jsonnet external variable; may be repeated", external, true),
		list("jsonnet-libs", "folder with Jsonnet libraries; may be repeated", func(s *source, v []string) error {
			libs := &directory(s).Jsonnet.Libs
			*libs = append(*libs, v...)
			return nil
		}),
	}
}

func setPluginEnv(s *source, texts []string) error {
	if s.Plugin == nil {
		s.Plugin = &v1alpha1.ApplicationSourcePlugin{}
	}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("expected env entry of the form: param=value. Received: %s", text)
		}
		replace(&s.Plugin.Env, v1alpha1.EnvEntry{Name: name, Value: value}, func(e v1alpha1.EnvEntry) string { return e.Name })
	}
	return nil
}

// replace puts an item in the place of that of the same name, or at the end.
func replace[S ~[]T, T any](items *S, item T, name func(T) string) {
	if i := slices.IndexFunc(*items, func(other T) bool { return name(other) == name(item) }); i >= 0 {
		(*items)[i] = item
		return
	}
	*items = append(*items, item)
}

// tidySource drops options of renderers that say nothing.
func tidySource(s *source) {
	if s.Helm != nil && reflect.DeepEqual(*s.Helm, v1alpha1.ApplicationSourceHelm{}) {
		s.Helm = nil
	}
	if s.Kustomize != nil && reflect.DeepEqual(*s.Kustomize, v1alpha1.ApplicationSourceKustomize{}) {
		s.Kustomize = nil
	}
}
