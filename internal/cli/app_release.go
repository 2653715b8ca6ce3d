package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppReleaseCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "release APPNAME", Short: "End the hold of a rollback: automation and image updates go on",
		Example: "  fairlead app release echo-production",
	}
	return r.appVerb(cmd, func(ctx context.Context, c *client.Client, namespace, name string) error {
		if _, err := client.Call(ctx, c, protocol.HoldRelease, &protocol.HoldRequest{Name: name, AppNamespace: namespace}); err != nil {
			return err
		}
		r.printf("application '%s' is released\n", name)
		return nil
	})
}
