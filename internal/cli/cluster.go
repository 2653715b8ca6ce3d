package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newClusterCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "cluster", Aliases: []string{"clusters"}, Short: "Clusters that applications run in"}
	cmd.AddCommand(newClusterListCommand(r))
	return cmd
}

func newClusterListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the clusters", Args: exactArgs(), Example: "  fairlead cluster list"}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.ClusterGetList, &protocol.ClusterQuery{})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, []output.Column[protocol.Cluster]{
			{Title: "NAME", Cell: func(cl protocol.Cluster) string { return cl.Name }},
			{Title: "SERVER", Cell: func(cl protocol.Cluster) string { return cl.Server }},
			{Title: "VERSION", Cell: func(cl protocol.Cluster) string { return firstOf(cl.ServerVersion, cl.Info.ServerVersion) }},
			{Title: "STATUS", Cell: func(cl protocol.Cluster) string {
				return firstOf(cl.ConnectionState.Status, cl.Info.ConnectionState.Status)
			}},
			{Title: "APPS", Cell: func(cl protocol.Cluster) string { return fmt.Sprint(cl.Info.ApplicationsCount) }},
			{Title: "MESSAGE", Wide: true, Cell: func(cl protocol.Cluster) string {
				return firstOf(cl.ConnectionState.Message, cl.Info.ConnectionState.Message)
			}},
		})
	})
	return cmd
}
