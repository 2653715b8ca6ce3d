package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newGPGCommand(r *root) *cobra.Command {
	return group("gpg", "GnuPG keys that commits may be signed with", nil,
		newGPGListCommand(r), newGPGGetCommand(r), newGPGAddCommand(r), newGPGRemoveCommand(r))
}

var gpgFormats = []output.Format{output.Wide, output.JSON, output.YAML}

func newGPGListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the keys", Args: exactArgs(), Example: "  fairlead gpg list"}
	format := outputFlag(cmd, gpgFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.GPGKeyGetList, &protocol.GPGKeyQuery{})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list.Items, list.Items, []output.Column[protocol.GPGKey]{
			{Title: "KEYID", Cell: func(k protocol.GPGKey) string { return k.KeyID }},
			{Title: "TYPE", Cell: func(k protocol.GPGKey) string { return strings.ToUpper(k.SubType) }},
			{Title: "IDENTITY", Cell: func(k protocol.GPGKey) string { return k.Owner }},
		})
	})
	return cmd
}

func newGPGGetCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "get KEYID", Short: "Show a key", Args: exactArgs("KEYID"), Example: "  fairlead gpg get 4AEE18F83AFDEB23"}
	format := outputFlag(cmd, gpgFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		key, err := client.Call(ctx, c, protocol.GPGKeyGet, &protocol.GPGKeyQuery{KeyID: args[0]})
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, key); done {
			return err
		}
		r.printf("Key ID:          %s\nKey fingerprint: %s\nKey subtype:     %s\nKey owner:       %s\nKey data follows until EOF:\n%s\n",
			key.KeyID, key.Fingerprint, strings.ToUpper(key.SubType), key.Owner, key.KeyData)
		return nil
	})
	return cmd
}

func newGPGAddCommand(r *root) *cobra.Command {
	var file string
	cmd := &cobra.Command{Use: "add", Short: "Add the keys of a file", Args: exactArgs(), Example: "  fairlead gpg add --from key.asc"}
	cmd.Flags().StringVarP(&file, "from", "f", "", "file with the public keys; - for standard input")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		if file == "" {
			return errors.New("--from is mandatory")
		}
		text, err := r.readInput(file)
		if err != nil {
			return err
		}
		answer, err := client.Call(ctx, c, protocol.GPGKeyCreate, &protocol.GPGKeyCreateRequest{PublicKey: &protocol.GPGKey{KeyData: string(text)}})
		if err != nil {
			return err
		}
		created := 0
		if answer.Created != nil {
			created = len(answer.Created.Items)
		}
		r.printf("Created %d key(s) from input file", created)
		if n := len(answer.Skipped); n > 0 {
			r.printf(", and %d key(s) were skipped because they exist already", n)
		}
		r.printf(".\n")
		return nil
	})
	return cmd
}

func newGPGRemoveCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "rm KEYID", Short: "Remove a key", Args: exactArgs("KEYID"), Example: "  fairlead gpg rm 4AEE18F83AFDEB23",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			if !r.confirm(fmt.Sprintf("Are you sure you want to remove '%s'? [y/n] ", args[0])) {
				r.printf("The command to delete key with key ID '%s' was cancelled.\n", args[0])
				return nil
			}
			if _, err := client.Call(ctx, c, protocol.GPGKeyDelete, &protocol.GPGKeyQuery{KeyID: args[0]}); err != nil {
				return err
			}
			r.printf("Deleted key with key ID %s\n", args[0])
			return nil
		}),
	}
}
