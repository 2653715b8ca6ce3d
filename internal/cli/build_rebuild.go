package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newBuildRebuildCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "rebuild BUILD", Short: "Build the same commit again", Args: exactArgs("BUILD"),
		Example: "  fairlead build rebuild echo-server-release-1f0c9a2",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			b, err := client.Call(ctx, c, protocol.BuildRebuild, &protocol.BuildQuery{Name: args[0]})
			if err != nil {
				return err
			}
			r.printf("build '%s' started\n", b.Name)
			return nil
		}),
	}
}
