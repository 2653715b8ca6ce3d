package cluster

import (
	"context"
	"maps"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/settings"
)

// Info is what a cluster says of itself, and how the connection to it is.
type Info struct {
	// Version is Kubernetes' version, such as v1.37.2.
	Version string
	// APIVersions are group/version and group/version/Kind of everything that it serves, as Helm's Capabilities has them.
	APIVersions []string
	// Objects is how many objects the cache knows, Watches how many kinds it watches, Events how many changes it was told of.
	Objects, Watches int
	Events           int64
	// Connected is true while the cluster answers; Known is false before the first attempt has ended. Err is why it doesn't.
	Connected, Known bool
	Err              error
	// Turned is when the connection came or went, Synced when the newest list of a kind was taken; zero if none was.
	Turned, Synced time.Time
}

// Info is what the cluster says of itself, and what the cache holds of it.
func (c *Cluster) Info() Info {
	c.kinds.mu.RLock()
	info := Info{Version: c.kinds.version.GitVersion, APIVersions: c.kinds.names}
	c.kinds.mu.RUnlock()
	c.mu.Lock()
	info.Watches, info.Turned = len(c.watches), c.turned
	info.Known = isClosed(c.first)
	info.Connected = info.Known && c.outage == nil
	if c.outage != nil {
		info.Err = c.outage
	}
	for _, w := range c.watches {
		if w.syncedAt.After(info.Synced) {
			info.Synced = w.syncedAt
		}
	}
	c.mu.Unlock()
	info.Objects, info.Events = c.store.size(), c.store.events.Load()
	return info
}

// Kinds counts the cached objects of each kind.
func (c *Cluster) Kinds() map[schema.GroupKind]int {
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	counts := make(map[schema.GroupKind]int, len(c.store.byKind))
	for kind, objects := range c.store.byKind {
		counts[kind] = len(objects)
	}
	return counts
}

// EachEventCount calls back with how many changes watches told of each kind.
func (c *Cluster) EachEventCount(callback func(kind schema.GroupKind, count int64)) {
	c.store.mu.RLock()
	counts := maps.Clone(c.store.told)
	c.store.mu.RUnlock()
	for kind, count := range counts {
		callback(kind, count)
	}
}

// Peek is the connection to a cluster if there is one, without making one or waiting for it.
func (r *Registry) Peek(s settings.Cluster) (*Cluster, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.clusters[keyOfConnection(s)]
	return c, ok && sameConnection(c.settings, s)
}

// mayGoWithout tells whether a kind that the account may not list counts as not there.
func (c *Cluster) mayGoWithout(ctx context.Context, w *watched) bool {
	if c.options.RespectRBAC == nil {
		return false
	}
	switch c.options.RespectRBAC() {
	case "normal":
		return true
	case "strict":
		return c.lacksPermission(ctx, w)
	}
	return false
}

// lacksPermission asks the cluster whether the account may list a kind at all.
func (c *Cluster) lacksPermission(ctx context.Context, w *watched) bool {
	namespaces := c.settings.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, namespace := range namespaces {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: "list", Group: w.resource.Group, Resource: w.resource.Resource,
			},
		}}
		body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(review)
		if err != nil {
			return false
		}
		if allowed, err := c.review(ctx, body); err != nil || allowed {
			return false
		}
	}
	return true
}

func (c *Cluster) review(ctx context.Context, body map[string]any) (allowed bool, err error) {
	u := &unstructured.Unstructured{Object: body}
	u.SetGroupVersionKind(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"))
	answer, err := c.dynamic.Resource(authorizationv1.SchemeGroupVersion.WithResource("selfsubjectaccessreviews")).Create(ctx, u, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	allowed, _, err = unstructured.NestedBool(answer.Object, "status", "allowed")
	return allowed, err
}
