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
	"fairlead.dev/fairlead/internal/signature"
)

func newProjCommand(r *root) *cobra.Command {
	commands := []*cobra.Command{
		newProjListCommand(r), newProjGetCommand(r), newProjCreateCommand(r), newProjSetCommand(r), newProjEditCommand(r),
		newProjDeleteCommand(r), newProjRoleCommand(r), newProjWindowsCommand(r), newProjIntegrityCommand(r),
	}
	commands = append(commands, newProjPlaceCommands(r)...)
	commands = append(commands, newProjKindCommands(r)...)
	cmd := group("proj", "Projects: what applications may deploy, from where, to where", []string{"project"}, commands...)
	r.aboutProjects(cmd)
	return cmd
}

// aboutProjects lets the subcommands that take a project complete its name.
func (r *root) aboutProjects(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		if strings.Contains(sub.Use, "PROJECT") {
			sub.ValidArgsFunction = r.completeProject
		}
		r.aboutProjects(sub)
	}
}

func newProjListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the projects", Args: exactArgs(), Example: "  fairlead proj list"}
	format := outputFlag(cmd, output.Wide, output.Name, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.ProjectList, &protocol.ProjectQuery{})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list.Items, list.Items, projectColumns)
	})
	return cmd
}

var projectColumns = []output.Column[v1alpha1.AppProject]{
	{Title: "NAME", Cell: func(p v1alpha1.AppProject) string { return p.Name }},
	{Title: "DESCRIPTION", Cell: func(p v1alpha1.AppProject) string { return p.Spec.Description }},
	{Title: "DESTINATIONS", Cell: func(p v1alpha1.AppProject) string { return summary(destinations(p), "destinations") }},
	{Title: "SOURCES", Cell: func(p v1alpha1.AppProject) string { return summary(p.Spec.SourceRepos, "repos") }},
	{Title: "CLUSTER-RESOURCE-WHITELIST", Cell: func(p v1alpha1.AppProject) string { return summary(clusterKinds(p), "resources") }},
	{Title: "NAMESPACE-RESOURCE-BLACKLIST", Cell: func(p v1alpha1.AppProject) string {
		if n := len(p.Spec.NamespaceResourceBlacklist); n > 0 {
			return fmt.Sprintf("%d resources", n)
		}
		return "<none>"
	}},
	{Title: "SOURCE-INTEGRITY", Cell: func(p v1alpha1.AppProject) string {
		return firstOf(strings.Join(signature.Methods(&p), ", "), "<none>")
	}},
	{Title: "ORPHANED-RESOURCES", Cell: orphanText},
	{Title: "DESTINATION-SERVICE-ACCOUNTS", Cell: func(p v1alpha1.AppProject) string {
		var accounts []string
		for _, a := range p.Spec.DestinationServiceAccounts {
			accounts = append(accounts, a.Server+","+a.Namespace+","+a.DefaultServiceAccount)
		}
		return summary(accounts, "destinationServiceAccounts")
	}},
}

// summary is the only item, or how many there are.
func summary(items []string, what string) string {
	switch len(items) {
	case 0:
		return "<none>"
	case 1:
		return items[0]
	}
	return fmt.Sprintf("%d %s", len(items), what)
}

func destinations(p v1alpha1.AppProject) []string {
	var texts []string
	for _, d := range p.Spec.Destinations {
		texts = append(texts, d.Server+","+d.Namespace)
	}
	return texts
}

func clusterKinds(p v1alpha1.AppProject) []string {
	var texts []string
	for _, k := range p.Spec.ClusterResourceWhitelist {
		texts = append(texts, k.Group+"/"+k.Kind)
	}
	return texts
}

func orphanText(p v1alpha1.AppProject) string {
	orphans := p.Spec.OrphanedResources
	if orphans == nil {
		return "disabled"
	}
	text := fmt.Sprintf("warn=%t", orphans.Warn == nil || *orphans.Warn)
	if n := len(orphans.Ignore); n > 0 {
		text += fmt.Sprintf(", ignored %d", n)
	}
	return "enabled (" + text + ")"
}

func newProjDeleteCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "delete PROJECT...", Short: "Delete projects", Args: someArgs("PROJECT", never), Example: "  fairlead proj delete demo",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			for _, name := range args {
				if !r.confirm(fmt.Sprintf("Are you sure you want to delete %s? [y/n]", name)) {
					r.printf("The command to delete %s was cancelled.\n", name)
					continue
				}
				if _, err := client.Call(ctx, c, protocol.ProjectDelete, &protocol.ProjectQuery{Name: name}); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

func never() bool { return false }
