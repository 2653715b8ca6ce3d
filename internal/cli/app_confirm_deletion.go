package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// deletionApproved is the annotation that lets objects be deleted that ask for a confirmation.
const deletionApproved = "argocd.argoproj.io/deletion-approved"

func newAppConfirmDeletionCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "confirm-deletion APPNAME", Short: "Let objects be deleted or pruned that wait for a confirmation",
		Example: "  fairlead app confirm-deletion echo-production",
	}
	return r.appVerb(cmd, func(ctx context.Context, c *client.Client, namespace, name string) error {
		app, err := client.Call(ctx, c, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: name, AppNamespace: namespace})
		if err != nil {
			return err
		}
		set(&app.Annotations, deletionApproved, time.Now().Format(time.RFC3339))
		if _, err := client.Call(ctx, c, protocol.ApplicationUpdate, &protocol.ApplicationUpdateRequest{
			Application: app, Validate: new(false), Project: app.Spec.Project,
		}); err != nil {
			return err
		}
		r.printf("Application '%s' updated successfully\n", app.Name)
		return nil
	})
}
