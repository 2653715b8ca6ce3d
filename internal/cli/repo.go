package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newRepoCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "repo", Aliases: []string{"repos"}, Short: "Repositories, and the credentials for them"}
	cmd.AddCommand(newRepoListCommand(r), newRepoAddCommand(r), newRepoRemoveCommand(r))
	return cmd
}

func newRepoListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the repositories", Args: exactArgs(), Example: "  fairlead repo list"}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.RepositoryGetList, &protocol.RepoQuery{})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, []output.Column[*protocol.Repository]{
			{Title: "REPO", Cell: func(repo *protocol.Repository) string { return repo.Repo }},
			{Title: "TYPE", Cell: func(repo *protocol.Repository) string { return firstOf(repo.Type, "git") }},
			{Title: "NAME", Cell: func(repo *protocol.Repository) string { return repo.Name }},
			{Title: "PROJECT", Cell: func(repo *protocol.Repository) string { return repo.Project }},
			{Title: "STATUS", Cell: func(repo *protocol.Repository) string { return repo.ConnectionState.Status }},
			{Title: "MESSAGE", Wide: true, Cell: func(repo *protocol.Repository) string { return repo.ConnectionState.Message }},
		})
	})
	return cmd
}

func newRepoAddCommand(r *root) *cobra.Command {
	repo := &protocol.Repository{}
	var upsert, passwordStdin bool
	cmd := &cobra.Command{
		Use: "add URL", Short: "Add a repository with its credentials", Args: exactArgs("URL"),
		Example: `  echo "$TOKEN" | fairlead repo add https://git.example.com/team/deploy.git --username ci --password-stdin`,
	}
	cmd.Flags().StringVar(&repo.Username, "username", "", "user")
	cmd.Flags().StringVar(&repo.Password, "password", "", "password or token")
	cmd.Flags().BoolVar(&passwordStdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().StringVar(&repo.Name, "name", "", "name")
	cmd.Flags().StringVar(&repo.Type, "type", "git", "git, helm or oci")
	cmd.Flags().StringVar(&repo.Project, "project", "", "project that the repository belongs to; default: all")
	cmd.Flags().BoolVar(&repo.Insecure, "insecure-skip-server-verification", false, "accept any certificate and host key")
	cmd.Flags().BoolVar(&upsert, "upsert", false, "replace it if it exists")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) (err error) {
		repo.Repo = args[0]
		if passwordStdin {
			if repo.Password, err = r.password("", true); err != nil {
				return err
			}
		}
		if repo.Password != "" && repo.Username == "" {
			return &UsageError{errors.New("a password needs a --username")}
		}
		created, err := client.Call(ctx, c, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: repo, Upsert: upsert})
		if err != nil {
			return err
		}
		r.printf("repository '%s' added\n", created.Repo)
		return nil
	})
	return cmd
}

func newRepoRemoveCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "rm URL", Short: "Remove a repository", Args: exactArgs("URL"),
		Example: "  fairlead repo rm https://git.example.com/team/deploy.git",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			if _, err := client.Call(ctx, c, protocol.RepositoryDelete, &protocol.RepoQuery{Repo: args[0]}); err != nil {
				return err
			}
			r.printf("repository '%s' removed\n", args[0])
			return nil
		}),
	}
}
