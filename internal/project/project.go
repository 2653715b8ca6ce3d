// Package project tells what an AppProject lets its applications do: deploy from which repositories, to where, which kinds.
//
// It says yes or no, and why not; who may do what with an application is internal/access's. Start with Check.
package project

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/object"
)

// Destination is a cluster, by both its names, and a namespace.
type Destination struct{ Server, Name, Namespace string }

// Check lists what of an application its project doesn't permit; nothing is all right.
func Check(p *v1alpha1.AppProject, sources v1alpha1.ApplicationSources, d Destination) []string {
	var complaints []string
	for _, source := range sources {
		if !PermitsSource(p, source.RepoURL) {
			complaints = append(complaints, fmt.Sprintf("application repo %s is not permitted in project '%s'", source.RepoURL, p.Name))
		}
	}
	if !PermitsDestination(p, d) {
		complaints = append(complaints, fmt.Sprintf("application destination server '%s' and namespace '%s' do not match any of the allowed destinations in project '%s'", d.Server, d.Namespace, p.Name))
	}
	return complaints
}

// PermitsSource tells whether applications may deploy from a repository.
func PermitsSource(p *v1alpha1.AppProject, repository string) bool {
	return permits(p.Spec.SourceRepos, func(pattern string) bool {
		return pattern == "*" || Glob(event.NormalizeURL(pattern), event.NormalizeURL(repository), '/')
	})
}

// permits goes through patterns of which those with a leading ! deny, whatever the others allow.
func permits(patterns []string, match func(string) bool) bool {
	allowed := false
	for _, pattern := range patterns {
		if denied, ok := strings.CutPrefix(pattern, "!"); ok {
			if match(denied) {
				return false
			}
			continue
		}
		allowed = allowed || match(pattern)
	}
	return allowed
}

// PermitsDestination tells whether applications may deploy to a namespace of a cluster.
func PermitsDestination(p *v1alpha1.AppProject, d Destination) bool {
	allowed := false
	for _, item := range p.Spec.Destinations {
		namespace, denyNamespace := strings.CutPrefix(item.Namespace, "!")
		server, denyServer := strings.CutPrefix(item.Server, "!")
		name, denyName := strings.CutPrefix(item.Name, "!")
		serverMatches := item.Server != "" && Glob(server, d.Server, 0) || item.Server == "" && item.Name != "" && Glob(name, d.Name, 0)
		namespaceMatches := Glob(namespace, d.Namespace, 0)
		switch {
		case denyServer || denyName:
			if serverMatches {
				return false
			}
		case denyNamespace:
			if serverMatches && namespaceMatches {
				return false
			}
		case serverMatches && namespaceMatches:
			allowed = true
		}
	}
	return allowed
}

// PermitsKind tells whether applications may have objects of a kind; cluster-scoped ones may be allowed by name.
func PermitsKind(p *v1alpha1.AppProject, key object.Key, namespaced bool) bool {
	kind := key.GroupKind()
	if namespaced {
		return !matchesKind(p.Spec.NamespaceResourceBlacklist, kind) &&
			(len(p.Spec.NamespaceResourceWhitelist) == 0 || matchesKind(p.Spec.NamespaceResourceWhitelist, kind))
	}
	return !matchesItem(p.Spec.ClusterResourceBlacklist, key) && matchesItem(p.Spec.ClusterResourceWhitelist, key)
}

func matchesKind(list []metav1.GroupKind, kind schema.GroupKind) bool {
	for _, item := range list {
		if Glob(item.Group, kind.Group, 0) && Glob(item.Kind, kind.Kind, 0) {
			return true
		}
	}
	return false
}

func matchesItem(list []v1alpha1.ClusterResourceRestrictionItem, key object.Key) bool {
	for _, item := range list {
		if Glob(item.Group, key.Group, 0) && Glob(item.Kind, key.Kind, 0) && (item.Name == "" || Glob(item.Name, key.Name, 0)) {
			return true
		}
	}
	return false
}

// Glob matches * (any run of characters but the separator), ** (any run) and ?. A separator of 0 is none.
func Glob(pattern, s string, separator byte) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			across := separator == 0
			for pattern != "" && pattern[0] == '*' {
				across = across || strings.HasPrefix(pattern, "**")
				pattern = pattern[1:]
			}
			for i := 0; i <= len(s); i++ {
				if Glob(pattern, s[i:], separator) {
					return true
				}
				if i < len(s) && s[i] == separator && !across {
					return false
				}
			}
			return false
		case s == "" || pattern[0] != '?' && pattern[0] != s[0]:
			return false
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}
