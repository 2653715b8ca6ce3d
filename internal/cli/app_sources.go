package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/client"
)

func newAppAddSourceCommand(r *root) *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use: "add-source APPNAME", Short: "Add a source to an application that has several", Args: exactArgs("APPNAME"),
		Example: "  fairlead app add-source guestbook --repo https://git.example.com/apps.git --path guestbook --source-name guestbook",
	}
	spec := appspec.Add(cmd.Flags())
	spec.Read = r.readInput
	t.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if !spec.Given() {
			//lint:ignore ST1005 argocd's text
			return errors.New("ApplicationSource needs at least repoUrl, path or chart or ref field. No source to add.")
		}
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		if !app.Spec.HasSeveralSources() {
			//lint:ignore ST1005 argocd's text
			return fmt.Errorf("Cannot add source: application %s does not have spec.sources defined", app.Name)
		}
		source := &v1alpha1.ApplicationSource{}
		if _, err := spec.Source(source); err != nil {
			return err
		}
		if err := spec.Parameters(source, ""); err != nil {
			return err
		}
		app.Spec.Sources = append(app.Spec.Sources, *source)
		if err := updateSpec(ctx, c, app, spec.Validate()); err != nil {
			return err
		}
		r.printf("Application '%s' updated successfully\n", app.Name)
		return nil
	})
	return cmd
}

func newAppRemoveSourceCommand(r *root) *cobra.Command {
	t, source := &target{}, &sourceFlags{}
	cmd := &cobra.Command{
		Use: "remove-source APPNAME", Short: "Take a source out of an application that has several", Args: exactArgs("APPNAME"),
		Example: "  fairlead app remove-source guestbook --source-position 1\n  fairlead app remove-source guestbook --source-name values",
	}
	t.flag(cmd)
	source.flags(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if source.name == "" && source.position <= 0 {
			//lint:ignore ST1005 argocd's text
			return errors.New("Value of source-position must be greater than 0")
		}
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		position, err := source.choose(&app.Spec, false)
		if err != nil {
			return err
		}
		switch {
		case !app.Spec.HasSeveralSources():
			//lint:ignore ST1005 argocd's text
			return errors.New("Application does not have multiple sources configured")
		case len(app.Spec.Sources) == 1:
			//lint:ignore ST1005 argocd's text
			return errors.New("Cannot remove the only source remaining in the app")
		case position > len(app.Spec.Sources):
			//lint:ignore ST1005 argocd's text
			return fmt.Errorf("Application does not have source at %d", position)
		}
		app.Spec.Sources = slices.Delete(app.Spec.Sources, position-1, position)
		if !r.confirm("Are you sure you want to delete the source? [y/n]") {
			r.printf("The command to delete the source was cancelled\n")
			return nil
		}
		if err := updateSpec(ctx, c, app, nil); err != nil {
			return err
		}
		r.printf("Application '%s' updated successfully\n", app.Name)
		return nil
	})
	return cmd
}
