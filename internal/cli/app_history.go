package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
)

func newAppHistoryCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "history APP", Short: "List what was deployed, the newest last; 'rollback' takes an ID of it", Args: exactArgs("APP"),
		Example: "  fairlead app history echo-production",
	}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		app, err := getApp(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, app.Status.History, app.Status.History, []output.Column[v1alpha1.RevisionHistory]{
			{Title: "ID", Cell: func(h v1alpha1.RevisionHistory) string { return fmt.Sprint(h.ID) }},
			{Title: "DATE", Cell: func(h v1alpha1.RevisionHistory) string { return h.DeployedAt.Format(time.RFC3339) }},
			{Title: "REVISION", Cell: func(h v1alpha1.RevisionHistory) string { return short(h.Revision) }},
			{Title: "BY", Cell: func(h v1alpha1.RevisionHistory) string {
				if h.InitiatedBy.Automated {
					return "automated sync"
				}
				return h.InitiatedBy.Username
			}},
			{Title: "SOURCE", Wide: true, Cell: func(h v1alpha1.RevisionHistory) string { return h.Source.RepoURL + " " + h.Source.Path }},
		})
	})
	return cmd
}
