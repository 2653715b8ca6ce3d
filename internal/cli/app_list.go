package cli

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppListCommand(r *root) *cobra.Command {
	query := &protocol.ApplicationQuery{}
	var cluster, path string
	cmd := &cobra.Command{
		Use: "list", Short: "List the applications", Args: exactArgs(),
		Example: "  fairlead app list\n  fairlead app list -p demo -o name\n  fairlead app list -l 'stage in (dev, staging)'",
	}
	cmd.Flags().StringArrayVarP(&query.Projects, "project", "p", nil, "only those of this project; may be repeated")
	cmd.Flags().StringVarP(&query.Selector, "selector", "l", "", "only those with these labels")
	cmd.Flags().StringVarP(&query.Repo, "repo", "r", "", "only those of this repository")
	cmd.Flags().StringVarP(&query.AppNamespace, "app-namespace", "N", "", "only those in this namespace")
	cmd.Flags().StringVarP(&cluster, "cluster", "c", "", "only those that go to this cluster, by name or URL")
	cmd.Flags().StringVarP(&path, "path", "P", "", "only those of this folder of their repository")
	format := outputFlag(cmd, output.Wide, output.Table, output.Name, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.ApplicationList, query)
		if err != nil {
			return err
		}
		items := slices.DeleteFunc(list.Items, func(a v1alpha1.Application) bool {
			return cluster != "" && a.Spec.Destination.Server != cluster && a.Spec.Destination.Name != cluster ||
				path != "" && firstSource(&a).Path != path || query.Repo != "" && firstSource(&a).RepoURL != query.Repo
		})
		return output.Print(r.streams.Out, format.Format, items, items, appColumns)
	})
	return cmd
}

var appColumns = []output.Column[v1alpha1.Application]{
	{Title: "NAME", Cell: func(a v1alpha1.Application) string { return qualified(&a) }},
	{Title: "CLUSTER", Cell: func(a v1alpha1.Application) string {
		return firstOf(a.Spec.Destination.Server, a.Spec.Destination.Name)
	}},
	{Title: "NAMESPACE", Cell: func(a v1alpha1.Application) string { return a.Spec.Destination.Namespace }},
	{Title: "PROJECT", Cell: func(a v1alpha1.Application) string { return a.Spec.ProjectName() }},
	{Title: "STATUS", Cell: func(a v1alpha1.Application) string { return string(a.Status.Sync.Status) }},
	{Title: "HEALTH", Cell: func(a v1alpha1.Application) string { return string(a.Status.Health.Status) }},
	{Title: "SYNCPOLICY", Cell: policy},
	{Title: "CONDITIONS", Cell: conditionTypes},
	{Title: "REPO", Wide: true, Cell: func(a v1alpha1.Application) string { return firstSource(&a).RepoURL }},
	{Title: "PATH", Wide: true, Cell: func(a v1alpha1.Application) string { return firstSource(&a).Path }},
	{Title: "TARGET", Wide: true, Cell: func(a v1alpha1.Application) string { return firstSource(&a).TargetRevision }},
}

// policy is how syncs come about: Manual, Auto, with Prune; Held while a rollback holds it.
func policy(a v1alpha1.Application) string {
	automation := a.Spec.Automation()
	switch {
	case a.Held():
		return "Held"
	case automation == nil:
		return "Manual"
	case automation.Prunes():
		return "Auto-Prune"
	}
	return "Auto"
}

func conditionTypes(a v1alpha1.Application) string {
	count := map[string]int{}
	for _, condition := range a.Status.Conditions {
		count[string(condition.Type)]++
	}
	var types []string
	for name, n := range count {
		if n > 1 {
			name = fmt.Sprintf("%s(%d)", name, n)
		}
		types = append(types, name)
	}
	sort.Strings(types)
	return firstOf(strings.Join(types, ","), "<none>")
}
