package access

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// CheckBounds tells what a project doesn't permit an application: a line per violation in upstream's words, none if all is
// well. destination is the application's, with the cluster's URL and name filled in.
func CheckBounds(project *v1alpha1.AppProject, spec *v1alpha1.ApplicationSpec, destination v1alpha1.ApplicationDestination) []string {
	var violations []string
	for _, source := range spec.AllSources() {
		if !PermitsSource(project, source.RepoURL) {
			violations = append(violations,
				fmt.Sprintf("application repo %s is not permitted in project '%s'", source.RepoURL, project.Name))
		}
	}
	if !PermitsDestination(project, destination) {
		violations = append(violations, fmt.Sprintf(
			"application destination server '%s' and namespace '%s' do not match any of the allowed destinations in project '%s'",
			destination.Server, destination.Namespace, project.Name))
	}
	return violations
}

// PermitsSource tells whether applications of a project may come from a repository. Patterns are globs in which * stops at
// slashes, "*" alone is everything, and a leading "!" denies.
func PermitsSource(project *v1alpha1.AppProject, repository string) bool {
	normal := event.NormalizeURL(repository)
	permitted := false
	for _, pattern := range project.Spec.SourceRepos {
		bare, denies := strings.CutPrefix(pattern, "!")
		matches := bare == "*" || globMatches(event.NormalizeURL(bare), normal, "[^/]")
		if matches && denies {
			return false
		}
		permitted = permitted || matches
	}
	return permitted
}

// PermitsDestination tells whether applications of a project may be deployed to a cluster and namespace. Patterns are globs;
// a leading "!" denies, for servers only together with a namespace that matches, and the other way round.
func PermitsDestination(project *v1alpha1.AppProject, destination v1alpha1.ApplicationDestination) bool {
	permitted := false
	for _, item := range project.Spec.Destinations {
		server, deniesServer := strings.CutPrefix(item.Server, "!")
		name, deniesName := strings.CutPrefix(item.Name, "!")
		namespace, deniesNamespace := strings.CutPrefix(item.Namespace, "!")
		cluster := (server != "" && globMatches(server, destination.Server, ".")) ||
			(name != "" && globMatches(name, destination.Name, "."))
		if !cluster || !globMatches(namespace, destination.Namespace, ".") {
			continue
		}
		if deniesServer || deniesName || deniesNamespace {
			return false
		}
		permitted = true
	}
	return permitted
}

// PermitsNamespace tells whether an Application of a project may live in a namespace other than the hub's.
func PermitsNamespace(project *v1alpha1.AppProject, namespace string) bool {
	return slices.ContainsFunc(project.Spec.SourceNamespaces, func(pattern string) bool { return globMatches(pattern, namespace, ".") })
}

// globMatches tells whether a text matches a glob; a glob that is none matches itself alone.
func globMatches(pattern, text, any string) bool {
	if pattern == text || pattern == "*" {
		return true
	}
	if !strings.ContainsAny(pattern, `*?[]{}\`) {
		return false
	}
	expression, err := globToRegexp(pattern, any)
	if err != nil {
		return false
	}
	re, err := regexp.Compile(expression)
	return err == nil && re.MatchString(text)
}
