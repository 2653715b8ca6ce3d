package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/settings"
)

// maxToken bounds a token in bytes.
const maxToken = 64 << 10

// authenticate finds who calls, from the headers alone. Calls that need no login get on without one; a token that is no
// good is an error for all others.
func (s *Server) authenticate(ctx context.Context, r *row, header http.Header) (context.Context, error) {
	caller, err := s.callerFrom(ctx, header)
	if err != nil && r.permission.level != levelPublic {
		s.record(ctx, r, caller, s.options.Clock.Now(), err)
		return nil, err
	}
	return context.WithValue(ctx, callerKey{}, caller), nil
}

func (s *Server) callerFrom(ctx context.Context, header http.Header) (caller, error) {
	// A proxy that looks at such headers may have seen another one than the hub would.
	for _, name := range []string{"Token", "Authorization"} {
		if values := header.Values(name); len(values) > 1 && slices.ContainsFunc(values, func(v string) bool { return v != values[0] }) {
			return caller{}, unauthenticated("invalid session: several different headers " + name)
		}
	}
	token := tokenFrom(header)
	if token == "" {
		return caller{}, s.admitAnonymous(ctx)
	}
	identity, err := s.options.Login.Verify(ctx, token)
	if err != nil {
		return caller{}, sessionError(err)
	}
	return caller{identity: identity, loggedIn: true, token: token}, nil
}

// admitAnonymous tells whether those who bring no token are let in.
func (s *Server) admitAnonymous(ctx context.Context) error {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return asError(err)
	}
	if config["users.anonymous.enabled"] == "true" {
		return nil
	}
	return unauthenticated("no session information")
}

// sessionError is what upstream says of a token that is no good.
func sessionError(err error) error {
	if errors.Is(err, login.ErrToken) {
		return unauthenticated("invalid session: " + strings.TrimPrefix(err.Error(), login.ErrToken.Error()+": "))
	}
	return asError(err)
}

// tokenFrom finds the token in upstream's order: gRPC metadata "token", Authorization: Bearer, cookie.
func tokenFrom(header http.Header) string {
	token := header.Get("Token")
	if token == "" {
		if scheme, rest, ok := strings.Cut(header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
			token = strings.TrimSpace(rest)
		}
	}
	if token == "" {
		token = tokenFromCookies(header)
	}
	if len(token) > maxToken {
		return ""
	}
	return token
}
