package cluster

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
)

// rediscover is how soon after a look at the cluster's kinds one that was missing is looked for again.
const rediscover = 500 * time.Millisecond

// Kind is how a cluster serves a kind.
type Kind struct {
	Resource   schema.GroupVersionResource
	Namespaced bool
	// Watchable is false for kinds that can't be listed and watched, such as TokenReview.
	Watchable bool
}

// kinds is the cluster's own list of what it serves.
type kinds struct {
	mu       sync.RWMutex
	served   map[schema.GroupKind]map[string]Kind
	versions map[schema.GroupKind][]string // the preferred first
	names    []string                      // as Info.APIVersions
	version  version.Info
	at       time.Time
	stale    bool
}

// refresh asks the cluster; an aggregated API that doesn't answer leaves its own kinds out only.
func (k *kinds) refresh(ctx context.Context, d discovery.DiscoveryInterfaceWithContext) error {
	v, err := d.ServerVersionWithContext(ctx)
	if err != nil {
		return err
	}
	_, lists, err := d.ServerGroupsAndResourcesWithContext(ctx)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return err
	}
	served := map[schema.GroupKind]map[string]Kind{}
	versions := map[schema.GroupKind][]string{}
	var all []string
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		all = append(all, list.GroupVersion)
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") {
				continue // a subresource
			}
			gk := schema.GroupKind{Group: gv.Group, Kind: r.Kind}
			if served[gk] == nil {
				served[gk] = map[string]Kind{}
			}
			if _, ok := served[gk][gv.Version]; ok {
				continue
			}
			kind := Kind{
				Resource: gv.WithResource(r.Name), Namespaced: r.Namespaced,
				Watchable: slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch"),
			}
			served[gk][gv.Version] = kind
			versions[gk] = append(versions[gk], gv.Version)
			if kind.Watchable { // what only answers a question is no kind to Argo CD
				all = append(all, list.GroupVersion+"/"+r.Kind)
			}
		}
	}
	sort.Strings(all)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version, k.served, k.versions, k.names, k.at, k.stale = *v, served, versions, all, time.Now(), false
	return nil
}

// find returns the kind in that version, or with no version in the cluster's preferred one.
func (k *kinds) find(gvk schema.GroupVersionKind) (Kind, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if gvk.Version == "" {
		if len(k.versions[gvk.GroupKind()]) == 0 {
			return Kind{}, false
		}
		gvk.Version = k.versions[gvk.GroupKind()][0]
	}
	kind, ok := k.served[gvk.GroupKind()][gvk.Version]
	return kind, ok
}

// similar is another version of a kind, the preferred one, else a kind of the same name in the first other group that has one;
// empty if there is none.
func (k *kinds) similar(gvk schema.GroupVersionKind) schema.GroupVersionKind {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if versions := k.versions[gvk.GroupKind()]; len(versions) > 0 {
		return gvk.GroupKind().WithVersion(versions[0])
	}
	var found schema.GroupVersionKind
	for other, versions := range k.versions {
		if other.Kind == gvk.Kind && len(versions) > 0 && (found.Empty() || other.Group < found.Group) {
			found = other.WithVersion(versions[0])
		}
	}
	return found
}

// all are the kinds with their versions. It must not be changed: refresh makes a new one.
func (k *kinds) all() map[schema.GroupKind]map[string]Kind {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.served
}

// invalidate makes the next search for an unknown kind ask the cluster.
func (k *kinds) invalidate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stale = true
}

func (k *kinds) mayRefresh() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stale && time.Since(k.at) < rediscover {
		return false
	}
	k.at, k.stale = time.Now(), false
	return true
}

// Kind tells how the cluster serves a kind; with an empty version, the one it prefers. Kinds that appeared meanwhile are
// found. The error is an *UnknownKindError if it doesn't serve it.
func (c *Cluster) Kind(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	if kind, ok := c.kinds.find(gvk); ok {
		return kind, nil
	}
	if c.kinds.mayRefresh() {
		ctx, cancel := c.request(ctx)
		defer cancel()
		if err := c.kinds.refresh(ctx, c.discovery); err != nil {
			return Kind{}, fmt.Errorf("asking cluster %q for its kinds: %w", c.settings.Name, err)
		}
		if kind, ok := c.kinds.find(gvk); ok {
			return kind, nil
		}
	}
	return Kind{}, &UnknownKindError{Cluster: c.settings.Name, Kind: gvk, Served: c.kinds.similar(gvk)}
}
