package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAccountCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Accounts, and what they may do"}
	cmd.AddCommand(newAccountListCommand(r), newAccountWhoCommand(r), newAccountCanICommand(r), newAccountPasswordCommand(r))
	return cmd
}

func newAccountListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the local accounts", Example: "  fairlead account list", Args: exactArgs()}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.AccountList, &protocol.ListAccountRequest{})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, []output.Column[*protocol.Account]{
			{Title: "NAME", Cell: func(a *protocol.Account) string { return a.Name }},
			{Title: "ENABLED", Cell: func(a *protocol.Account) string { return fmt.Sprint(a.Enabled) }},
			{Title: "CAPABILITIES", Cell: func(a *protocol.Account) string { return strings.Join(a.Capabilities, ", ") }},
		})
	})
	return cmd
}

func newAccountWhoCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "get-user-info", Aliases: []string{"whoami"}, Short: "Show who is logged in",
		Example: "  fairlead account get-user-info", Args: exactArgs(),
	}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		info, err := client.Call(ctx, c, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{})
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, info); done {
			return err
		}
		return output.Fields(r.streams.Out,
			[2]string{"Logged In", fmt.Sprint(info.LoggedIn)}, [2]string{"Username", info.Username},
			[2]string{"Issuer", info.Issuer}, [2]string{"Groups", strings.Join(info.Groups, ", ")})
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
	var account, current, password string
	cmd := &cobra.Command{
		Use:   "update-password",
		Short: "Set the password of an account",
		Long:  "Set the password of one's own account, or, as an administrator, of another one.",
		Example: `  fairlead account update-password --current-password "$OLD" --new-password "$NEW"
  fairlead account update-password --account dana --current-password "$ADMIN" --new-password "$NEW"`,
		Args: exactArgs(),
		RunE: r.run(func(ctx context.Context, c *client.Client, _ []string) error {
			_, err := client.Call(ctx, c, protocol.AccountPassword,
				&protocol.UpdatePasswordRequest{Name: account, CurrentPassword: current, NewPassword: password})
			if err != nil {
				return err
			}
			r.printf("password updated\n")
			return nil
		}),
	}
	cmd.Flags().StringVar(&account, "account", "", "account; default: one's own")
	cmd.Flags().StringVar(&current, "current-password", "", "password of the one who asks")
	cmd.Flags().StringVar(&password, "new-password", "", "the new password")
	return cmd
}
