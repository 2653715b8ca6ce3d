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
	"fairlead.dev/fairlead/internal/settings"
)

func (s *Server) version(_ context.Context, c *call, _ *protocol.VersionRequest) (*protocol.VersionMessage, error) {
	if !c.loggedIn {
		return &protocol.VersionMessage{Version: s.options.Version.Version}, nil
	}
	version := s.options.Version
	return &version, nil
}

func (s *Server) settings(ctx context.Context, _ *call, _ *protocol.SettingsQuery) (*protocol.Settings, error) {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return nil, err
	}
	accounts, err := s.options.Login.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	answer := &protocol.Settings{
		URL: config["url"], AppLabelKey: config["application.instanceLabelKey"], TrackingMethod: config["application.resourceTrackingMethod"],
		UICSSURL: config["ui.cssurl"], UIBannerContent: config["ui.bannercontent"], UIBannerURL: config["ui.bannerurl"],
		PasswordPattern: config["passwordPattern"], InstallationID: config["installationID"],
		ControllerNamespace: s.options.Namespace, AppsInAnyNamespaceEnabled: len(s.options.ApplicationNamespaces) > 0,
		UserLoginsDisabled: !slices.ContainsFunc(accounts, func(a login.Account) bool {
			return a.Enabled && a.Can(login.CapabilityLogin)
		}),
		SyncWithReplaceAllowed: true,
	}
	if answer.AppLabelKey == "" {
		answer.AppLabelKey = "app.kubernetes.io/instance"
	}
	if answer.TrackingMethod == "" {
		answer.TrackingMethod = "annotation"
	}
	return answer, nil
}

func (s *Server) createSession(ctx context.Context, _ *call, q *protocol.SessionCreateRequest) (*protocol.SessionResponse, error) {
	token, err := s.login(ctx, q)
	if err != nil {
		s.metrics.logins.WithLabelValues("failure").Inc()
		s.options.Logger.WarnContext(ctx, "login failed", "user", clip(q.Username), "error", err)
		return nil, err
	}
	s.metrics.logins.WithLabelValues("success").Inc()
	return &protocol.SessionResponse{Token: token}, nil
}

// clip keeps a name that anybody may choose from filling the log.
func clip(name string) string {
	const most = 64
	if len(name) > most {
		return name[:most] + "…"
	}
	return name
}

func (s *Server) login(ctx context.Context, q *protocol.SessionCreateRequest) (string, error) {
	switch {
	case q.Token != "":
		return "", unauthenticated("token-based session creation no longer supported. please upgrade argocd cli to v0.7+")
	case q.Username == "" || q.Password == "":
		return "", unauthenticated("no credentials supplied")
	}
	token, err := s.options.Login.Login(ctx, q.Username, q.Password)
	var refusal login.Refusal
	if errors.As(err, &refusal) {
		return "", unauthenticated(refusal.Error())
	}
	return token, err
}

func unauthenticated(text string) error { return fail(connect.CodeUnauthenticated, errors.New(text)) }

func (s *Server) deleteSession(ctx context.Context, c *call, _ *protocol.SessionDeleteRequest) (*protocol.SessionResponse, error) {
	return &protocol.SessionResponse{}, s.options.Login.Revoke(ctx, c.identity)
}

func (s *Server) userInfo(_ context.Context, c *call, _ *protocol.GetUserInfoRequest) (*protocol.GetUserInfoResponse, error) {
	return &protocol.GetUserInfoResponse{
		LoggedIn: c.loggedIn, Username: c.identity.Name, Issuer: c.identity.Issuer, Groups: c.identity.Groups,
	}, nil
}

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

func (s *Server) updatePassword(ctx context.Context, c *call, q *protocol.UpdatePasswordRequest) (*protocol.UpdatePasswordResponse, error) {
	name := q.Name
	if name == "" {
		name = c.identity.Name
	}
	if err := c.own(name); err != nil {
		return nil, err
	}
	// Whoever changes a password proves to be the one who is logged on.
	var refusal login.Refusal
	if err := s.options.Login.CheckPassword(ctx, c.identity.Name, q.CurrentPassword); errors.As(err, &refusal) {
		return nil, invalid("current password does not match")
	} else if err != nil {
		return nil, err
	}
	if err := s.options.Login.SetPassword(ctx, name, q.NewPassword); err != nil {
		return nil, err
	}
	return &protocol.UpdatePasswordResponse{}, nil
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
	if err := c.own(q.Name); err != nil {
		return nil, err
	}
	account, err := s.options.Login.Account(ctx, q.Name)
	if err != nil {
		return nil, err
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
	if err := c.own(q.Name); err != nil {
		return nil, err
	}
	const longest = int64(100 * 365 * 24 * 3600)
	if q.ExpiresIn < 0 || q.ExpiresIn > longest {
		return nil, invalid("expiresIn must be between 0 (never) and a hundred years, in seconds")
	}
	token, err := s.options.Login.CreateToken(ctx, q.Name, q.ID, time.Duration(q.ExpiresIn)*time.Second)
	if err != nil {
		return nil, err
	}
	return &protocol.CreateTokenResponse{Token: token}, nil
}

func (s *Server) deleteToken(ctx context.Context, c *call, q *protocol.DeleteTokenRequest) (*protocol.AccountResponse, error) {
	if err := c.own(q.Name); err != nil {
		return nil, err
	}
	return &protocol.AccountResponse{}, s.options.Login.DeleteToken(ctx, q.Name, q.ID)
}
