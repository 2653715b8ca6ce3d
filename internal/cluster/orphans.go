package cluster

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/object"
)

// OrphanRules tell what counts as an orphan; project.Orphans are some.
type OrphanRules interface {
	// MayBe tells the kinds of which there can be orphans.
	MayBe(kind schema.GroupKind) bool
	// Ignores tells objects that aren't, nor what they own; Permits those that may be looked at.
	Ignores(key object.Key) bool
	Permits(key object.Key) bool
}

// Orphanage is where orphans are looked for.
type Orphanage struct {
	Namespace string
	Rules     OrphanRules
	// Exists tells whether there is an application: what belongs to one that is gone is an orphan.
	Exists func(instance string) bool
}

// orphansOf is, before an application's name, who needs the kinds that orphans are looked for among. No name of an
// application has a space.
const orphansOf = "orphans of "

// Orphans are the objects of a namespace that have neither an owner nor an application, and what they own. Kinds that may
// not be looked at are left out.
func (c *Cluster) Orphans(ctx context.Context, o Orphanage) ([]TreeNode, error) {
	kinds := map[schema.GroupKind]bool{}
	for _, kind := range c.orphanKinds(o) {
		kinds[kind] = true
	}
	if err := c.watchForPeople(ctx, kinds); err != nil {
		return nil, err
	}
	orphans := []TreeNode{}
	c.store.mu.RLock()
	c.store.eachOrphan(o, kinds, func(n *node) { orphans = append(orphans, c.store.treeNode(n)) })
	c.store.mu.RUnlock()
	slices.SortFunc(orphans, func(a, b TreeNode) int { return a.Key.Compare(b.Key) })
	return orphans, nil
}

// Monitor counts orphans for an application, and from now on tells it (Change.Orphan) when there are others. Complete is
// false while objects are still being listed; a Change of the whole cluster follows. It never waits. With nil the
// application no longer wants to know.
func (c *Cluster) Monitor(ctx context.Context, instance string, o *Orphanage) (count int, complete bool, err error) {
	if o == nil {
		c.need(orphansOf+instance, nil)
		c.store.monitor(instance, "")
		return 0, true, nil
	}
	kinds, list := map[schema.GroupKind]bool{}, []schema.GroupVersionKind{}
	for _, kind := range c.orphanKinds(*o) {
		kinds[kind] = true
		list = append(list, kind.WithVersion(""))
	}
	c.store.monitor(instance, o.Namespace)
	c.need(orphansOf+instance, list)
	complete = true
	for _, gvk := range list {
		watches, err := c.startWatches(ctx, gvk, false)
		if err != nil {
			return 0, false, err
		}
		for _, w := range watches {
			complete = complete && (isClosed(w.synced) || c.refused(w))
		}
	}
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	c.store.eachOrphan(*o, kinds, func(*node) { count++ })
	return count, complete, nil
}

func (c *Cluster) orphanKinds(o Orphanage) []schema.GroupKind {
	return slices.DeleteFunc(c.watchable(true), func(kind schema.GroupKind) bool { return !o.Rules.MayBe(kind) })
}

// eachOrphan visits the orphans, and what they own, once each. The caller holds mu.
func (s *store) eachOrphan(o Orphanage, kinds map[schema.GroupKind]bool, visit func(*node)) {
	exists := map[string]bool{"": false}
	taken := func(n *node) bool {
		known, ok := exists[n.instance]
		if !ok {
			known = o.Exists(n.instance)
			exists[n.instance] = known
		}
		return known
	}
	seen, inferred := map[*node]bool{}, map[*node][]*node{}
	var descend func(n *node, depth int)
	descend = func(n *node, depth int) {
		if seen[n] || depth > maxDepth || taken(n) || !o.Rules.Permits(n.key()) {
			return
		}
		seen[n] = true
		visit(n)
		for _, child := range s.byOwner[n.uid] {
			descend(child, depth+1)
		}
		for _, child := range inferred[n] {
			descend(child, depth+1)
		}
	}
	var roots []*node
	for kind := range kinds {
		for p, n := range s.byKind[kind] {
			if p.namespace != o.Namespace || len(n.owners) > 0 {
				continue
			}
			if parent := s.inferParent(n); parent != nil {
				inferred[parent] = append(inferred[parent], n)
			} else if !o.Rules.Ignores(n.key()) {
				roots = append(roots, n)
			}
		}
	}
	for _, root := range roots {
		descend(root, 0)
	}
}

// monitor notes that an application wants to know of the orphans of a namespace; empty means of none.
func (s *store) monitor(instance, namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, instances := range s.monitors {
		if other != namespace {
			delete(instances, instance)
		}
		if len(instances) == 0 {
			delete(s.monitors, other)
		}
	}
	if namespace == "" {
		return
	}
	if s.monitors[namespace] == nil {
		s.monitors[namespace] = map[string]bool{}
	}
	s.monitors[namespace][instance] = true
}

// tellMonitors notes a change of an object that no application has for those that look for orphans. The caller holds mu.
func (s *store) tellMonitors(told map[telling]bool, n, old, new *node) {
	for instance := range s.monitors[n.namespace] {
		told[telling{instance, true, old == nil || new == nil || old.instance != new.instance || !slices.Equal(old.owners, new.owners)}] = true
	}
}
