package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newBuildCancelCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "cancel BUILD", Short: "Stop a build", Args: exactArgs("BUILD"),
		Example: "  fairlead build cancel echo-server-release-1f0c9a2",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			if _, err := client.Call(ctx, c, protocol.BuildCancel, &protocol.BuildQuery{Name: args[0]}); err != nil {
				return err
			}
			r.printf("build '%s' is being cancelled\n", args[0])
			return nil
		}),
	}
}
