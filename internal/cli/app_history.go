package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
)

func newAppHistoryCommand(r *root) *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use: "history APPNAME", Short: "List what was deployed, the newest last; 'rollback' takes an ID of it", Args: exactArgs("APPNAME"),
		Example: "  fairlead app history echo-production",
	}
	t.flag(cmd)
	format := outputFlag(cmd, output.Wide, output.ID, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, app.Status.History); done {
			return err
		}
		if format.Format == output.ID {
			for _, entry := range app.Status.History {
				r.printf("%d\n", entry.ID)
			}
			return nil
		}
		return output.Lines(r.streams.Out, historyRows(app.Status.History))
	})
	return cmd
}

// historyRows is a table for each repository, below each other.
func historyRows(history v1alpha1.RevisionHistories) [][]string {
	var repositories []string
	rows := map[string][][]string{}
	add := func(entry v1alpha1.RevisionHistory, source v1alpha1.ApplicationSource, revision string) {
		text := source.TargetRevision
		if len(revision) >= 7 {
			text = fmt.Sprintf("%s (%s)", text, revision[:7])
		}
		if !slices.Contains(repositories, source.RepoURL) {
			repositories = append(repositories, source.RepoURL)
		}
		rows[source.RepoURL] = append(rows[source.RepoURL], []string{fmt.Sprint(entry.ID), entry.DeployedAt.String(), text})
	}
	for _, entry := range history {
		if len(entry.Sources) == 0 {
			add(entry, entry.Source, entry.Revision)
		}
		for i, source := range entry.Sources {
			revision := ""
			if len(entry.Revisions) == len(entry.Sources) {
				revision = entry.Revisions[i]
			}
			add(entry, source, revision)
		}
	}
	var all [][]string
	for i, repository := range repositories {
		if i > 0 {
			all = append(all, nil)
		}
		all = append(all, []string{"SOURCE", repository}, []string{"ID", "DATE", "REVISION"})
		all = append(all, rows[repository]...)
	}
	return all
}
