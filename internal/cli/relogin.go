package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/session"
)

func newReloginCommand(r *root) *cobra.Command {
	given := credentials{}
	cmd := &cobra.Command{
		Use: "relogin", Short: "Log in once more as before, for a token that has expired", Args: exactArgs(),
		Example: "  fairlead relogin\n  fairlead relogin --password-stdin < password",
		RunE: func(cmd *cobra.Command, _ []string) error {
			logins, err := session.Load(r.connection.config)
			if err != nil {
				return err
			}
			if logins.Empty() {
				//lint:ignore ST1005 argocd's text
				return errors.New("No context found. Login using `fairlead login`")
			}
			login, err := logins.Context(r.connection.context)
			if err != nil {
				return err
			}
			claims, err := login.User.Claims()
			if err != nil {
				return err
			}
			if issuer, _ := claims["iss"].(string); issuer == "argocd" {
				r.printf("Relogging in as '%s'\n", displayName(claims))
				subject, _ := claims["sub"].(string)
				given.username, _, _ = strings.Cut(subject, ":")
			} else {
				r.printf("Reinitiating SSO login\n")
				given.sso = true
			}
			if err := r.login(cmd.Context(), &login, given); err != nil {
				return err
			}
			current := logins.CurrentContext
			logins.Set(login)
			logins.CurrentContext = current
			if err := logins.Save(); err != nil {
				return err
			}
			r.printf("Context '%s' updated\n", login.Name)
			return nil
		},
	}
	given.flags(cmd)
	return cmd
}
