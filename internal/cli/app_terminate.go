package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppTerminateCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "terminate-op APPNAME", Short: "Stop the operation that runs", Example: "  fairlead app terminate-op echo-staging"}
	return r.appVerb(cmd, func(ctx context.Context, c *client.Client, namespace, name string) error {
		if _, err := client.Call(ctx, c, protocol.ApplicationTerminate, &protocol.OperationTerminateRequest{Name: name, AppNamespace: namespace}); err != nil {
			return err
		}
		r.printf("Application '%s' operation terminating\n", name)
		return nil
	})
}
