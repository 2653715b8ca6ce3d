package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppEditCommand(r *root) *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use: "edit APPNAME", Short: "Change the spec of an application in an editor", Args: exactArgs("APPNAME"),
		Example: "  EDITOR=nano fairlead app edit echo-dev",
	}
	t.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		text, err := yaml.Marshal(app.Spec)
		if err != nil {
			return fmt.Errorf("printing the spec: %w", err)
		}
		return r.edit(ctx, app.Name+"-*-edit.yaml", text, func(changed []byte) error {
			app.Spec = v1alpha1.ApplicationSpec{}
			if err := yaml.UnmarshalStrict(changed, &app.Spec); err != nil {
				return fmt.Errorf("error unmarshaling input into application spec: %w", err)
			}
			if err := updateSpec(ctx, c, app, new(false)); err != nil {
				return fmt.Errorf("failed to update application spec: %w", err)
			}
			return nil
		})
	})
	return cmd
}

func newAppPatchCommand(r *root) *cobra.Command {
	request := &protocol.ApplicationPatchRequest{}
	cmd := &cobra.Command{
		Use: "patch APPNAME", Short: "Change an application by a patch",
		Example: `  fairlead app patch echo-dev --patch='[{"op": "replace", "path": "/spec/source/path", "value": "new"}]' --type json
  fairlead app patch echo-dev --patch '{"spec": {"source": {"targetRevision": "main"}}}' --type merge`,
	}
	cmd.Flags().StringVar(&request.Patch, "patch", "", "the patch")
	cmd.Flags().StringVar(&request.PatchType, "type", "json", "json (RFC 6902) or merge (RFC 7386)")
	return r.appVerb(cmd, func(ctx context.Context, c *client.Client, namespace, name string) error {
		request.Name, request.AppNamespace = name, namespace
		app, err := client.Call(ctx, c, protocol.ApplicationPatch, request)
		if err != nil {
			return err
		}
		_, err = output.Value(r.streams.Out, output.YAML, app)
		r.printf("\n")
		return err
	})
}
