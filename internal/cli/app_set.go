package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppSetCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "set APPNAME", Short: "Change the spec of an application", Args: exactArgs("APPNAME"),
		Example: `  fairlead app set echo-dev --revision v2 --sync-policy automated
  fairlead app set echo-dev -p image.tag=v1.0.1
  fairlead app set echo-dev --source-position 1 --path charts/echo`,
	}
	spec, source, t := appspec.Add(cmd.Flags()), &sourceFlags{}, &target{}
	spec.Read = r.readInput
	source.flags(cmd)
	t.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if !spec.Given() {
			//lint:ignore ST1005 argocd's text
			return &UsageError{errors.New("Please set at least one option to update")}
		}
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		source.name, _ = cmd.Flags().GetString("source-name") // appspec has added the flag
		position, err := source.choose(&app.Spec, true)
		if err != nil {
			return err
		}
		if err := spec.Set(&app.Spec, position); err != nil {
			return err
		}
		chosen, err := appspec.At(&app.Spec, position)
		if err != nil {
			return err
		}
		if err := spec.Parameters(chosen, app.Status.SourceType); err != nil {
			return err
		}
		return updateSpec(ctx, c, app, spec.Validate())
	})
	return cmd
}

// updateSpec writes an application's spec. It keeps the name of the namespace that the hub gave.
func updateSpec(ctx context.Context, c *client.Client, app *v1alpha1.Application, validate *bool) error {
	_, err := client.Call(ctx, c, protocol.ApplicationUpdateSpec, &protocol.ApplicationUpdateSpecRequest{
		Name: app.Name, AppNamespace: app.Namespace, Spec: &app.Spec, Validate: validate,
	})
	return err
}
