package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppManifestsCommand(r *root) *cobra.Command {
	var revision string
	cmd := &cobra.Command{
		Use: "manifests APP", Short: "Print the manifests that Git gives", Args: exactArgs("APP"),
		Example: "  fairlead app manifests echo-production --revision main",
	}
	cmd.Flags().StringVar(&revision, "revision", "", "branch, tag or commit; default: the application's own")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		namespace, name := appRef(args[0])
		answer, err := client.Call(ctx, c, protocol.ApplicationManifests,
			&protocol.ApplicationManifestQuery{Name: name, AppNamespace: namespace, Revision: revision})
		if err != nil {
			return err
		}
		for _, manifest := range answer.Manifests {
			text, err := yaml.JSONToYAML([]byte(manifest))
			if err != nil {
				return fmt.Errorf("printing a manifest: %w", err)
			}
			r.printf("---\n%s", text)
		}
		return nil
	})
	return cmd
}
