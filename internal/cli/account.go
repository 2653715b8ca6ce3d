package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAccountCommand(r *root) *cobra.Command {
	return group("account", "Accounts, and what they may do", nil,
		newAccountListCommand(r), newAccountGetCommand(r), newAccountWhoCommand(r), newAccountCanICommand(r), newAccountPasswordCommand(r),
		newAccountNewTokenCommand(r), newAccountDropTokenCommand(r), newAccountSessionTokenCommand(r), newAccountBcryptCommand(r))
}

func newAccountListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the local accounts", Example: "  fairlead account list", Args: exactArgs()}
	format := outputFlag(cmd, output.Wide, output.Name, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.AccountList, &protocol.ListAccountRequest{})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list.Items, list.Items, []output.Column[*protocol.Account]{
			{Title: "NAME", Cell: func(a *protocol.Account) string { return a.Name }},
			{Title: "ENABLED", Cell: func(a *protocol.Account) string { return fmt.Sprint(a.Enabled) }},
			{Title: "CAPABILITIES", Cell: func(a *protocol.Account) string { return strings.Join(a.Capabilities, ", ") }},
		})
	})
	return cmd
}

// whoever is an account, or the one who is logged in.
func whoever(ctx context.Context, c *client.Client, account string) (string, error) {
	if account != "" {
		return account, nil
	}
	info, err := client.Call(ctx, c, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{})
	if err != nil {
		return "", err
	}
	return info.Username, nil
}

func accountFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("account", "a", "", "account; default: one's own")
}

func newAccountGetCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "get", Short: "Show an account", Args: exactArgs(), Example: "  fairlead account get --account ci"}
	account := accountFlag(cmd)
	format := outputFlag(cmd, output.Wide, output.Name, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		name, err := whoever(ctx, c, *account)
		if err != nil {
			return err
		}
		found, err := client.Call(ctx, c, protocol.AccountGet, &protocol.GetAccountRequest{Name: name})
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, found); done {
			return err
		}
		if format.Format == output.Name {
			r.printf("%s\n", found.Name)
			return nil
		}
		return r.printAccount(found)
	})
	return cmd
}

func (r *root) printAccount(a *protocol.Account) error {
	r.field("Name", a.Name)
	r.field("Enabled", a.Enabled)
	r.field("Capabilities", strings.Join(a.Capabilities, ", "))
	r.printf("\nTokens:\n")
	if len(a.Tokens) == 0 {
		r.printf("NONE\n")
		return nil
	}
	rows := [][]string{{"ID", "ISSUED AT", "EXPIRING AT"}}
	for _, token := range a.Tokens {
		expires := "never"
		if token.ExpiresAt > 0 {
			expires = unixTime(token.ExpiresAt)
			if time.Unix(token.ExpiresAt, 0).Before(time.Now()) {
				expires += " (expired)"
			}
		}
		rows = append(rows, []string{token.ID, unixTime(token.IssuedAt), expires})
	}
	return output.Lines(r.streams.Out, rows)
}

func newAccountWhoCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "get-user-info", Aliases: []string{"whoami"}, Short: "Show who is logged in",
		Example: "  fairlead account get-user-info", Args: exactArgs(),
	}
	format := outputFlag(cmd, output.Table, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		info, err := client.Call(ctx, c, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{})
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, info); done {
			return err
		}
		r.printf("Logged In: %t\n", info.LoggedIn)
		if info.LoggedIn {
			r.printf("Username: %s\nIssuer: %s\nGroups: %s\n", info.Username, info.Issuer, strings.Join(info.Groups, ","))
		}
		return nil
	})
	return cmd
}

func newAccountCanICommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use:   "can-i ACTION RESOURCE OBJECT",
		Short: "Ask whether one may do something; prints yes or no",
		Example: `  fairlead account can-i sync applications demo/echo-production
  fairlead account can-i action/argoproj.io/Rollout/abort applications demo/echo-staging`,
		Args: exactArgs("ACTION", "RESOURCE", "OBJECT"),
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			answer, err := client.Call(ctx, c, protocol.AccountCanI,
				&protocol.CanIRequest{Action: args[0], Resource: args[1], Subresource: args[2]})
			if err != nil {
				return err
			}
			r.printf("%s\n", answer.Value)
			return nil
		}),
	}
}

func newAccountPasswordCommand(r *root) *cobra.Command {
	request := &protocol.UpdatePasswordRequest{}
	cmd := &cobra.Command{
		Use:   "update-password",
		Short: "Set the password of an account",
		Long:  "Set the password of one's own account, or, as an administrator, of another one. Passwords that aren't given are asked for.",
		Example: `  fairlead account update-password --current-password "$OLD" --new-password "$NEW"
  fairlead account update-password --account dana --current-password "$ADMIN" --new-password "$NEW"`,
		Args: exactArgs(),
	}
	cmd.Flags().StringVar(&request.Name, "account", "", "account; default: one's own")
	cmd.Flags().StringVar(&request.CurrentPassword, "current-password", "", "password of the one who asks")
	cmd.Flags().StringVar(&request.NewPassword, "new-password", "", "the new password")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		info, err := client.Call(ctx, c, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{})
		if err != nil {
			return err
		}
		if info.Issuer == "argocd" {
			question := fmt.Sprintf("*** Enter password of currently logged in user (%s): ", info.Username)
			if request.CurrentPassword, _, err = r.typed(request.CurrentPassword, question, true); err != nil {
				return err
			}
		}
		request.Name = firstOf(request.Name, info.Username)
		var ok bool
		if request.NewPassword, ok, err = r.typed(request.NewPassword, "*** Enter new password for user "+request.Name+": ", true); err != nil {
			return err
		}
		if !ok {
			return &UsageError{errors.New("no new password: give --new-password")}
		}
		if _, err = client.Call(ctx, c, protocol.AccountPassword, request); err != nil {
			return err
		}
		r.printf("Password updated\n")
		if request.Name != info.Username {
			return nil
		}
		return r.renew(ctx, c, request)
	})
	return cmd
}

// renew logs in again with a new password, where the file of logins has the old session.
func (r *root) renew(ctx context.Context, c *client.Client, changed *protocol.UpdatePasswordRequest) error {
	logins, err := session.Load(r.connection.config)
	if err != nil {
		return err
	}
	login, known, err := r.connection.login(logins)
	if err != nil || !known {
		return err
	}
	given := credentials{username: changed.Name, password: changed.NewPassword}
	if login.User.AuthToken, err = r.passwordLogin(ctx, c, given); err != nil {
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
}

func newAccountNewTokenCommand(r *root) *cobra.Command {
	request := &protocol.CreateTokenRequest{}
	var expires string
	cmd := &cobra.Command{Use: "generate-token", Short: "Issue a token of an account", Args: exactArgs(), Example: "  fairlead account generate-token --account ci --expires-in 7d"}
	account := accountFlag(cmd)
	cmd.Flags().StringVarP(&expires, "expires-in", "e", "0s", "how long it holds, such as 12h or 7d; 0s for ever")
	cmd.Flags().StringVar(&request.ID, "id", "", "name of the token; default: a random one")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		holds, err := days(expires)
		if err != nil {
			return err
		}
		if request.Name, err = whoever(ctx, c, *account); err != nil {
			return err
		}
		request.ExpiresIn = int64(holds / time.Second)
		answer, err := client.Call(ctx, c, protocol.AccountNewToken, request)
		if err != nil {
			return err
		}
		r.printf("%s\n", answer.Token)
		return nil
	})
	return cmd
}

func newAccountDropTokenCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "delete-token ID", Short: "Revoke a token of an account", Args: exactArgs("ID"), Example: "  fairlead account delete-token --account ci 4c1c…"}
	account := accountFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		name, err := whoever(ctx, c, *account)
		if err != nil {
			return err
		}
		if !r.confirm(fmt.Sprintf("Are you sure you want to delete '%s' token? [y/n]", args[0])) {
			r.printf("The command to delete '%s' was cancelled.\n", args[0])
			return nil
		}
		_, err = client.Call(ctx, c, protocol.AccountDropToken, &protocol.DeleteTokenRequest{Name: name, ID: args[0]})
		return err
	})
	return cmd
}

func newAccountSessionTokenCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "session-token", Short: "Print the token of the current login", Args: exactArgs(), Example: "  export ARGOCD_AUTH_TOKEN=$(fairlead account session-token)"}
	format := outputFlag(cmd, output.Table, output.JSON, output.YAML)
	cmd.RunE = func(*cobra.Command, []string) error {
		options, err := r.options()
		if err != nil {
			return err
		}
		if options.Token == "" {
			return refused("No authentication token found. Please login first with 'fairlead login'")
		}
		claims, err := claimsOf(options.Token)
		if err != nil {
			return err
		}
		if expires, err := claims.GetExpirationTime(); err == nil && expires != nil && expires.Before(time.Now()) {
			return refused("Session token has expired. Please run 'fairlead relogin'")
		}
		if done, err := output.Value(r.streams.Out, format.Format, describeToken(options.Token, claims)); done {
			return err
		}
		r.printf("%s\n", options.Token)
		return nil
	}
	return cmd
}

// describeToken is what a token says of itself, by argocd's names.
func describeToken(token string, claims jwt.MapClaims) map[string]any {
	described := map[string]any{"type": "local", "issuer": claims["iss"], "username": displayName(claims), "token": token}
	if claims["iss"] != "argocd" {
		described["type"] = "sso"
	}
	for name, get := range map[string]func() (*jwt.NumericDate, error){"issued_at": claims.GetIssuedAt, "expires_at": claims.GetExpirationTime} {
		if at, err := get(); err == nil && at != nil {
			described[name] = at.Format(time.RFC3339)
		}
	}
	return described
}

func newAccountBcryptCommand(r *root) *cobra.Command {
	var password string
	cmd := &cobra.Command{Use: "bcrypt", Short: "Print the hash of a password, as argocd-secret has it", Args: exactArgs(), Example: `  echo "$PASSWORD" | fairlead account bcrypt`}
	cmd.Flags().StringVar(&password, "password", "", "the password; asked for, or read from standard input, if not given")
	cmd.RunE = func(*cobra.Command, []string) error {
		given, ok, err := r.typed(password, "Password: ", true)
		if err == nil && !ok {
			given, err = r.password(credentials{passwordStdin: true})
		}
		if err != nil {
			return err
		}
		hash, err := bcrypt.GenerateFromPassword([]byte(given), bcrypt.DefaultCost)
		if err != nil {
			return fmt.Errorf("hashing the password: %w", err)
		}
		r.printf("%s", hash)
		return nil
	}
	return cmd
}
