package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
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
			root.InitDefaultCompletionCmd()
			withoutHome(root)
			return doc.GenMarkdownTree(root, args[0])
		},
	}
}

// withoutHome writes ~ for the home folder in the defaults of flags, so that the reference is the same everywhere.
func withoutHome(cmd *cobra.Command) {
	home, err := os.UserHomeDir()
	if err != nil {
		return
	}
	neutral := func(flag *pflag.Flag) { flag.DefValue = strings.ReplaceAll(flag.DefValue, home, "~") }
	cmd.Flags().VisitAll(neutral)
	cmd.PersistentFlags().VisitAll(neutral)
	for _, sub := range cmd.Commands() {
		withoutHome(sub)
	}
}
