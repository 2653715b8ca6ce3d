package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// TreeNode is one object of a resource tree.
type TreeNode struct {
	Key             object.Key
	Version         string
	UID             types.UID
	ResourceVersion string
	CreatedAt       metav1.Time
	// Parents are the owners that are in the tree; none for what the application manages.
	Parents []Parent
	// Health is nil for kinds that have none.
	Health  *health.Status
	Images  []string
	Info    []InfoItem
	Network *Network
	// Node is where a pod runs; empty for others and for pods that wait.
	Node string
}

// Parent is an owner of an object.
type Parent struct {
	Key object.Key
	UID types.UID
}

// childKinds are what the controllers of a built-in kind create. Rollouts are here because nearly every cluster has them.
var childKinds = map[schema.GroupKind][]schema.GroupKind{
	{Group: "apps", Kind: "Deployment"}:     {replicaSets, pods},
	{Group: "apps", Kind: "StatefulSet"}:    {{Group: "apps", Kind: "ControllerRevision"}, pods, persistentVolumeClaims},
	{Group: "apps", Kind: "DaemonSet"}:      {{Group: "apps", Kind: "ControllerRevision"}, pods},
	replicaSets:                             {pods},
	{Kind: "ReplicationController"}:         {pods},
	{Group: "argoproj.io", Kind: "Rollout"}: {replicaSets, pods, {Group: "argoproj.io", Kind: "AnalysisRun"}, {Group: "argoproj.io", Kind: "Experiment"}},
	jobs:                                    {pods},
	{Group: "batch", Kind: "CronJob"}:       {jobs, pods},
	services:                                {{Kind: "Endpoints"}, {Group: "discovery.k8s.io", Kind: "EndpointSlice"}},
	{Kind: "ServiceAccount"}:                {{Kind: "Secret"}},
}

// builtIn tells Kubernetes' own groups, whose kinds have no children but those of the table.
func builtIn(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

// Tree is what the application manages, with everything that these objects own. The kinds of children are watched from
// the first time that somebody asks for a tree: no controller needs them. Of nearly all it is their metadata. What a custom
// resource may own is anything; then all kinds are looked at.
func (c *Cluster) Tree(ctx context.Context, instance string) ([]TreeNode, error) {
	c.store.mu.RLock()
	roots := map[schema.GroupKind]bool{}
	for _, n := range c.store.byInstance[instance] {
		roots[n.kind.GroupKind] = true
	}
	c.store.mu.RUnlock()
	children := map[schema.GroupKind]bool{}
	for kind := range roots {
		for _, child := range childKinds[kind] {
			children[child] = true
		}
		if childKinds[kind] == nil && !builtIn(kind.Group) {
			for _, kind := range c.watchable(true) {
				children[kind] = true
			}
		}
	}
	if err := c.watchForPeople(ctx, children); err != nil {
		return nil, err
	}
	return c.store.tree(instance), nil
}

// watchable are the kinds that can be watched; with namespaced only those in namespaces.
func (c *Cluster) watchable(namespaced bool) []schema.GroupKind {
	var kinds []schema.GroupKind
	for kind, versions := range c.kinds.all() {
		for _, served := range versions {
			if (served.Namespaced || !namespaced) && served.Watchable && !transient(kind) {
				kinds = append(kinds, kind)
				break
			}
		}
	}
	return kinds
}

// Search looks at the objects of all kinds for a while, as who asks what an application is about expects it: there may be some
// with the application's name on them that are of none of its kinds. What can't be read, or not at once, is left out: a Change
// of the whole cluster follows when it was.
func (c *Cluster) Search(ctx context.Context) error {
	kinds := map[schema.GroupKind]bool{}
	for _, kind := range c.watchable(false) {
		kinds[kind] = true
	}
	_ = c.watchForPeople(ctx, kinds)
	return ctx.Err()
}

// transient are kinds that change all the time and that nobody looks for in a tree.
func transient(kind schema.GroupKind) bool {
	return kind.Kind == "Event" || kind.Group == "metrics.k8s.io" || kind.Group == "coordination.k8s.io"
}

// watchForPeople watches kinds that no application needs. One that may not be watched is left out.
func (c *Cluster) watchForPeople(ctx context.Context, kinds map[schema.GroupKind]bool) error {
	var whole, metadata []schema.GroupVersionKind
	for kind := range kinds {
		if summarized(kind) {
			whole = append(whole, kind.WithVersion(""))
		} else {
			metadata = append(metadata, kind.WithVersion(""))
		}
	}
	c.look(whole)
	c.look(metadata)
	for _, err := range []error{c.watch(ctx, true, whole), c.watch(ctx, false, metadata)} {
		if err != nil && refusal(errors.Unwrap(err)) == nil {
			return err
		}
	}
	return nil
}

func (s *store) tree(instance string) []TreeNode {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []TreeNode
	seen := map[*node]bool{}
	keys := map[object.Key]bool{}
	inferred := s.inferredChildren(instance)
	var visit func(n *node, depth int)
	visit = func(n *node, depth int) {
		if seen[n] || depth > maxDepth {
			return
		}
		seen[n], keys[n.key()] = true, true
		found = append(found, s.treeNode(n))
		for _, child := range s.byOwner[n.uid] {
			visit(child, depth+1)
		}
		for _, child := range inferred[n.uid] {
			visit(child, depth+1)
		}
	}
	for _, n := range s.byInstance[instance] {
		visit(n, 0)
	}
	for i := range found {
		found[i].Parents = slices.DeleteFunc(found[i].Parents, func(p Parent) bool { return !keys[p.Key] })
	}
	slices.SortFunc(found, func(a, b TreeNode) int { return a.Key.Compare(b.Key) })
	return found
}

func (s *store) treeNode(n *node) TreeNode {
	t := TreeNode{Key: n.key(), Version: n.kind.version, UID: n.uid, ResourceVersion: n.resourceVersion, CreatedAt: timeOf(n.created)}
	for _, owner := range s.parents(n) {
		t.Parents = append(t.Parents, Parent{owner.key(), owner.uid})
	}
	if n.summary != nil {
		t.Health, t.Images, t.Info, t.Network = n.summary.status(), n.summary.images(), n.summary.info(), n.summary.network()
		if n.summary.pod != nil {
			t.Node = n.summary.pod.node
		}
	}
	return t
}
