package project

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Global is one entry of argocd-cm's globalProjects: projects that the selector selects inherit from the named one.
type Global struct {
	ProjectName   string               `json:"projectName"`
	LabelSelector metav1.LabelSelector `json:"labelSelector"`
}

// ParseGlobals reads argocd-cm's globalProjects, a YAML list; empty is none.
func ParseGlobals(text string) ([]Global, error) {
	var globals []Global
	if err := yaml.Unmarshal([]byte(text), &globals); err != nil {
		return nil, fmt.Errorf("reading globalProjects of argocd-cm: %w", err)
	}
	for _, g := range globals {
		if _, err := metav1.LabelSelectorAsSelector(&g.LabelSelector); err != nil {
			return nil, fmt.Errorf("reading globalProjects of argocd-cm: the selector of %q: %w", g.ProjectName, err)
		}
	}
	return globals, nil
}

// Concerns tells whether a project inherits from this one. An empty selector selects none, as in Argo CD.
func (g Global) Concerns(p *v1alpha1.AppProject) bool {
	if g.ProjectName == p.Name || len(g.LabelSelector.MatchLabels)+len(g.LabelSelector.MatchExpressions) == 0 {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(&g.LabelSelector)
	return err == nil && selector.Matches(labels.Set(p.Labels))
}

// Inherit is the project with what it inherits from global ones: their lists come after its own.
func Inherit(p *v1alpha1.AppProject, globals ...*v1alpha1.AppProject) *v1alpha1.AppProject {
	if len(globals) == 0 {
		return p
	}
	whole := p.DeepCopy()
	spec := &whole.Spec
	for _, g := range globals {
		from := g.DeepCopy().Spec
		spec.ClusterResourceWhitelist = append(spec.ClusterResourceWhitelist, from.ClusterResourceWhitelist...)
		spec.ClusterResourceBlacklist = append(spec.ClusterResourceBlacklist, from.ClusterResourceBlacklist...)
		spec.NamespaceResourceWhitelist = append(spec.NamespaceResourceWhitelist, from.NamespaceResourceWhitelist...)
		spec.NamespaceResourceBlacklist = append(spec.NamespaceResourceBlacklist, from.NamespaceResourceBlacklist...)
		spec.SyncWindows = append(spec.SyncWindows, from.SyncWindows...)
		spec.SourceRepos = append(spec.SourceRepos, from.SourceRepos...)
		spec.Destinations = append(spec.Destinations, from.Destinations...)
	}
	return whole
}
