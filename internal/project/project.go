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
type Destination struct {
	Server, Name, Namespace string
	// Scope is the project that the cluster belongs to; empty means all.
	Scope string
	// ByName says that the application names the cluster by its name, and so do complaints.
	ByName bool
}

// Check lists what of an application its project doesn't permit; nothing is all right.
func Check(p *v1alpha1.AppProject, sources v1alpha1.ApplicationSources, d Destination) []string {
	var complaints []string
	for _, source := range sources {
		if !PermitsSource(p, source.RepoURL) {
			complaints = append(complaints, fmt.Sprintf("application repo %s is not permitted in project '%s'", source.RepoURL, p.Name))
		}
	}
	shown := d.Server
	if d.ByName {
		shown = d.Name
	}
	refused := fmt.Sprintf("application destination server '%s' and namespace '%s' do not match any of the allowed destinations in project '%s'", shown, d.Namespace, p.Name)
	switch {
	case !PermitsDestination(p, d):
		complaints = append(complaints, refused)
	case d.Scope != "" && d.Scope != p.Name:
		complaints = append(complaints, fmt.Sprintf("cluster %s belongs to project %s", d.Name, d.Scope))
	case d.Scope == "" && p.Spec.PermitOnlyProjectScopedClusters:
		complaints = append(complaints, refused+": it permits only clusters scoped to it")
	}
	return complaints
}

// PermitsSource tells whether applications may deploy from a repository. A pattern with a leading ! denies what it names,
// and by itself permits everything else, as in Argo CD.
func PermitsSource(p *v1alpha1.AppProject, repository string) bool {
	permitted := false
	for _, pattern := range p.Spec.SourceRepos {
		named, denies := strings.CutPrefix(pattern, "!")
		matches := named == "*" || Glob(event.CanonicalURL(named), event.CanonicalURL(repository), '/')
		if denies && (matches || !sensible(named)) {
			return false
		}
		permitted = permitted || denies || matches
	}
	return permitted
}

// PermitsDestination tells whether applications may deploy to a namespace of a cluster. Patterns with a leading ! deny what
// they name, and match everything else.
func PermitsDestination(p *v1alpha1.AppProject, d Destination) bool {
	permitted := false
	for _, item := range p.Spec.Destinations {
		server, deniesServer := pattern(item.Server, d.Server)
		name, deniesName := pattern(item.Name, d.Name)
		namespace, deniesNamespace := pattern(item.Namespace, d.Namespace)
		switch {
		case (server && d.Server != "" || name && d.Name != "") && namespace:
			permitted = true
		case (deniesServer && !server || deniesName && !name) && namespace:
			return false
		case deniesNamespace && !namespace && (server || name):
			return false
		}
	}
	return permitted
}

// pattern matches a value by a glob, or by the contrary of one with a leading !. What denies and makes no sense denies
// everything.
func pattern(glob, value string) (matches, denies bool) {
	named, denies := strings.CutPrefix(glob, "!")
	return Glob(named, value, 0) != denies && (!denies || sensible(named)), denies
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

// PermitsObject tells whether applications may have an object there: its kind, and the namespace of the cluster that it is in.
func PermitsObject(p *v1alpha1.AppProject, key object.Key, d Destination) bool {
	namespaced := key.Namespace != ""
	d.Namespace = key.Namespace
	return PermitsKind(p, key, namespaced) && (!namespaced || PermitsDestination(p, d))
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
