package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppReleaseCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "release APP", Short: "End the hold of a rollback: automation and image updates go on", Args: exactArgs("APP"),
		Example: "  fairlead app release echo-production",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			namespace, name := appRef(args[0])
			if _, err := client.Call(ctx, c, protocol.HoldRelease, &protocol.HoldRequest{Name: name, AppNamespace: namespace}); err != nil {
				return err
			}
			r.printf("application '%s' is released\n", name)
			return nil
		}),
	}
}
