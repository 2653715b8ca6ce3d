package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppDeleteCommand(r *root) *cobra.Command {
	var yes, cascade bool
	var propagation string
	cmd := &cobra.Command{
		Use: "delete APP", Short: "Delete an application and, with cascade, what it manages", Args: exactArgs("APP"),
		Example: "  fairlead app delete echo-dev --yes\n  fairlead app delete echo-dev --cascade=false --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&cascade, "cascade", true, "delete its objects in the cluster too")
	cmd.Flags().StringVarP(&propagation, "propagation-policy", "p", "foreground", "how objects are deleted: foreground or background")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if !yes {
			return &UsageError{fmt.Errorf("deleting application %q is for good: add --yes", args[0])}
		}
		namespace, name := appRef(args[0])
		request := &protocol.ApplicationDeleteRequest{Name: name, AppNamespace: namespace, Cascade: &cascade}
		if cascade {
			request.PropagationPolicy = propagation
		}
		if _, err := client.Call(ctx, c, protocol.ApplicationDelete, request); err != nil {
			return err
		}
		r.printf("application '%s' deleted\n", name)
		return nil
	})
	return cmd
}
