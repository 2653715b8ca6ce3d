package cluster

import (
	"context"
	"slices"

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
	Parents []object.Key
	// Health is nil for kinds that have none.
	Health *health.Status
	Images []string
	Info   []InfoItem
}

// childKinds are what the controllers of a kind create.
var childKinds = map[schema.GroupKind][]schema.GroupKind{
	{Group: "apps", Kind: "Deployment"}:     {replicaSets, pods},
	{Group: "apps", Kind: "StatefulSet"}:    {{Group: "apps", Kind: "ControllerRevision"}, pods},
	{Group: "apps", Kind: "DaemonSet"}:      {{Group: "apps", Kind: "ControllerRevision"}, pods},
	replicaSets:                             {pods},
	{Group: "argoproj.io", Kind: "Rollout"}: {replicaSets, pods, {Group: "argoproj.io", Kind: "AnalysisRun"}, {Group: "argoproj.io", Kind: "Experiment"}},
	jobs:                                    {pods},
	{Group: "batch", Kind: "CronJob"}:       {jobs, pods},
	{Kind: "Service"}:                       {{Group: "discovery.k8s.io", Kind: "EndpointSlice"}},
}

// Tree is what the application manages, with everything that these objects own. The kinds of children are watched from
// the first time that somebody asks for a tree: no controller needs them.
func (c *Cluster) Tree(ctx context.Context, instance string) ([]TreeNode, error) {
	c.store.mu.RLock()
	roots := groupKinds(c.store.byInstance[instance])
	c.store.mu.RUnlock()
	var children []schema.GroupVersionKind
	for kind := range roots {
		for _, child := range childKinds[kind] {
			children = append(children, child.WithVersion(""))
		}
	}
	if err := c.Watch(ctx, children...); err != nil {
		return nil, err
	}
	return c.store.tree(instance), nil
}

func (s *store) tree(instance string) []TreeNode {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var nodes []TreeNode
	seen := map[object.Key]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if seen[n.key] {
			return
		}
		seen[n.key] = true
		nodes = append(nodes, s.treeNode(n))
		for _, child := range s.byOwner[n.uid] {
			visit(child)
		}
	}
	for _, n := range s.byInstance[instance] {
		visit(n)
	}
	for i := range nodes {
		nodes[i].Parents = slices.DeleteFunc(nodes[i].Parents, func(k object.Key) bool { return !seen[k] })
	}
	slices.SortFunc(nodes, func(a, b TreeNode) int { return a.Key.Compare(b.Key) })
	return nodes
}

func (s *store) treeNode(n *node) TreeNode {
	t := TreeNode{Key: n.key, Version: n.version, UID: n.uid, ResourceVersion: n.resourceVersion, CreatedAt: n.created}
	for _, uid := range n.owners {
		if owner := s.byUID[uid]; owner != nil {
			t.Parents = append(t.Parents, owner.key)
		}
	}
	switch {
	case n.summary != nil:
		t.Health, t.Images, t.Info = n.summary.health, n.summary.images, n.summary.info
	case n.full != nil:
		t.Health, t.Images = health.Of(n.full), object.Images(n.full)
	}
	return t
}
