package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/protocol"
)

func (s *Server) canI(ctx context.Context, c *call, q *protocol.CanIRequest) (*protocol.CanIResponse, error) {
	if verb, _, _ := strings.Cut(q.Action, "/"); !slices.Contains(access.Actions, verb) {
		return nil, invalid(fmt.Sprintf("%v does not contain %s", access.Actions, q.Action))
	}
	if !slices.Contains(access.Resources, q.Resource) {
		return nil, invalid(fmt.Sprintf("%v does not contain %s", access.Resources, q.Resource))
	}
	object := q.Subresource
	// project/namespace/name in the hub's own namespace is project/name.
	if parts := strings.Split(object, "/"); len(parts) == 3 && parts[1] == s.options.Namespace {
		object = parts[0] + "/" + parts[2]
	}
	allowed := c.may(q.Resource, q.Action, object)
	if q.Resource == access.Applications && q.Action == access.Rollback {
		err := s.mayRollback(ctx, c, object)
		allowed = err == nil
	}
	if allowed {
		return &protocol.CanIResponse{Value: "yes"}, nil
	}
	return &protocol.CanIResponse{Value: "no"}, nil
}

// freshLogin is how old a session of an identity provider may be for changing a local account's password, upstream's.
const freshLogin = 5 * time.Minute

// updatePassword changes the caller's password, or another's. Whoever changes one proves to be the one who is logged on: by
// their own password, or by having come from the identity provider just now.
func (s *Server) updatePassword(ctx context.Context, c *call, q *protocol.UpdatePasswordRequest) (*protocol.UpdatePasswordResponse, error) {
	name := q.Name
	if name == "" {
		name = c.identity.Subject
	}
	local := c.identity.Issuer == login.Issuer
	if err := c.own(name); err != nil {
		return nil, nested("permission denied", err)
	}
	if _, _, role := access.ProjectRoleOf(c.identity.Subject); role && q.Name == "" {
		return nil, invalid(fmt.Sprintf("password can only be changed for local users, not user %q", name))
	}
	if local {
		var refusal login.Refusal
		if err := s.options.Login.CheckPassword(ctx, c.identity.Subject, q.CurrentPassword); errors.As(err, &refusal) {
			return nil, invalid("current password does not match")
		} else if err != nil {
			return nil, err
		}
	} else if s.options.Clock.Since(c.identity.IssuedAt) > freshLogin {
		return nil, fail(connect.CodeUnknown, errors.New("SSO token is too old. Please use 'argocd relogin' to get a new token"))
	}
	err := s.options.Login.SetPassword(ctx, name, q.NewPassword)
	if errors.Is(err, login.ErrNoAccount) {
		err = nested("failed to update account password", err)
	}
	if err != nil {
		return nil, err
	}
	s.options.Logger.InfoContext(ctx, "a password was changed", "account", clip(name), "by", clip(c.name()))
	return &protocol.UpdatePasswordResponse{}, nil
}

// ownAccount lets callers act on their own account, and on others by the row's permission.
func (c *call) ownAccount(name, doing string) error {
	if err := c.own(name); err != nil {
		err = nested(fmt.Sprintf("permission denied for account %s with action %s", name, c.row.permission.action), err)
		return fail(connect.CodePermissionDenied, fmt.Errorf("permission denied to %s account %s: %s", doing, name, errorText(err)))
	}
	return nil
}

func (s *Server) listAccounts(ctx context.Context, c *call, _ *protocol.ListAccountRequest) (*protocol.AccountsList, error) {
	accounts, err := s.options.Login.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	list := &protocol.AccountsList{}
	for _, account := range accounts {
		if c.own(account.Name) == nil {
			list.Items = append(list.Items, toAccount(account))
		}
	}
	return list, nil
}

func (s *Server) getAccount(ctx context.Context, c *call, q *protocol.GetAccountRequest) (*protocol.Account, error) {
	if err := c.ownAccount(q.Name, "get"); err != nil {
		return nil, err
	}
	account, err := s.options.Login.Account(ctx, q.Name)
	if err != nil {
		return nil, nested("failed to get account "+q.Name, err)
	}
	return toAccount(account), nil
}

func toAccount(a login.Account) *protocol.Account {
	account := &protocol.Account{Name: a.Name, Enabled: a.Enabled}
	for _, capability := range a.Capabilities {
		account.Capabilities = append(account.Capabilities, string(capability))
	}
	for _, token := range a.Tokens {
		account.Tokens = append(account.Tokens, &protocol.Token{ID: token.ID, IssuedAt: token.IssuedAt, ExpiresAt: token.ExpiresAt})
	}
	slices.SortStableFunc(account.Tokens, func(x, y *protocol.Token) int { return int(y.IssuedAt - x.IssuedAt) })
	return account
}

func (s *Server) createToken(ctx context.Context, c *call, q *protocol.CreateTokenRequest) (*protocol.CreateTokenResponse, error) {
	if err := c.ownAccount(q.Name, "create token for"); err != nil {
		return nil, err
	}
	const longest = int64(100 * 365 * 24 * 3600)
	if q.ExpiresIn < 0 || q.ExpiresIn > longest {
		return nil, invalid("expiresIn must be between 0 (never) and a hundred years, in seconds")
	}
	token, err := s.options.Login.CreateToken(ctx, q.Name, q.ID, time.Duration(q.ExpiresIn)*time.Second)
	if err != nil {
		return nil, nested("failed to update account with new token", err)
	}
	return &protocol.CreateTokenResponse{Token: token}, nil
}

func (s *Server) deleteToken(ctx context.Context, c *call, q *protocol.DeleteTokenRequest) (*protocol.AccountResponse, error) {
	if err := c.ownAccount(q.Name, "delete"); err != nil {
		return nil, err
	}
	if err := s.options.Login.DeleteToken(ctx, q.Name, q.ID); err != nil {
		return nil, nested("failed to delete account "+q.Name, err)
	}
	return &protocol.AccountResponse{}, nil
}
