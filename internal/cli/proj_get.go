package cli

import (
	"context"
	"fmt"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newProjGetCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "get PROJECT", Short: "Show a project", Args: exactArgs("PROJECT"), Example: "  fairlead proj get demo -o yaml"}
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		project, err := detailedProject(ctx, c, args[0])
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, project.Project); done {
			return err
		}
		r.printProject(project)
		return nil
	})
	return cmd
}

// detailedProject is a project with what belongs to it; without that where a hub can't say.
func detailedProject(ctx context.Context, c *client.Client, name string) (*protocol.DetailedProjectsResponse, error) {
	query := &protocol.ProjectQuery{Name: name}
	detailed, err := client.Call(ctx, c, protocol.ProjectDetailed, query)
	if connect.CodeOf(err) != connect.CodeUnimplemented {
		return detailed, err
	}
	project, err := client.Call(ctx, c, protocol.ProjectGet, query)
	return &protocol.DetailedProjectsResponse{Project: project}, err
}

func (r *root) printProject(d *protocol.DetailedProjectsResponse) {
	p := *d.Project
	var repositories, clusters, denied, keys []string
	for _, repo := range d.Repositories {
		repositories = append(repositories, repo.Repo)
	}
	for _, cluster := range d.Clusters {
		clusters = append(clusters, cluster.Server)
	}
	for _, kind := range p.Spec.NamespaceResourceBlacklist {
		denied = append(denied, kind.Group+"/"+kind.Kind)
	}
	for _, key := range p.Spec.SignatureKeys {
		keys = append(keys, key.KeyID)
	}
	for _, line := range []struct {
		label  string
		values []string
	}{
		{"Name", []string{p.Name}}, {"Description", []string{p.Spec.Description}}, {"Destinations", destinations(p)},
		{"Repositories", p.Spec.SourceRepos}, {"Source Namespaces", p.Spec.SourceNamespaces}, {"Scoped Repositories", repositories},
		{"Allowed Cluster Resources", clusterKinds(p)}, {"Scoped Clusters", clusters}, {"Denied Namespaced Resources", denied},
		{"Signature keys", []string{firstOf(strings.Join(keys, ", "), "<none>")}}, {"Orphaned Resources", []string{orphanText(p)}},
	} {
		if len(line.values) == 0 {
			line.values = []string{"<none>"}
		}
		label := line.label + ":"
		for _, value := range line.values {
			r.printf("%s\n", fmt.Sprintf("%-29s%s", label, value))
			label = ""
		}
	}
}
