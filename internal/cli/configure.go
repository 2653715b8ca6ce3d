package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/session"
)

func newConfigureCommand(r *root) *cobra.Command {
	var prompts bool
	cmd := &cobra.Command{
		Use: "configure", Short: "Set what the file of logins says of this program", Args: exactArgs(),
		Example: "  fairlead configure --prompts-enabled\n  fairlead configure --prompts-enabled=false",
		RunE: func(*cobra.Command, []string) error {
			logins, err := session.Load(r.connection.config)
			if err != nil {
				return err
			}
			if logins.Empty() {
				//lint:ignore ST1005 argocd's text
				return &UsageError{errors.New("No local configuration found")}
			}
			logins.PromptsEnabled = prompts
			if err := logins.Save(); err != nil {
				return err
			}
			r.printf("Successfully updated the following configuration settings:\nprompts-enabled: %t\n", prompts)
			return nil
		},
	}
	r.connection.kubeFlags(cmd)
	cmd.Flags().BoolVar(&prompts, "prompts-enabled", false, "ask before something is deleted")
	return cmd
}
