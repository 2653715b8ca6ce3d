package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newLogoutCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use:     "logout",
		Short:   "End the session at the current hub and forget it",
		Example: "  fairlead logout",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			logins, err := session.Load(r.config)
			if err != nil {
				return err
			}
			login, ok := logins.Login(r.server)
			if !ok {
				return errors.New("there is no login to end")
			}
			c, err := r.dial(login)
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := client.Call(cmd.Context(), c, protocol.SessionDelete, &protocol.SessionDeleteRequest{}); err != nil {
				r.note("the hub did not end the session (%v); it is forgotten here all the same", err)
			}
			logins.Remove(login.Server)
			if err := logins.Save(); err != nil {
				return err
			}
			r.printf("logged out of %s\n", login.Server)
			return nil
		},
	}
}
