package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// tokensOf are the tokens of a role, where the status has them or, of old, the spec.
func tokensOf(p *v1alpha1.AppProject, role *v1alpha1.ProjectRole) []v1alpha1.JWTToken {
	if tokens := p.Status.JWTTokensByRole[role.Name].Items; len(tokens) > 0 {
		return tokens
	}
	return role.JWTTokens
}

// days reads a duration with days ("7d"), as argocd's for tokens; empty is 0.
func days(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, fmt.Errorf("reading duration %q: %w", text, err)
		}
		return time.Duration(n * float64(24*time.Hour)), nil
	}
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

func unixTime(seconds int64) string {
	if seconds <= 0 {
		return "Never"
	}
	return time.Unix(seconds, 0).Format(time.RFC3339)
}

// humanTime is a time, and how long ago it was or how far away it is.
func humanTime(seconds int64) string {
	at := time.Unix(seconds, 0)
	if past := time.Since(at); past >= 0 {
		return fmt.Sprintf("%s (%s ago)", at.Format(time.RFC3339), duration.HumanDuration(past))
	}
	return fmt.Sprintf("%s (%s from now)", at.Format(time.RFC3339), duration.HumanDuration(time.Until(at)))
}

// claimsOf are what a token that was just issued says.
func claimsOf(token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseUnverified(token, &claims); err != nil {
		return nil, fmt.Errorf("received malformed token %w", err)
	}
	return claims, nil
}

func newProjRoleNewTokenCommand(r *root) *cobra.Command {
	request := &protocol.ProjectTokenCreateRequest{}
	var expires string
	var only bool
	cmd := &cobra.Command{
		Use: "create-token PROJECT ROLE-NAME", Aliases: []string{"token-create"}, Short: "Issue a token of a role", Args: exactArgs("PROJECT", "ROLE-NAME"),
		Example: "  fairlead proj role create-token demo ci --expires-in 7d\n  TOKEN=$(fairlead proj role create-token demo ci -t)",
	}
	cmd.Flags().StringVarP(&expires, "expires-in", "e", "", "how long it holds, such as 12h or 7d; default: for ever")
	cmd.Flags().StringVarP(&request.ID, "id", "i", "", "name of the token; default: a random one")
	cmd.Flags().BoolVarP(&only, "token-only", "t", false, "print the token alone")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		holds, err := days(expires)
		if err != nil {
			return err
		}
		request.Project, request.Role, request.ExpiresIn = args[0], args[1], int64(holds/time.Second)
		answer, err := client.Call(ctx, c, protocol.ProjectNewToken, request)
		if err != nil {
			return err
		}
		if only {
			r.printf("%s\n", answer.Token)
			return nil
		}
		claims, err := claimsOf(answer.Token)
		if err != nil {
			return err
		}
		issued, _ := claims["iat"].(float64)
		until, _ := claims["exp"].(float64)
		r.printf("Create token succeeded for %v.\n  ID: %v\n  Issued At: %s\n  Expires At: %s\n  Token: %s\n",
			claims["sub"], claims["jti"], unixTime(int64(issued)), unixTime(int64(until)), answer.Token)
		return nil
	})
	return cmd
}

func newProjRoleTokensCommand(r *root) *cobra.Command {
	var unix bool
	cmd := &cobra.Command{
		Use: "list-tokens PROJECT ROLE-NAME", Aliases: []string{"list-token", "token-list"}, Short: "List the tokens of a role",
		Args: exactArgs("PROJECT", "ROLE-NAME"), Example: "  fairlead proj role list-tokens demo ci",
	}
	cmd.Flags().BoolVarP(&unix, "unixtime", "u", false, "print times in Unix seconds, as delete-token takes them")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
		if err != nil {
			return err
		}
		role, err := roleOf(p, args[1])
		if err != nil {
			return err
		}
		tokens := tokensOf(p, role)
		if len(tokens) == 0 {
			r.printf("No tokens for %s.%s\n", args[0], args[1])
			return nil
		}
		show := unixTime
		if unix {
			show = func(seconds int64) string { return fmt.Sprint(seconds) }
		}
		return output.Print(r.streams.Out, output.Table, nil, tokens, []output.Column[v1alpha1.JWTToken]{
			{Title: "ID", Cell: func(t v1alpha1.JWTToken) string { return t.ID }},
			{Title: "ISSUED AT", Cell: func(t v1alpha1.JWTToken) string { return show(t.IssuedAt) }},
			{Title: "EXPIRES AT", Cell: func(t v1alpha1.JWTToken) string { return show(t.ExpiresAt) }},
		})
	})
	return cmd
}

func newProjRoleDropTokenCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "delete-token PROJECT ROLE-NAME ISSUED-AT", Aliases: []string{"token-delete", "remove-token"}, Short: "Revoke a token of a role",
		Args: exactArgs("PROJECT", "ROLE-NAME", "ISSUED-AT"), Example: "  fairlead proj role delete-token demo ci 1696759698",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			issued, err := strconv.ParseInt(args[2], 10, 64)
			if err != nil {
				return errors.New("ISSUED-AT is no number of Unix seconds; 'fairlead proj role list-tokens -u' prints it")
			}
			if !r.confirm(fmt.Sprintf("Are you sure you want to delete '%s' project token? [y/n]", args[2])) {
				r.printf("The command to delete project token '%s' was cancelled.\n", args[2])
				return nil
			}
			_, err = client.Call(ctx, c, protocol.ProjectDropToken, &protocol.ProjectTokenDeleteRequest{Project: args[0], Role: args[1], IssuedAt: issued})
			return err
		}),
	}
}
