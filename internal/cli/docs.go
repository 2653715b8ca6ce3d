package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newDocsCommand writes the reference that stands in docs/cli. It is hidden: `make generate` runs it.
func newDocsCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "docs FOLDER", Short: "Write the reference of the commands as Markdown", Hidden: true, Args: exactArgs("FOLDER"),
		Example: "  fairlead docs docs/cli",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.RemoveAll(args[0]); err != nil {
				return fmt.Errorf("clearing %s: %w", args[0], err)
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("making %s: %w", args[0], err)
			}
			root.DisableAutoGenTag = true
			if err := root.PersistentFlags().Set("config", "~/.config/fairlead/logins.yaml"); err != nil {
				return err
			}
			root.PersistentFlags().Lookup("config").DefValue = "~/.config/fairlead/logins.yaml"
			root.PersistentFlags().Lookup("server").DefValue = ""
			return doc.GenMarkdownTree(root, args[0])
		},
	}
}
