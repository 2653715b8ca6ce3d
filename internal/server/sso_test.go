package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/login/oidctest"
	"fairlead.dev/fairlead/internal/login/sso"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// newSSOHub is a hub whose people come from an identity provider.
func newSSOHub(t *testing.T) (*hub, *oidctest.Provider) {
	t.Helper()
	provider := oidctest.New(t, false)
	h := newHub(t, func(o *Options) {
		o.SSO = sso.New(o.Settings, clock.RealClock{}, o.Logger)
		logins, err := login.New(login.Options{Client: o.Client, Namespace: hubNamespace, Cost: 4, External: o.SSO, Logger: o.Logger})
		if err != nil {
			t.Fatal(err)
		}
		o.Login = logins
	})
	var secret corev1.Secret
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: settings.SecretName}, &secret); err != nil {
		t.Fatal(err)
	}
	secret.Data["oidc.clientSecret"] = []byte(provider.ClientSecret)
	h.update(&secret)
	h.configure(settings.ConfigMapName, map[string]string{
		"url":         h.url,
		"oidc.config": fmt.Sprintf("name: Corp\nissuer: %s\nclientID: argo-cd\ncliClientID: cli\nclientSecret: $oidc.clientSecret\nlogoutURL: %s/bye?token={{token}}&to={{logoutRedirectURL}}", provider.Issuer, provider.Issuer),
	})
	h.configure(settings.RBACConfigMapName, map[string]string{"scopes": "[groups, email]", "policy.csv": `
		p, role:ops, applications, get, shop/*, allow
		g, corp-ops, role:ops
		g, bob@example.com, role:ops`})
	return h, provider
}

// browser goes where the hub and the provider send it, but not beyond the hub.
func (h *hub) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func (h *hub) visit(browser *http.Client, path string) (*http.Response, string) {
	h.t.Helper()
	answer, err := browser.Get(h.url + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer, string(body)
}

func TestSingleSignOn(t *testing.T) {
	h, provider := newSSOHub(t)
	// So many groups don't fit into one cookie.
	groups := []string{"corp-ops"}
	for i := range 300 {
		groups = append(groups, fmt.Sprintf("a group of some length, number %d", i))
	}
	provider.Person(map[string]any{"sub": "ann", "email": "ann@example.com", "groups": groups}, nil)
	ann := h.browser()
	answer, _ := h.visit(ann, "/auth/login?return_url="+h.url+"/api/v1/applications")
	if answer.Request.URL.Path != "/api/v1/applications" || answer.StatusCode != http.StatusOK {
		t.Fatalf("the login ended at %s: %s", answer.Request.URL, answer.Status)
	}
	if _, body := h.visit(ann, "/api/v1/applications"); strings.Count(body, `"kind"`) == 0 || strings.Contains(body, `"other"`) || !strings.Contains(body, `"production"`) {
		t.Errorf("the browser sees %.300s", body)
	}
	if _, body := h.visit(ann, "/api/v1/session/userinfo"); !strings.Contains(body, `"loggedIn":true,"username":"ann@example.com","iss":"`+provider.Issuer) || !strings.Contains(body, "corp-ops") {
		t.Errorf("who: %.200s", body)
	}
	var cookies []string
	for _, cookie := range ann.Jar.Cookies(answer.Request.URL) {
		cookies = append(cookies, cookie.Name)
	}
	if len(cookies) < 3 || strings.Contains(strings.Join(cookies, " "), stateCookie) {
		t.Errorf("cookies are %v", cookies)
	}

	// A later, shorter token isn't mixed with what is left of the longer one.
	provider.Person(map[string]any{"sub": "bob", "email": "bob@example.com"}, nil)
	h.visit(ann, "/auth/login")
	if _, body := h.visit(ann, "/api/v1/session/userinfo"); !strings.Contains(body, `"username":"bob@example.com"`) {
		t.Errorf("who now: %.200s", body)
	}

	// Logging out ends the session here, also for who has kept the token, and leads to the provider's own end.
	token := ""
	for _, cookie := range ann.Jar.Cookies(answer.Request.URL) {
		if cookie.Name == tokenCookie {
			token = cookie.Value
		}
	}
	ann.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	out, _ := h.visit(ann, "/auth/logout")
	if to := out.Header.Get("Location"); out.StatusCode != http.StatusSeeOther || to != provider.Issuer+"/bye?token="+token+"&to="+h.url {
		t.Errorf("logging out led to %d %s", out.StatusCode, to)
	}
	if left := ann.Jar.Cookies(answer.Request.URL); len(left) != 0 {
		t.Errorf("cookies left: %v", left)
	}
	_, err := hubclient.Call(ctx, h.as("", withToken(token)), protocol.ApplicationList, &protocol.ApplicationQuery{})
	wantCode(t, err, connect.CodeUnauthenticated, "token is revoked, please re-login")
	if strings.Contains(h.log.String(), token) || strings.Contains(h.log.String(), provider.ClientSecret) {
		t.Error("the log tells secrets")
	}
}

// Argo CD's CLI posts, and takes what redirects lead to for the answer.
func TestProgramsLogOut(t *testing.T) {
	h := newHub(t)
	token := h.token("admin")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/auth/logout", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(&http.Cookie{Name: tokenCookie, Value: token})
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("logging out answered %s", answer.Status)
	}
	_, err = hubclient.Call(ctx, h.as("", withToken(token)), protocol.ApplicationList, &protocol.ApplicationQuery{})
	wantCode(t, err, connect.CodeUnauthenticated, "token is revoked, please re-login")
}

func TestTokensOfTheProvider(t *testing.T) {
	h, provider := newSSOHub(t)
	list := func(claims map[string]any) (int, error) {
		list, err := hubclient.Call(ctx, h.as("", withToken(provider.Token(t, claims))), protocol.ApplicationList, &protocol.ApplicationQuery{})
		if err != nil {
			return 0, err
		}
		return len(list.Items), nil
	}
	for name, claims := range map[string]map[string]any{
		"by group": {"groups": []string{"corp-ops"}}, "by e-mail": {"email": "bob@example.com"}, "from the command line": {"aud": "cli", "groups": "corp-ops"},
	} {
		if n, err := list(claims); err != nil || n != 2 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if n, err := list(map[string]any{"sub": "carl"}); err != nil || n != 0 {
		t.Errorf("without a group: %d, %v", n, err)
	}
	// Nobody becomes a local account by the name of one: neither its own password nor its own keys are theirs.
	_, err := hubclient.Call(ctx, h.as("", withToken(provider.Token(t, map[string]any{"sub": "bot"}))), protocol.AccountNewToken, &protocol.CreateTokenRequest{Name: "bot"})
	wantCode(t, err, connect.CodePermissionDenied, "accounts, update, bot, sub: bot")
	for name, claims := range map[string]map[string]any{
		"expired": {"exp": 1}, "for others": {"aud": "other"}, "without a subject": {"sub": ""},
	} {
		_, err := list(claims)
		if err == nil || connect.CodeOf(err) != connect.CodeUnauthenticated || !strings.Contains(err.Error(), "invalid session: failed to verify the token") {
			t.Errorf("%s: %v", name, err)
		}
	}
	known, err := hubclient.Call(ctx, h.as(""), protocol.SettingsGet, &protocol.SettingsQuery{})
	if err != nil || known.OIDCConfig == nil || known.OIDCConfig.Issuer != provider.Issuer || known.OIDCConfig.CLIClientID != "cli" || known.OIDCConfig.Name != "Corp" {
		t.Errorf("settings: %+v, %v", known.OIDCConfig, err)
	}
}

func TestWaysInThatLeadNowhere(t *testing.T) {
	h, provider := newSSOHub(t)
	browser := h.browser()
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/auth/login?return_url=https://evil.example":        {400, "Invalid redirect URL: the protocol and host"},
		"/auth/callback?code=x&state=y":                      {500, "missing or damaged"},
		"/auth/callback?error=denied&error_description=<b>x": {400, "denied: <b>x"},
		"/auth/logout": {400, "Failed to retrieve ArgoCD auth token"},
		"/api/dex/.well-known/openid-configuration": {404, "Fairlead runs no Dex"},
	} {
		answer, body := h.visit(browser, path)
		if answer.StatusCode != want.status || !strings.Contains(body, want.text) || answer.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
	h.configure(settings.ConfigMapName, map[string]string{"oidc.config": "issuer: " + provider.Issuer + "\nclientID: $gone"})
	if answer, body := h.visit(browser, "/auth/login"); answer.StatusCode != 500 || !strings.Contains(body, `has no key "gone"`) {
		t.Errorf("a secret that isn't there: %d %s", answer.StatusCode, body)
	}
	if _, err := hubclient.Call(ctx, h.as("admin"), protocol.ApplicationList, &protocol.ApplicationQuery{}); err != nil {
		t.Errorf("local accounts: %v", err)
	}
	h.configure(settings.ConfigMapName, map[string]string{"oidc.config": ""})
	if answer, body := h.visit(browser, "/auth/login"); answer.StatusCode != 404 || !strings.Contains(body, "SSO is not configured") {
		t.Errorf("without configuration: %d %s", answer.StatusCode, body)
	}
	_, err := hubclient.Call(ctx, h.as("", withToken(provider.Token(t, nil))), protocol.ApplicationList, &protocol.ApplicationQuery{})
	wantCode(t, err, connect.CodeUnauthenticated, "invalid session: SSO is not configured")
}
