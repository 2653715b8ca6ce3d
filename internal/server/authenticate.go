package server

import (
	"context"
	"errors"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/settings"
)

// tokenCookie is the cookie of browsers. Long tokens are cut: the first cookie then holds "COUNT:…" and the others are
// argocd.token-1, …
const tokenCookie = "argocd.token"

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
	token := tokenFrom(header)
	if token == "" {
		config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
		if err != nil {
			return caller{}, asError(err)
		}
		if config["users.anonymous.enabled"] == "true" {
			return caller{}, nil
		}
		return caller{}, fail(connect.CodeUnauthenticated, errors.New("no session information"))
	}
	identity, err := s.options.Login.Verify(ctx, token)
	if errors.Is(err, login.ErrToken) {
		return caller{}, fail(connect.CodeUnauthenticated, errors.New("invalid session: "+strings.TrimPrefix(err.Error(), login.ErrToken.Error()+": ")))
	}
	if err != nil {
		return caller{}, asError(err)
	}
	return caller{identity: identity, loggedIn: true}, nil
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

func tokenFromCookies(header http.Header) string {
	parts := map[int]string{}
	for _, cookie := range (&http.Request{Header: header}).Cookies() {
		switch suffix, found := strings.CutPrefix(cookie.Name, tokenCookie+"-"); {
		case cookie.Name == tokenCookie:
			parts[0] = cookie.Value
		case found:
			if n, err := strconv.Atoi(suffix); err == nil && n > 0 && n < 20 {
				parts[n] = cookie.Value
			}
		}
	}
	if count, first, ok := strings.Cut(parts[0], ":"); ok {
		if _, err := strconv.Atoi(count); err == nil {
			parts[0] = first
		}
	}
	order := make([]int, 0, len(parts))
	for n := range parts {
		order = append(order, n)
	}
	sort.Ints(order)
	var token strings.Builder
	for _, n := range order {
		token.WriteString(parts[n])
	}
	return token.String()
}
