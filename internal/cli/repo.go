package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newRepoCommand(r *root) *cobra.Command {
	return group("repo", "Repositories, and the credentials for them", []string{"repos"},
		newRepoListCommand(r), newRepoGetCommand(r), newRepoAddCommand(r), newRepoRemoveCommand(r))
}

var repoFormats = []output.Format{output.Wide, output.JSON, output.YAML, output.URL}

var repoColumns = []output.Column[*protocol.Repository]{
	{Title: "TYPE", Cell: func(repo *protocol.Repository) string { return repo.Type }},
	{Title: "NAME", Cell: func(repo *protocol.Repository) string { return repo.Name }},
	{Title: "REPO", Cell: func(repo *protocol.Repository) string { return repo.Repo }},
	{Title: "INSECURE", Cell: func(repo *protocol.Repository) string {
		return fmt.Sprint(repo.Insecure || repo.InsecureIgnoreHostKey)
	}},
	{Title: "OCI", Cell: func(repo *protocol.Repository) string { return fmt.Sprint(repo.EnableOCI) }},
	{Title: "LFS", Cell: func(repo *protocol.Repository) string { return fmt.Sprint(repo.EnableLFS) }},
	{Title: "CREDS", Cell: func(repo *protocol.Repository) string {
		if repo.InheritedCreds {
			return "inherited"
		}
		return fmt.Sprint(repo.Username+repo.Password+repo.BearerToken+repo.SSHPrivateKey+repo.TLSClientCertData+repo.GithubAppPrivateKey != "" ||
			repo.UseAzureWorkloadIdentity)
	}},
	{Title: "STATUS", Cell: func(repo *protocol.Repository) string { return repo.ConnectionState.Status }},
	{Title: "MESSAGE", Cell: func(repo *protocol.Repository) string { return repo.ConnectionState.Message }},
	{Title: "PROJECT", Cell: func(repo *protocol.Repository) string { return repo.Project }},
}

// forceRefresh reads --refresh.
func forceRefresh(value string) (bool, error) {
	if value != "" && value != "hard" {
		return false, fmt.Errorf("unknown refresh value: %s. Supported values: hard", value)
	}
	return value == "hard", nil
}

func newRepoListCommand(r *root) *cobra.Command {
	var refresh string
	cmd := &cobra.Command{Use: "list", Short: "List the repositories", Args: exactArgs(), Example: "  fairlead repo list\n  fairlead repo list --refresh hard"}
	cmd.Flags().StringVar(&refresh, "refresh", "", "hard asks the repositories anew whether they answer")
	format := outputFlag(cmd, repoFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		force, err := forceRefresh(refresh)
		if err != nil {
			return err
		}
		list, err := client.Call(ctx, c, protocol.RepositoryGetList, &protocol.RepoQuery{ForceRefresh: force})
		if err != nil {
			return err
		}
		return r.printRepos(format.Format, list.Items, list.Items)
	})
	return cmd
}

func (r *root) printRepos(format output.Format, value any, repos []*protocol.Repository) error {
	if format == output.URL {
		for _, repo := range repos {
			r.printf("%s\n", repo.Repo)
		}
		return nil
	}
	return output.Print(r.streams.Out, format, value, repos, repoColumns)
}

func newRepoGetCommand(r *root) *cobra.Command {
	query := &protocol.RepoQuery{}
	var refresh string
	cmd := &cobra.Command{
		Use: "get REPO", Short: "Show a repository", Args: exactArgs("REPO"), ValidArgsFunction: r.completeRepo,
		Example: "  fairlead repo get https://git.example.com/team/deploy.git -o yaml",
	}
	cmd.Flags().StringVar(&query.AppProject, "project", "", "project that the repository belongs to")
	cmd.Flags().StringVar(&refresh, "refresh", "", "hard asks the repository anew whether it answers")
	format := outputFlag(cmd, repoFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) (err error) {
		query.Repo = args[0]
		if query.ForceRefresh, err = forceRefresh(refresh); err != nil {
			return err
		}
		repo, err := client.Call(ctx, c, protocol.RepositoryGet, query)
		if err != nil {
			return err
		}
		return r.printRepos(format.Format, repo, []*protocol.Repository{repo})
	})
	return cmd
}

// repoFlags describe a repository, but for its credentials.
func repoFlags(cmd *cobra.Command, repo *protocol.Repository) {
	flags := cmd.Flags()
	flags.StringVar(&repo.Name, "name", "", "name; needed for Helm repositories")
	flags.StringVar(&repo.Project, "project", "", "project that the repository belongs to; default: all")
	flags.BoolVar(&repo.InsecureIgnoreHostKey, "insecure-ignore-host-key", false, "accept any host key; --insecure-skip-server-verification is its name now")
	flags.BoolVar(&repo.Insecure, "insecure-skip-server-verification", false, "accept any certificate and host key")
	flags.BoolVar(&repo.EnableLFS, "enable-lfs", false, "fetch files of Git LFS")
	flags.StringVar(&repo.Proxy, "proxy", "", "proxy to reach it by")
	flags.StringVar(&repo.NoProxy, "no-proxy", "", "what isn't reached by the proxy")
	flags.Int64Var(&repo.Depth, "depth", 0, "how many commits are fetched; 0 for all")
	flags.BoolVar(&repo.WebhookManifestCacheWarmDisabled, "webhook-manifest-cache-warm-disabled", false, "don't render at each webhook")
}

func newRepoAddCommand(r *root) *cobra.Command {
	repo, secrets := &protocol.Repository{}, &repoSecrets{}
	var upsert bool
	cmd := &cobra.Command{
		Use: "add REPOURL", Short: "Add a repository with its credentials", Args: exactArgs("REPOURL"),
		Example: `  fairlead repo add git@git.example.com:team/deploy --ssh-private-key-path ~/.ssh/id_rsa
  echo "$TOKEN" | fairlead repo add https://git.example.com/team/deploy.git --username ci --password-stdin
  fairlead repo add https://charts.example.com --type helm --name stable`,
	}
	secrets.flags(cmd, repo)
	repoFlags(cmd, repo)
	cmd.Flags().BoolVar(&upsert, "upsert", false, "replace it if it exists and differs")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		repo.Repo = args[0]
		if repo.Type == "helm" && repo.Name == "" {
			//lint:ignore ST1005 argocd's text
			return errors.New("Must specify --name for repos of type 'helm'")
		}
		if err := secrets.read(r, repo); err != nil {
			return err
		}
		access, err := as[protocol.RepoAccessQuery](repo)
		if err != nil {
			return err
		}
		access.Insecure = repo.Insecure || repo.InsecureIgnoreHostKey
		if _, err := client.Call(ctx, c, protocol.RepositoryValidate, access); err != nil {
			return err
		}
		created, err := client.Call(ctx, c, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: repo, Upsert: upsert})
		if err != nil {
			return err
		}
		r.printf("Repository '%s' added\n", created.Repo)
		return nil
	})
	return cmd
}

func newRepoRemoveCommand(r *root) *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use: "rm REPO...", Short: "Remove repositories", Args: someArgs("REPO", never), ValidArgsFunction: r.completeRepo,
		Example: "  fairlead repo rm https://git.example.com/team/deploy.git",
	}
	cmd.Flags().StringVar(&project, "project", "", "project that the repository belongs to")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		for _, url := range args {
			if !r.confirm(fmt.Sprintf("Are you sure you want to delete repository '%s'? [y/n]", url)) {
				r.printf("The command to delete '%s' was cancelled.\n", url)
				continue
			}
			if _, err := client.Call(ctx, c, protocol.RepositoryDelete, &protocol.RepoQuery{Repo: url, AppProject: project}); err != nil {
				return err
			}
			r.printf("Repository '%s' removed\n", url)
		}
		return nil
	})
	return cmd
}
