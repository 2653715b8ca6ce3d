package project

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// Orphans tells what counts as an orphan for the applications of a project with one destination: an object of the
// destination's namespace that no application has.
type Orphans struct {
	Project     *v1alpha1.AppProject
	Destination Destination
	// Excluded tells the kinds that are nobody's business; nil excludes none.
	Excluded func(kind schema.GroupKind) bool
}

// MonitorsOrphans tells whether a project wants to know of orphans at all, and to be warned of them.
func MonitorsOrphans(p *v1alpha1.AppProject) (monitors, warns bool) {
	settings := p.Spec.OrphanedResources
	return settings != nil, settings != nil && (settings.Warn == nil || *settings.Warn)
}

// MayBe tells whether there can be orphans of a kind. Others need not be looked at.
func (o Orphans) MayBe(kind schema.GroupKind) bool {
	if o.Excluded != nil && o.Excluded(kind) || !PermitsKind(o.Project, object.Key{Group: kind.Group, Kind: kind.Kind}, true) {
		return false
	}
	for _, item := range o.Project.Spec.OrphanedResources.Ignore {
		if (item.Name == "" || item.Name == "*") && matchesOrphan(item, object.Key{Group: kind.Group, Kind: kind.Kind}) {
			return false
		}
	}
	return true
}

// Ignores tells objects that are no orphans, nor is what they own: those that the project names, and what Kubernetes makes.
func (o Orphans) Ignores(key object.Key) bool {
	if comesWithNamespace(key) {
		return true
	}
	for _, item := range o.Project.Spec.OrphanedResources.Ignore {
		if matchesOrphan(item, key) && (item.Name == "" || Glob(item.Name, key.Name, 0)) {
			return true
		}
	}
	return false
}

// Permits tells whether applications may have the object: what they may not have is none of their business.
func (o Orphans) Permits(key object.Key) bool {
	d := o.Destination
	d.Namespace = key.Namespace
	return PermitsKind(o.Project, key, key.Namespace != "") && (key.Namespace == "" || PermitsDestination(o.Project, d))
}

func matchesOrphan(item v1alpha1.OrphanedResourceKey, key object.Key) bool {
	return (item.Kind == "" || Glob(item.Kind, key.Kind, 0)) && Glob(item.Group, key.Group, 0)
}

// comesWithNamespace are objects that Kubernetes itself makes.
func comesWithNamespace(key object.Key) bool {
	if key.Namespace == "default" && key.Name == "kubernetes" {
		kind := key.GroupKind()
		return kind == schema.GroupKind{Kind: "Service"} || kind == schema.GroupKind{Kind: "Endpoints"} ||
			kind == schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	}
	return key.Group == "" && (key.Kind == "ServiceAccount" && key.Name == "default" || key.Kind == "ConfigMap" && key.Name == "kube-root-ca.crt")
}
