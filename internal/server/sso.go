package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/login/sso"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// stateCookie keeps what the end of a login needs, while the browser is with the identity provider.
const stateCookie = "argocd.oauthstate"

// mountSSO serves the browser's ways in and out.
func (s *Server) mountSSO(mux *http.ServeMux) {
	mux.HandleFunc("GET /auth/login", s.beginLogin)
	mux.HandleFunc("GET /auth/callback", s.finishLogin)
	mux.HandleFunc("GET /auth/logout", s.logOut)
	mux.HandleFunc("POST /auth/logout", s.logOut)
	mux.HandleFunc("/api/dex/", func(w http.ResponseWriter, r *http.Request) {
		text := "Fairlead runs no Dex; name the identity provider in oidc.config of argocd-cm, or as a connector of type oidc in dex.config"
		if s.options.SSO != nil {
			if _, err := s.options.SSO.Config(r.Context()); err != nil {
				text = err.Error()
			}
		}
		http.Error(w, text, http.StatusNotFound)
	})
}

// beginLogin sends a browser to the identity provider.
func (s *Server) beginLogin(w http.ResponseWriter, r *http.Request) {
	if s.options.SSO == nil {
		http.Error(w, login.ErrNoSSO.Error(), http.StatusNotFound)
		return
	}
	address, cookie, err := s.options.SSO.Begin(r, r.URL.Query().Get("return_url"))
	if err != nil {
		s.refuseLogin(w, r, err)
		return
	}
	s.setBrowserCookie(w, r, &http.Cookie{Name: stateCookie, Value: cookie, MaxAge: int(sso.StateAge.Seconds())})
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// finishLogin takes a browser back, and gives it its session.
func (s *Server) finishLogin(w http.ResponseWriter, r *http.Request) {
	if s.options.SSO == nil {
		http.Error(w, login.ErrNoSSO.Error(), http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	if query.Get("error") != "" {
		s.refuseLogin(w, r, &providerError{clip(query.Get("error")) + ": " + clip(query.Get("error_description"))})
		return
	}
	var state string
	if cookie, err := r.Cookie(stateCookie); err == nil {
		state = cookie.Value
	}
	s.setBrowserCookie(w, r, &http.Cookie{Name: stateCookie, MaxAge: -1})
	session, err := s.options.SSO.Finish(r, state)
	if err == nil {
		err = s.setTokenCookies(w, r, session.Token)
	}
	if err != nil {
		s.refuseLogin(w, r, err)
		return
	}
	s.metrics.logins.WithLabelValues("success").Inc()
	s.options.Logger.InfoContext(r.Context(), "web login", "user", clip(session.Identity.Name), "subject", clip(session.Identity.Subject))
	http.Redirect(w, r, otherwise(session.Return, s.options.baseHRef()), http.StatusSeeOther)
}

// providerError is what the identity provider says of a login.
type providerError struct{ text string }

func (e *providerError) Error() string { return e.text }

// refuseLogin answers a login that came to nothing. The text holds no tokens: package sso keeps them out of its errors.
func (s *Server) refuseLogin(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadRequest
	var theirs *providerError
	switch {
	case errors.Is(err, login.ErrNoSSO):
		status = http.StatusNotFound
	case errors.As(err, &theirs), errors.Is(err, sso.ErrReturnURL):
	default:
		status = http.StatusInternalServerError
	}
	s.metrics.logins.WithLabelValues("failure").Inc()
	s.options.Logger.WarnContext(r.Context(), "web login failed", "error", err)
	http.Error(w, err.Error(), status)
}

// logOut ends a session here, and leads on to the identity provider's own end where there is one. Browsers get, programs post as Argo
// CD's CLI does: it follows redirects and takes any but a success for a failed logout, so where a browser would go to the hub's own
// address a program is told at once.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request) {
	token := tokenFromCookies(r.Header)
	if token == "" {
		http.Error(w, "Failed to retrieve ArgoCD auth token", http.StatusBadRequest)
		return
	}
	s.clearTokenCookies(w, r, 0)
	identity, err := s.options.Login.Verify(r.Context(), token)
	if err == nil {
		if err := s.options.Login.Revoke(r.Context(), identity); err != nil {
			s.options.Logger.WarnContext(r.Context(), "revoking a session", "error", err)
		}
	}
	to, own := "", s.ownURL(r.Context())
	if s.options.SSO != nil {
		to = s.options.SSO.LogoutURL(r, token, err == nil && identity.Issuer != login.Issuer)
		own = otherwise(s.options.SSO.LogoutURL(r, token, false), own)
	}
	if to = otherwise(to, own); to == own && r.Method == http.MethodPost {
		w.WriteHeader(http.StatusOK)
		return
	}
	http.Redirect(w, r, otherwise(to, s.options.baseHRef()), http.StatusSeeOther)
}

// ownURL is the hub's address, as argocd-cm names it.
func (s *Server) ownURL(ctx context.Context) string {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return ""
	}
	return strings.TrimRight(config["url"], "/")
}

// describeSSO tells clients where to log on. What is wrong with the configuration is for the log: without it local accounts can
// still log on.
func (s *Server) describeSSO(ctx context.Context, answer *protocol.Settings) {
	if s.options.SSO == nil {
		return
	}
	config, err := s.options.SSO.Config(ctx)
	switch {
	case err != nil:
		s.options.Logger.WarnContext(ctx, "single sign-on doesn't work", "error", err)
		answer.DexConfig = &protocol.DexConfig{} // clients that try learn why at /api/dex
	case config != nil:
		answer.OIDCConfig = config.Describe()
	}
}
