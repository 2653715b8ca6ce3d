package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newRepoCredsCommand(r *root) *cobra.Command {
	return group("repocreds", "Credentials for all repositories below a URL", nil,
		newRepoCredsListCommand(r), newRepoCredsAddCommand(r), newRepoCredsRemoveCommand(r))
}

func newRepoCredsListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the credentials, without their secrets", Args: exactArgs(), Example: "  fairlead repocreds list"}
	format := outputFlag(cmd, repoFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.RepoCredsGetList, &protocol.RepoCredsQuery{})
		if err != nil {
			return err
		}
		if format.Format == output.URL {
			for _, creds := range list.Items {
				r.printf("%s\n", creds.URL)
			}
			return nil
		}
		return output.Print(r.streams.Out, format.Format, list.Items, list.Items, []output.Column[protocol.RepoCreds]{
			{Title: "URL PATTERN", Cell: func(c protocol.RepoCreds) string { return c.URL }},
			{Title: "USERNAME", Cell: func(c protocol.RepoCreds) string { return firstOf(c.Username, "-") }},
			{Title: "SSH_CREDS", Cell: func(c protocol.RepoCreds) string { return fmt.Sprint(c.SSHPrivateKey != "") }},
			{Title: "TLS_CREDS", Cell: func(c protocol.RepoCreds) string { return fmt.Sprint(c.TLSClientCertData != "") }},
		})
	})
	return cmd
}

func newRepoCredsAddCommand(r *root) *cobra.Command {
	repo, secrets := &protocol.Repository{}, &repoSecrets{}
	var upsert bool
	cmd := &cobra.Command{
		Use: "add REPOURL", Short: "Add credentials for all repositories below a URL", Args: exactArgs("REPOURL"),
		Example: `  echo "$TOKEN" | fairlead repocreds add https://git.example.com/team/ --username ci --password-stdin`,
	}
	secrets.flags(cmd, repo)
	cmd.Flags().StringVar(&repo.Proxy, "proxy-url", "", "proxy to reach them by")
	cmd.Flags().BoolVar(&upsert, "upsert", false, "replace them if they exist and differ")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		repo.Repo = args[0]
		if err := secrets.read(r, repo); err != nil {
			return err
		}
		creds, err := as[protocol.RepoCreds](repo)
		if err != nil {
			return err
		}
		creds.URL = args[0]
		created, err := client.Call(ctx, c, protocol.RepoCredsCreate, &protocol.RepoCredsCreateRequest{Creds: creds, Upsert: upsert})
		if err != nil {
			return err
		}
		r.printf("Repository credentials for '%s' added\n", created.URL)
		return nil
	})
	return cmd
}

func newRepoCredsRemoveCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "rm CREDSURL...", Short: "Remove credentials", Args: someArgs("CREDSURL", never), Example: "  fairlead repocreds rm https://git.example.com/team/",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			for _, url := range args {
				if !r.confirm(fmt.Sprintf("Are you sure you want to remove '%s'? [y/n] ", url)) {
					r.printf("The command to remove '%s' was cancelled.\n", url)
					continue
				}
				if _, err := client.Call(ctx, c, protocol.RepoCredsDelete, &protocol.RepoCredsDeleteRequest{URL: url}); err != nil {
					return err
				}
				r.printf("Repository credentials for '%s' removed\n", url)
			}
			return nil
		}),
	}
}
