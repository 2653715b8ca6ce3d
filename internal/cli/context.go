package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/cli/session"
)

func newContextCommand(r *root) *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use: "context [CONTEXT]", Aliases: []string{"ctx"}, Short: "List the logins, or switch to another one",
		Example: "  fairlead context\n  fairlead context cd.example.com\n  fairlead context -\n  fairlead context cd.example.com --delete",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: r.completeContext,
		RunE: func(_ *cobra.Command, args []string) error {
			logins, err := session.Load(r.connection.config)
			if err != nil {
				return err
			}
			switch {
			case logins.Empty():
				//lint:ignore ST1005 argocd's text
				return &UsageError{errors.New("No local configuration found")}
			case remove && len(args) == 0:
				return &UsageError{errors.New("fairlead context --delete needs CONTEXT")}
			case remove:
				if !logins.Remove(args[0]) {
					return fmt.Errorf("context %s does not exist", args[0])
				}
				if err := logins.Save(); err != nil {
					return err
				}
				r.printf("Context '%s' deleted\n", args[0])
				return nil
			case len(args) == 0:
				return r.printContexts(logins)
			}
			return r.switchContext(logins, args[0])
		},
	}
	cmd.Flags().BoolVar(&remove, "delete", false, "forget the login instead of switching to it")
	return cmd
}

func (r *root) switchContext(logins *session.File, name string) error {
	before := filepath.Join(filepath.Dir(r.connection.config), ".prev-ctx")
	if name == "-" {
		text, err := os.ReadFile(before)
		if err != nil {
			return fmt.Errorf("finding the login before: %w", err)
		}
		name = strings.TrimSpace(string(text))
	}
	if logins.CurrentContext == name {
		r.printf("Already at context '%s'\n", name)
		return nil
	}
	if _, err := logins.Context(name); err != nil {
		return err
	}
	last := logins.CurrentContext
	logins.CurrentContext = name
	if err := logins.Save(); err != nil {
		return err
	}
	if err := os.WriteFile(before, []byte(last), 0o600); err != nil {
		return fmt.Errorf("remembering the login before: %w", err)
	}
	r.printf("Switched to context '%s'\n", name)
	return nil
}

func (r *root) printContexts(logins *session.File) error {
	return output.Print(r.streams.Out, output.Table, nil, logins.Contexts, []output.Column[session.ContextRef]{
		{Title: "CURRENT", Cell: func(c session.ContextRef) string {
			if c.Name == logins.CurrentContext {
				return "*"
			}
			return " "
		}},
		{Title: "NAME", Cell: func(c session.ContextRef) string { return c.Name }},
		{Title: "SERVER", Cell: func(c session.ContextRef) string { return c.Server }},
	})
}

// completeContext offers the names of logins.
func (r *root) completeContext(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	logins, err := session.Load(r.connection.config)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, context := range logins.Contexts {
		names = append(names, context.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
