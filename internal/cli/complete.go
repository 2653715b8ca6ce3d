package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// completion is what cobra asks while somebody types.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// complete offers the names that the hub gives, for the first argument, or for all of them if many. Without a login there
// are none: that is no error while typing.
func (r *root) complete(many bool, ask func(context.Context, *client.Client) ([]string, error)) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		_ = r.run(func(ctx context.Context, c *client.Client, _ []string) (err error) {
			names, err = ask(ctx, c)
			return err
		})(cmd, nil)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func (r *root) completeApp(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return r.complete(false, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := client.Call(ctx, c, protocol.ApplicationList, &protocol.ApplicationQuery{})
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		return names, nil
	})(cmd, args, typed)
}

func (r *root) completeProject(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return r.complete(false, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := client.Call(ctx, c, protocol.ProjectList, &protocol.ProjectQuery{})
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		return names, nil
	})(cmd, args, typed)
}

func (r *root) completeCluster(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return r.complete(true, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := client.Call(ctx, c, protocol.ClusterGetList, &protocol.ClusterQuery{})
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].Name, list.Items[i].Server)
		}
		return names, nil
	})(cmd, args, typed)
}

func (r *root) completeRepo(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return r.complete(true, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := client.Call(ctx, c, protocol.RepositoryGetList, &protocol.RepoQuery{})
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].Repo)
		}
		return names, nil
	})(cmd, args, typed)
}
