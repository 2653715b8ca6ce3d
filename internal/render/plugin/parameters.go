package plugin

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Environment adds to the build variables those of a source's plugin: ARGOCD_ENV_<name> for each of its env, with build
// variables in them replaced, ARGOCD_APP_PARAMETERS with all parameters as JSON, and PARAM_<name>, PARAM_<name>_<key> and
// PARAM_<name>_<index> for each parameter. The source may be nil.
func Environment(build []string, source *v1alpha1.ApplicationSourcePlugin, expand func(string) string) ([]string, error) {
	env := slices.Clone(build)
	if source == nil {
		return env, nil
	}
	for _, entry := range source.Env {
		env = append(env, "ARGOCD_ENV_"+entry.Name+"="+expand(entry.Value))
	}
	text, err := json.Marshal(source.Parameters)
	if err != nil {
		return nil, fmt.Errorf("writing the plugin's parameters: %w", err)
	}
	env = append(env, "ARGOCD_APP_PARAMETERS="+string(text))
	for _, parameter := range source.Parameters {
		name := "PARAM_" + variableName(parameter.Name)
		if parameter.String != nil {
			env = append(env, name+"="+*parameter.String)
		}
		for _, key := range slices.Sorted(maps.Keys(parameter.Map)) {
			env = append(env, name+"_"+variableName(key)+"="+parameter.Map[key])
		}
		for i, value := range parameter.Array {
			env = append(env, name+"_"+strconv.Itoa(i)+"="+value)
		}
	}
	return env, nil
}

var noVariable = regexp.MustCompile(`[^A-Z0-9_]`)

func variableName(text string) string { return noVariable.ReplaceAllString(strings.ToUpper(text), "_") }
