package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newLoginCommand(r *root) *cobra.Command {
	var username, password string
	var passwordStdin bool
	cmd := &cobra.Command{
		Use:   "login SERVER",
		Short: "Log in to a hub and make it the current one",
		Example: `  fairlead login http://127.0.0.1:8080 --username admin
  echo "$PASSWORD" | fairlead login hub.example.com --username ci --password-stdin`,
		Args: exactArgs("SERVER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := client.ServerURL(args[0])
			if err != nil {
				return &UsageError{err}
			}
			if password, err = r.password(password, passwordStdin); err != nil {
				return err
			}
			return r.login(cmd.Context(), session.Login{Server: server, Insecure: r.insecure}, username, password)
		},
	}
	cmd.Flags().StringVar(&username, "username", "admin", "account")
	cmd.Flags().StringVar(&password, "password", "", "password; asked for if not given")
	cmd.Flags().BoolVar(&passwordStdin, "password-stdin", false, "read the password from standard input")
	cmd.MarkFlagsMutuallyExclusive("password", "password-stdin")
	return cmd
}

func (r *root) login(ctx context.Context, login session.Login, username, password string) error {
	c, err := r.dial(login)
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := client.Call(ctx, c, protocol.SessionCreate, &protocol.SessionCreateRequest{Username: username, Password: password})
	if err != nil {
		return fmt.Errorf("logging in to %s as %s: %w", login.Server, username, err)
	}
	logins, err := session.Load(r.config)
	if err != nil {
		return err
	}
	login.Token = answer.Token
	logins.Set(login)
	if err := logins.Save(); err != nil {
		return err
	}
	r.printf("logged in to %s as %s\n", login.Server, username)
	return nil
}

// password is the given password, or the one on standard input, or the one that the user types.
func (r *root) password(given string, stdin bool) (string, error) {
	switch {
	case given != "":
		return given, nil
	case stdin:
		line, err := bufio.NewReader(r.streams.In).ReadString('\n')
		if line == "" && err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	file, ok := r.streams.In.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return "", &UsageError{errors.New("no password: give --password or --password-stdin")}
	}
	fmt.Fprint(r.streams.Err, "Password: ")
	typed, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(r.streams.Err)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return string(typed), nil
}
