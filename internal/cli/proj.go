package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newProjCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "proj", Aliases: []string{"project"}, Short: "Projects: what applications may deploy, from where, to where"}
	cmd.AddCommand(newProjListCommand(r))
	return cmd
}

func newProjListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the projects", Args: exactArgs(), Example: "  fairlead proj list"}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.ProjectList, &protocol.ProjectQuery{})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, []output.Column[v1alpha1.AppProject]{
			{Title: "NAME", Cell: func(p v1alpha1.AppProject) string { return p.Name }},
			{Title: "DESCRIPTION", Cell: func(p v1alpha1.AppProject) string { return p.Spec.Description }},
			{Title: "DESTINATIONS", Cell: func(p v1alpha1.AppProject) string { return fmt.Sprint(len(p.Spec.Destinations)) }},
			{Title: "SOURCES", Cell: func(p v1alpha1.AppProject) string { return fmt.Sprint(len(p.Spec.SourceRepos)) }},
		})
	})
	return cmd
}
