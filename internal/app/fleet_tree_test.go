package app

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
)

// TestPermittedTree: what isn't permitted goes with all that it owns, in whatever order the nodes come.
func TestPermittedTree(t *testing.T) {
	key := func(kind string) object.Key { return object.Key{Kind: kind, Name: "x"} }
	node := func(kind string, parents ...string) cluster.TreeNode {
		n := cluster.TreeNode{Key: key(kind)}
		for _, parent := range parents {
			n.Parents = append(n.Parents, cluster.Parent{Key: key(parent)})
		}
		return n
	}
	nodes := []cluster.TreeNode{
		node("Pod", "ReplicaSet"), node("ReplicaSet", "Deployment"), node("Deployment"), node("Job", "CronJob"), node("CronJob"),
		node("Shared", "CronJob", "Deployment"), node("Loop", "Loop"),
	}
	kept := map[string]bool{}
	for _, n := range permitted(nodes, func(n cluster.TreeNode) bool { return n.Key.Kind != "CronJob" }) {
		kept[n.Key.Kind] = true
	}
	if fmt.Sprint(kept) != "map[Deployment:true Pod:true ReplicaSet:true Shared:true]" {
		t.Errorf("got %v", kept)
	}
	if none := permitted(nodes, func(cluster.TreeNode) bool { return false }); len(none) != 0 {
		t.Errorf("where nothing is permitted there are %d nodes", len(none))
	}
}
