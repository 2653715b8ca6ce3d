package kustomize

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings are what an operator configured for all kustomizations, in argocd-cm.
type Settings struct {
	// BuildOptions are flags of `kustomize build`.
	BuildOptions string
	// Versions are the registered names of versions, with the flags for each; empty flags mean BuildOptions.
	Versions map[string]string
}

// SettingsFrom reads kustomize.buildOptions, kustomize.version.<name> (or kustomize.path.<name>), and
// kustomize.buildOptions.<name>, of argocd-cm. The programs at the paths are not run: there is one Kustomize, the built-in one.
func SettingsFrom(configMap map[string]string) Settings {
	s := Settings{BuildOptions: configMap["kustomize.buildOptions"]}
	for key := range configMap {
		name, ok := strings.CutPrefix(key, "kustomize.version.")
		if !ok {
			name, ok = strings.CutPrefix(key, "kustomize.path.")
		}
		if !ok || name == "" {
			continue
		}
		if s.Versions == nil {
			s.Versions = map[string]string{}
		}
		s.Versions[name] = configMap["kustomize.buildOptions."+name]
	}
	return s
}

// Equal compares.
func (s Settings) Equal(other Settings) bool {
	return s.BuildOptions == other.BuildOptions && maps.Equal(s.Versions, other.Versions)
}

// buildOptions are the flags that mean something here.
type buildOptions struct {
	// helm has charts in kustomizations rendered.
	helm bool
	// reorder is the order of the objects: legacy, none, or empty for what the kustomization says.
	reorder     string
	kubeVersion string
	apiVersions []string
}

// options are the flags for a version; empty means the standard one.
func (s Settings) options(version string) (buildOptions, error) {
	text := s.BuildOptions
	if version != "" {
		own, ok := s.Versions[version]
		if !ok {
			return buildOptions{}, fmt.Errorf("kustomize version %s is not registered: leave kustomize.version out, since there is one built-in Kustomize, or register the name as kustomize.version.%s in argocd-cm", version, version)
		}
		if own != "" {
			text = own
		}
	}
	options, err := parseBuildOptions(strings.Fields(text))
	if err != nil {
		return options, fmt.Errorf("kustomize.buildOptions in argocd-cm: %w", err)
	}
	return options, nil
}

// refused are the flags that would run programs or reach around the repository, and why they don't.
var refused = map[string]string{
	"enable-alpha-plugins": "plugins that are programs are not run: use a config management plugin",
	"enable-exec":          "functions that are programs are not run: use a config management plugin",
	"enable-star":          "functions in Starlark are not run: use a config management plugin",
	"network":              "functions in containers are not run: use a config management plugin",
	"network-name":         "functions in containers are not run: use a config management plugin",
	"mount":                "functions in containers are not run: use a config management plugin",
	"env":                  "functions in containers are not run: use a config management plugin",
	"e":                    "functions in containers are not run: use a config management plugin",
	"output":               "the output is read by the hub",
	"o":                    "the output is read by the hub",
}

// withValue are the flags that a value follows.
var withValue = []string{"load-restrictor", "reorder", "helm-command", "helm-kube-version", "helm-api-versions"}

func parseBuildOptions(words []string) (options buildOptions, err error) {
	for i := 0; i < len(words); i++ {
		name, value, joined := strings.Cut(strings.TrimLeft(words[i], "-"), "=")
		if !strings.HasPrefix(words[i], "-") {
			return options, fmt.Errorf("%q is no flag", words[i])
		}
		if reason, ok := refused[name]; ok {
			return options, fmt.Errorf("%s: %s", words[i], reason)
		}
		if slices.Contains(withValue, name) && !joined {
			if i++; i == len(words) {
				return options, fmt.Errorf("--%s needs a value", name)
			}
			value = words[i]
		}
		if err := options.set(name, value); err != nil {
			return options, err
		}
	}
	return options, nil
}

func (o *buildOptions) set(name, value string) error {
	switch name {
	case "enable-helm":
		o.helm = value != "false"
	case "helm-kube-version":
		o.kubeVersion = value
	case "helm-api-versions":
		o.apiVersions = append(o.apiVersions, strings.Split(value, ",")...)
	case "reorder":
		if value != "legacy" && value != "none" {
			return fmt.Errorf("--reorder is %q: use legacy or none", value)
		}
		o.reorder = value
	case "load-restrictor":
		// Files are read from all of the repository and from nowhere else, whatever it says.
		if value != "LoadRestrictionsNone" && value != "LoadRestrictionsRootOnly" {
			return fmt.Errorf("--load-restrictor is %q: use LoadRestrictionsNone or LoadRestrictionsRootOnly", value)
		}
	case "helm-command", "helm-debug", "as-current-user", "enable-managedby-label":
		// Nothing here depends on them.
	default:
		return fmt.Errorf("--%s is no flag of kustomize build", name)
	}
	return nil
}
