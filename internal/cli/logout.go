package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newLogoutCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use:     "logout [CONTEXT]",
		Short:   "End a session, the current one by default, and forget its token",
		Example: "  fairlead logout\n  fairlead logout cd.example.com",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: r.completeContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			logins, err := session.Load(r.connection.config)
			if err != nil {
				return err
			}
			if logins.Empty() {
				//lint:ignore ST1005 argocd's text
				return errors.New("Nothing to logout from")
			}
			name := logins.CurrentContext
			if len(args) == 1 {
				name = args[0]
			}
			login, err := logins.Context(name)
			if err != nil {
				//lint:ignore ST1005 argocd's text
				return fmt.Errorf("Context %s does not exist", name)
			}
			if !r.confirm(fmt.Sprintf("Are you sure you want to log out from '%s'?", name)) {
				r.note("Logout from '%s' cancelled", name)
				return nil
			}
			if err := r.endSession(cmd, login); err != nil {
				r.note("failed to invalidate token on server: %v; it is forgotten here all the same", err)
			}
			logins.Forget(login.User.Name)
			if err := logins.Save(); err != nil {
				return err
			}
			r.printf("Logged out from '%s'\n", name)
			return nil
		},
	}
}

// endSession has the server revoke a token.
func (r *root) endSession(cmd *cobra.Command, login session.Context) error {
	if login.Server.Core || login.User.AuthToken == "" {
		return nil
	}
	options, err := r.connection.reach(login.Server)
	if err != nil {
		return err
	}
	options.Token = login.User.AuthToken
	c, err := r.dial(cmd.Context(), options)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = client.Call(cmd.Context(), c, protocol.SessionDelete, &protocol.SessionDeleteRequest{})
	return err
}
