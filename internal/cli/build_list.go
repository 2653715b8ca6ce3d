package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

var buildColumns = []output.Column[v1alpha1.Build]{
	{Title: "NAME", Cell: func(b v1alpha1.Build) string { return b.Name }},
	{Title: "PHASE", Cell: func(b v1alpha1.Build) string { return string(b.Status.Phase) }},
	{Title: "REF", Cell: func(b v1alpha1.Build) string { return b.Spec.Ref }},
	{Title: "COMMIT", Cell: func(b v1alpha1.Build) string { return short(b.Spec.Commit) }},
	{Title: "IMAGE", Cell: func(b v1alpha1.Build) string {
		if len(b.Spec.Images) == 0 {
			return ""
		}
		return b.Spec.Images[0]
	}},
	{Title: "TOOK", Cell: buildTook},
	{Title: "DIGEST", Wide: true, Cell: func(b v1alpha1.Build) string { return b.Status.Digest }},
	{Title: "MESSAGE", Wide: true, Cell: func(b v1alpha1.Build) string { return b.Status.Message }},
}

func buildTook(b v1alpha1.Build) string {
	if b.Status.StartedAt == nil || b.Status.FinishedAt == nil {
		return ""
	}
	return b.Status.FinishedAt.Sub(b.Status.StartedAt.Time).Round(time.Second / 10).String()
}

func newBuildListCommand(r *root) *cobra.Command {
	var rule, project string
	cmd := &cobra.Command{
		Use: "list", Short: "List the builds, the newest first", Args: exactArgs(),
		Example: "  fairlead build list --rule echo-server-release",
	}
	cmd.Flags().StringVar(&rule, "rule", "", "only those of this rule")
	cmd.Flags().StringVarP(&project, "project", "p", "", "only those of this project")
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.BuildGetList, &protocol.BuildQuery{Rule: rule, Project: project})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, buildColumns)
	})
	return cmd
}
