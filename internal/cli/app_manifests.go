package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppManifestsCommand(r *root) *cobra.Command {
	desired, t := &desiredState{}, &target{}
	var from string
	cmd := &cobra.Command{
		Use: "manifests APPNAME", Short: "Print the manifests that Git gives, or that run", Args: exactArgs("APPNAME"),
		Example: "  fairlead app manifests echo-production --revision main\n  fairlead app manifests echo-production --source live",
	}
	cmd.Flags().StringVar(&from, "source", "git", "git, or live for what runs")
	cmd.Flags().StringVar(&desired.revision, "revision", "", "branch, tag or commit; default: what was compared last")
	cmd.Flags().StringVar(&desired.local.path, "local", "", "print what this folder gives instead")
	cmd.Flags().StringVar(&desired.local.root, "local-repo-root", ".", "folder of the repository that --local is in")
	desired.sources.flags(cmd)
	t.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if err := desired.sources.check(); err != nil {
			return err
		}
		if from != "git" && from != "live" {
			//lint:ignore ST1005 argocd's text
			return &UsageError{fmt.Errorf("Unknown source type '%s'", from)}
		}
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		manifests, err := r.manifests(ctx, c, app, from == "live", desired)
		if err != nil {
			return err
		}
		for _, manifest := range manifests {
			text, err := yaml.JSONToYAML([]byte(manifest))
			if err != nil {
				return fmt.Errorf("printing a manifest: %w", err)
			}
			r.printf("---\n%s\n", text)
		}
		return nil
	})
	return cmd
}

// manifests are an application's, as JSON; those that there are none of are left out.
func (r *root) manifests(ctx context.Context, c *client.Client, app *v1alpha1.Application, live bool, desired *desiredState) ([]string, error) {
	positions, err := desired.sources.resolve(&app.Spec)
	if err != nil {
		return nil, err
	}
	switch {
	case !live && desired.local.path != "":
		return r.localManifests(ctx, c, app, desired.local)
	case !live && (desired.revision != "" || len(positions) > 0):
		answer, err := client.Call(ctx, c, protocol.ApplicationManifests, &protocol.ApplicationManifestQuery{
			Name: app.Name, AppNamespace: app.Namespace, Revision: desired.revision, Revisions: desired.sources.revisions, SourcePositions: positions,
		})
		if err != nil {
			return nil, err
		}
		return answer.Manifests, nil
	}
	answer, err := client.Call(ctx, c, protocol.ApplicationManaged, &protocol.ResourcesQuery{ApplicationName: app.Name, AppNamespace: app.Namespace})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, item := range answer.Items {
		state := item.TargetState
		if live {
			state = item.LiveState
		}
		if state != "" && state != "null" {
			found = append(found, state)
		}
	}
	return found, nil
}
