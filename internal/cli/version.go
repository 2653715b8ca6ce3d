package cli

import (
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newVersionCommand(r *root) *cobra.Command {
	var clientOnly bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program and of the hub",
		Example: "  fairlead version --client",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.printf("fairlead: %s\n", r.version)
			logins, err := session.Load(r.config)
			if err != nil {
				return err
			}
			login, _ := logins.Login(r.server)
			if clientOnly || login.Server == "" {
				return nil
			}
			c, err := r.dial(login)
			if err != nil {
				return err
			}
			defer c.Close()
			answer, err := client.Call(cmd.Context(), c, protocol.Version, &protocol.VersionRequest{})
			if err != nil {
				return err
			}
			r.printf("hub: %s\n", answer.Version)
			return nil
		},
	}
	cmd.Flags().BoolVar(&clientOnly, "client", false, "only that of this program")
	return cmd
}
