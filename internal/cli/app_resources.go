package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppResourcesCommand(r *root) *cobra.Command {
	var orphaned bool
	var project string
	cmd := &cobra.Command{
		Use: "resources APPNAME", Short: "List the objects of an application, and the orphans of its namespace", Args: exactArgs("APPNAME"),
		Example: "  fairlead app resources echo-dev\n  fairlead app resources echo-dev --orphaned\n  fairlead app resources echo-dev --output tree=detailed",
	}
	cmd.Flags().BoolVar(&orphaned, "orphaned", false, "only orphans")
	cmd.Flags().StringVar(&project, "project", "", "project of the application; with it an application that isn't there is said not to be")
	t := &target{}
	t.flag(cmd)
	format := outputFlag(cmd, output.Table, output.Tree, output.Detailed)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		namespace, name := t.of(args[0])
		tree, err := client.Call(ctx, c, protocol.ApplicationResourceTree,
			&protocol.ResourcesQuery{ApplicationName: name, AppNamespace: namespace, Project: project})
		if err != nil {
			return err
		}
		rows := [][]string{{"GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"}}
		if format.Format == output.Detailed {
			rows[0] = append(rows[0], "AGE", "HEALTH", "REASON")
		}
		all := !cmd.Flags().Changed("orphaned")
		if all || !orphaned {
			rows = append(rows, resourceRows(tree.Nodes, "No", format.Format)...)
		}
		if all || orphaned {
			rows = append(rows, resourceRows(tree.OrphanedNodes, "Yes", format.Format)...)
		}
		return output.Lines(r.streams.Out, rows)
	})
	return cmd
}

// resourceRows are the objects in a tree, or those that the application manages itself.
func resourceRows(nodes []protocol.ResourceNode, orphaned string, format output.Format) [][]string {
	if format != output.Table {
		return treeRows(nodes, orphaned, format == output.Detailed)
	}
	var rows [][]string
	for _, node := range nodes {
		if len(node.ParentRefs) == 0 || orphaned == "Yes" {
			rows = append(rows, []string{node.Group, node.Kind, node.Namespace, node.Name, orphaned})
		}
	}
	return rows
}
