package appset

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Projects are those that a set's applications may come into: its template's first, then those of its generators' own templates.
func Projects(set *v1alpha1.ApplicationSet) []string {
	projects := []string{set.Spec.Template.Spec.Project}
	for i := range set.Spec.Generators {
		data, err := json.Marshal(set.Spec.Generators[i])
		if err != nil {
			continue // of a type that is only data
		}
		var kinds map[string]struct {
			Template v1alpha1.ApplicationSetTemplate `json:"template"`
		}
		if json.Unmarshal(data, &kinds) != nil {
			continue
		}
		for _, kind := range kinds { // a template inside a matrix or merge counts for nothing
			if project := kind.Template.Spec.Project; project != "" && !slices.Contains(projects, project) {
				projects = append(projects, project)
			}
		}
	}
	sort.Strings(projects[1:])
	return projects
}

// CheckGenerators complains of generators that have none of the kinds that there are. Which they were meant to be, what kubectl
// last applied tells.
func CheckGenerators(set *v1alpha1.ApplicationSet) error {
	var applied struct {
		Spec struct {
			Generators []map[string]any `json:"generators"`
		} `json:"spec"`
	}
	_ = json.Unmarshal([]byte(set.Annotations["kubectl.kubernetes.io/last-applied-configuration"]), &applied) // then the names stay unknown
	unknown, names := false, []string{}
	for i, g := range set.Spec.Generators {
		if g.List != nil || g.Clusters != nil || g.Git != nil || g.SCMProvider != nil || g.ClusterDecisionResource != nil || g.PullRequest != nil ||
			g.Matrix != nil || g.Merge != nil || g.Plugin != nil || g.Oci != nil || g.Selector != nil {
			continue
		}
		unknown = true
		if i < len(applied.Spec.Generators) {
			for name := range applied.Spec.Generators[i] {
				names = append(names, name)
			}
		}
	}
	sort.Strings(names)
	switch names = slices.Compact(names); {
	case !unknown:
		return nil
	case len(names) > 0:
		return fmt.Errorf("ApplicationSet %s contains unrecognized generators: %s", set.Name, strings.Join(names, ", "))
	}
	return fmt.Errorf("ApplicationSet %s contains unrecognized generators", set.Name)
}
