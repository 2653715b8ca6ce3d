package server

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/protocol"
)

func (s *Server) version(_ context.Context, c *call, _ *protocol.VersionRequest) (*protocol.VersionMessage, error) {
	if !c.loggedIn {
		return &protocol.VersionMessage{Version: s.options.Version.Version}, nil
	}
	version := s.options.Version
	return &version, nil
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

func (s *Server) userInfo(ctx context.Context, c *call, _ *protocol.GetUserInfoRequest) (*protocol.GetUserInfoResponse, error) {
	policy, err := s.policies.current(ctx)
	if err != nil {
		return nil, err
	}
	return &protocol.GetUserInfoResponse{
		LoggedIn: c.loggedIn, Username: c.identity.Name, Issuer: c.identity.Issuer, Groups: c.identity.Groups(policy.Scopes()),
	}, nil
}
