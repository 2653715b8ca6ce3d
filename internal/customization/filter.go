package customization

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// filter is an entry of resource.exclusions or resource.inclusions; what it doesn't say matches everything.
type filter struct{ groups, kinds, clusters []glob.Glob }

func (f filter) matches(kind schema.GroupKind, server string) bool {
	return anyMatches(f.groups, kind.Group) && anyMatches(f.kinds, kind.Kind) && anyMatches(f.clusters, server)
}

func anyMatches(globs []glob.Glob, text string) bool {
	for _, g := range globs {
		if g.Match(text) {
			return true
		}
	}
	return len(globs) == 0
}

// selection is an entry of resource.selectors: of the kinds that its filter matches, only objects with these labels count.
type selection struct {
	filter
	labels string
}

func (p *parser) filters() {
	for _, s := range p.filter("resource.exclusions") {
		p.settings.exclusions = append(p.settings.exclusions, s.filter)
	}
	for _, s := range p.filter("resource.inclusions") {
		p.settings.inclusions = append(p.settings.inclusions, s.filter)
	}
	const key = "resource.selectors"
	for _, s := range p.filter(key) {
		if _, err := labels.Parse(s.labels); err != nil {
			p.warn("key %s: the selector %q: %w", key, s.labels, err)
		} else if s.labels != "" {
			p.settings.selections = append(p.settings.selections, s)
			p.settings.selectors = p.text(key)
		}
	}
}

func (p *parser) filter(key string) []selection {
	var entries []struct {
		APIGroups []string `json:"apiGroups"`
		Kinds     []string `json:"kinds"`
		Clusters  []string `json:"clusters"`
		Selector  string   `json:"selector"`
	}
	if err := yaml.Unmarshal([]byte(p.data[key]), &entries); err != nil {
		p.warn("key %s: %w", key, err)
		return nil
	}
	var filters []selection
	for _, entry := range entries {
		groups, err1 := compileAll(entry.APIGroups)
		kinds, err2 := compileAll(entry.Kinds)
		clusters, err3 := compileAll(entry.Clusters)
		for _, err := range []error{err1, err2, err3} {
			if err != nil {
				p.warn("key %s: %w", key, err)
			}
		}
		// A pattern that can't be read must not make its entry match everything.
		if err1 == nil && err2 == nil && err3 == nil {
			filters = append(filters, selection{filter{groups, kinds, clusters}, strings.TrimSpace(entry.Selector)})
		}
	}
	return filters
}

func compileAll(patterns []string) ([]glob.Glob, error) {
	var globs []glob.Glob
	for _, pattern := range patterns {
		g, err := glob.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", pattern, err)
		}
		globs = append(globs, g)
	}
	return globs, nil
}
