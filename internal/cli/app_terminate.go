package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppTerminateCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "terminate-op APP", Short: "End the operation that runs on an application", Args: exactArgs("APP"),
		Example: "  fairlead app terminate-op echo-staging",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			namespace, name := appRef(args[0])
			request := &protocol.OperationTerminateRequest{Name: name, AppNamespace: namespace}
			if _, err := client.Call(ctx, c, protocol.ApplicationTerminate, request); err != nil {
				return err
			}
			r.printf("application '%s': operation is being terminated\n", name)
			return nil
		}),
	}
}
