package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// The branches of a tree on a terminal.
const (
	branch, lastBranch = "├─", "└─"
	trunk, noTrunk     = "│ ", "  "
)

// walk visits the nodes of a tree from the roots down, each with the branches that stand before it.
func walk(nodes []protocol.ResourceNode, visit func(prefix string, node *protocol.ResourceNode)) {
	children := map[string][]*protocol.ResourceNode{}
	var roots []*protocol.ResourceNode
	for i := range nodes {
		if parents := nodes[i].ParentRefs; len(parents) > 0 {
			children[parents[0].UID] = append(children[parents[0].UID], &nodes[i])
		} else {
			roots = append(roots, &nodes[i])
		}
	}
	seen := map[*protocol.ResourceNode]bool{} // an owner that is its own descendant ends nothing else
	var descend func(before, own string, node *protocol.ResourceNode)
	descend = func(before, own string, node *protocol.ResourceNode) {
		if seen[node] {
			return
		}
		seen[node] = true
		visit(before+own, node)
		switch own {
		case branch:
			before += trunk
		case lastBranch:
			before += noTrunk
		}
		below := children[node.UID]
		for i, child := range below {
			if i == len(below)-1 {
				descend(before, lastBranch, child)
			} else {
				descend(before, branch, child)
			}
		}
	}
	for _, root := range roots {
		descend("", "", root)
	}
}

func age(node *protocol.ResourceNode) string {
	if node.CreatedAt == nil {
		return "<unknown>"
	}
	return duration.HumanDuration(time.Since(node.CreatedAt.Time))
}

func nodeHealth(node *protocol.ResourceNode) (status, reason string) {
	if node.Health == nil {
		return "", ""
	}
	return string(node.Health.Status), node.Health.Message
}

// printTree shows the objects of an application with what they own.
func (r *root) printTree(ctx context.Context, c *client.Client, app *v1alpha1.Application, detailed bool) error {
	tree, err := client.Call(ctx, c, protocol.ApplicationResourceTree, &protocol.ResourcesQuery{ApplicationName: app.Name, AppNamespace: app.Namespace})
	if err != nil || len(tree.Nodes) == 0 {
		return err
	}
	states := map[string]objectState{}
	for _, s := range objectStates(app, nil) {
		states[s.kind+"/"+s.name] = s
	}
	rows := [][]string{{"KIND/NAME", "STATUS", "HEALTH", "MESSAGE"}}
	if detailed {
		rows[0] = []string{"KIND/NAME", "STATUS", "HEALTH", "AGE", "MESSAGE", "REASON"}
	}
	walk(tree.Nodes, func(prefix string, node *protocol.ResourceNode) {
		name := node.Kind + "/" + node.Name
		health, reason := nodeHealth(node)
		state, known := states[name]
		if known {
			health = state.health
		}
		row := []string{prefix + name, state.status, health, oneLine(state.message)}
		if detailed {
			row = []string{prefix + name, state.status, health, age(node), oneLine(state.message), oneLine(reason)}
		}
		rows = append(rows, row)
	})
	r.printf("\n")
	return output.Lines(r.streams.Out, rows)
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", " ") }

// treeRows are the rows of `app resources` in a tree.
func treeRows(nodes []protocol.ResourceNode, orphaned string, detailed bool) [][]string {
	var rows [][]string
	walk(nodes, func(prefix string, node *protocol.ResourceNode) {
		row := []string{prefix + node.Group, node.Kind, node.Namespace, node.Name, orphaned}
		if detailed {
			health, reason := nodeHealth(node)
			row = append(row, age(node), health, oneLine(fmt.Sprint(reason)))
		}
		rows = append(rows, row)
	})
	return rows
}
