package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppListCommand(r *root) *cobra.Command {
	var projects []string
	var selector, repo string
	cmd := &cobra.Command{
		Use: "list", Short: "List the applications", Args: exactArgs(),
		Example: "  fairlead app list\n  fairlead app list -p demo -o wide",
	}
	cmd.Flags().StringSliceVarP(&projects, "project", "p", nil, "only those of these projects")
	cmd.Flags().StringVarP(&selector, "selector", "l", "", "only those with these labels")
	cmd.Flags().StringVarP(&repo, "repo", "r", "", "only those of this repository")
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.ApplicationList,
			&protocol.ApplicationQuery{Projects: projects, Selector: selector, Repo: repo})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, appColumns)
	})
	return cmd
}

var appColumns = []output.Column[v1alpha1.Application]{
	{Title: "NAME", Cell: func(a v1alpha1.Application) string { return a.Name }},
	{Title: "DESTINATION", Cell: func(a v1alpha1.Application) string { return destination(a.Spec.Destination) }},
	{Title: "PROJECT", Cell: func(a v1alpha1.Application) string { return a.Spec.ProjectName() }},
	{Title: "SYNC", Cell: func(a v1alpha1.Application) string { return string(a.Status.Sync.Status) }},
	{Title: "HEALTH", Cell: func(a v1alpha1.Application) string { return string(a.Status.Health.Status) }},
	{Title: "POLICY", Cell: policy},
	{Title: "REVISION", Cell: func(a v1alpha1.Application) string { return short(a.Status.Sync.Revision) }},
	{Title: "CONDITIONS", Cell: conditionTypes},
	{Title: "REPO", Wide: true, Cell: func(a v1alpha1.Application) string { return firstSource(a).RepoURL }},
	{Title: "PATH", Wide: true, Cell: func(a v1alpha1.Application) string { return firstSource(a).Path }},
	{Title: "IMAGES", Wide: true, Cell: func(a v1alpha1.Application) string { return strings.Join(a.Status.Summary.Images, ",") }},
}

// policy is how syncs come about: Manual, Auto, with Prune and SelfHeal; Held while a rollback holds it.
func policy(a v1alpha1.Application) string {
	if a.Held() {
		return "Held"
	}
	automation := a.Spec.Automation()
	if automation == nil {
		return "Manual"
	}
	text := "Auto"
	if automation.Prune {
		text += "-Prune"
	}
	if automation.SelfHeal {
		text += "-SelfHeal"
	}
	return text
}

func conditionTypes(a v1alpha1.Application) string {
	count := map[string]int{}
	var order []string
	for _, condition := range a.Status.Conditions {
		name := string(condition.Type)
		if count[name]++; count[name] == 1 {
			order = append(order, name)
		}
	}
	for i, name := range order {
		if n := count[name]; n > 1 {
			order[i] = fmt.Sprintf("%s(%d)", name, n)
		}
	}
	return firstOf(strings.Join(order, ","), "<none>")
}

func firstSource(a v1alpha1.Application) v1alpha1.ApplicationSource {
	if sources := a.Spec.AllSources(); len(sources) > 0 {
		return sources[0]
	}
	return v1alpha1.ApplicationSource{}
}
