package sso

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	clocktesting "k8s.io/utils/clock/testing"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/login/oidctest"
)

// memory are the hub's ConfigMaps and Secrets.
type memory struct {
	data    map[string]string
	secrets map[string]map[string][]byte
}

func (m *memory) ConfigMap(context.Context, string) (map[string]string, error) { return m.data, nil }
func (m *memory) Secret(_ context.Context, name string) (map[string][]byte, error) {
	return m.secrets[name], nil
}

type hub struct {
	*Provider
	*memory
	oidc  *oidctest.Provider
	clock *clocktesting.FakeClock
}

// newHub has a hub whose oidc.config names a provider, with further lines.
func newHub(t *testing.T, lines ...string) *hub {
	t.Helper()
	provider := oidctest.New(t, true)
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: provider.Certificate()}))
	config := fmt.Sprintf("name: Test\nissuer: %s\nclientID: argo-cd\nclientSecret: $oidc.secret\nrootCA: |\n  %s\n%s\n",
		provider.Issuer, strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n  "), strings.Join(lines, "\n"))
	m := &memory{
		data: map[string]string{"oidc.config": config, "url": "https://cd.example", "additionalUrls": "[https://other.example/argo]"},
		secrets: map[string]map[string][]byte{
			"argocd-secret": {"server.secretkey": []byte("a key"), "oidc.secret": []byte(provider.ClientSecret + "\n")},
			"other":         {"id": []byte("argo-cd")},
		},
	}
	clock := clocktesting.NewFakeClock(time.Now())
	return &hub{New(m, clock, slog.Default()), m, provider, clock}
}

func TestVerify(t *testing.T) {
	h := newHub(t, "cliClientID: argo-cd-cli")
	now := time.Now()
	forged, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": h.oidc.Issuer, "sub": "x", "aud": "argo-cd", "exp": now.Add(time.Hour).Unix()}).SignedString([]byte("argo-cd"))
	if err != nil {
		t.Fatal(err)
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": h.oidc.Issuer, "sub": "x", "aud": "argo-cd", "exp": now.Add(time.Hour).Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	good := h.oidc.Token(t, nil)
	for name, test := range map[string]struct{ token, want string }{
		"ours":                      {good, ""},
		"the command line's":        {h.oidc.Token(t, map[string]any{"aud": []string{"other", "argo-cd-cli"}}), ""},
		"for another client":        {h.oidc.Token(t, map[string]any{"aud": "other"}), "another audience"},
		"for nobody":                {h.oidc.Token(t, map[string]any{"aud": []string{}}), "no audience"},
		"of another provider":       {h.oidc.Token(t, map[string]any{"iss": "https://evil.example"}), "issued by a different provider"},
		"expired":                   {h.oidc.Token(t, map[string]any{"exp": now.Add(-time.Hour).Unix()}), "expired"},
		"not yet good":              {h.oidc.Token(t, map[string]any{"nbf": now.Add(time.Hour).Unix()}), "before the nbf"},
		"changed":                   {good[:len(good)-6] + "AAAAAA", "signature"},
		"signed with a shared word": {forged, "HS256"},
		"not signed":                {none, "malformed"},
		"nothing of the kind":       {"a.b.c", "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			identity, err := h.Verify(t.Context(), test.token)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), test.token) {
					t.Errorf("got %+v, %v", identity, err)
				}
				return
			}
			if err != nil || identity.Subject != "someone" || identity.Name != "someone" || identity.Issuer != h.oidc.Issuer || identity.TokenID == "" {
				t.Errorf("got %+v, %v", identity, err)
			}
		})
	}
	if _, err := h.Verify(t.Context(), h.oidc.Token(t, map[string]any{"exp": now.Add(-time.Hour).Unix()})); !errors.Is(err, login.ErrExpired) {
		t.Errorf("got %v", err)
	}
}

func TestIdentities(t *testing.T) {
	h := newHub(t)
	identity, err := h.Verify(t.Context(), h.oidc.Token(t, map[string]any{
		"sub": "Cg0wLTM4", "email": "ann@example.com", "groups": []string{"ops", "dev"}, "roles": "admin", "jti": "one",
		"federated_claims": map[string]string{"user_id": "ann"},
	}))
	if err != nil || identity.Subject != "ann" || identity.Name != "ann@example.com" || identity.TokenID != "one" ||
		strings.Join(identity.Groups([]string{"groups", "roles", "missing"}), " ") != "ops dev admin" {
		t.Errorf("got %+v, %v", identity, err)
	}
}

func TestKeysMayChange(t *testing.T) {
	h := newHub(t)
	if _, err := h.Verify(t.Context(), h.oidc.Token(t, nil)); err != nil {
		t.Fatal(err)
	}
	h.clock.Step(time.Minute)
	h.oidc.Rotate(t)
	if _, err := h.Verify(t.Context(), h.oidc.Token(t, nil)); err != nil {
		t.Errorf("by a new key: %v", err)
	}
	// Tokens by keys that don't exist don't make the hub ask the provider again and again.
	stranger := oidctest.New(t, true)
	forged := stranger.Token(t, map[string]any{"iss": h.oidc.Issuer})
	before := h.oidc.Calls("/keys")
	for range 50 {
		if _, err := h.Verify(t.Context(), forged); err == nil {
			t.Fatal("a stranger's token was taken")
		}
	}
	if asked := h.oidc.Calls("/keys") - before; asked > 1 {
		t.Errorf("the keys were asked for %d times", asked)
	}
}

func TestConfigurations(t *testing.T) {
	for name, test := range map[string]struct {
		data map[string]string
		want string
	}{
		"none":           {map[string]string{"url": "https://cd.example"}, "SSO is not configured"},
		"no YAML":        {map[string]string{"oidc.config": "a: [b"}, "reading oidc.config"},
		"no issuer":      {map[string]string{"oidc.config": "clientID: x"}, "write its https URL"},
		"no client":      {map[string]string{"oidc.config": "issuer: https://x.example"}, "has no clientID"},
		"no secret":      {map[string]string{"oidc.config": "issuer: https://x.example\nclientID: $none:key"}, `secret none has no key "key"`},
		"bad CA":         {map[string]string{"oidc.config": "issuer: https://x.example\nclientID: x\nrootCA: y"}, "no certificate"},
		"dex, github":    {map[string]string{"dex.config": "connectors: [{type: github, id: gh}]"}, `connector "gh" of type "github", which needs a Dex`},
		"dex, empty":     {map[string]string{"dex.config": "connectors: []"}, "no connectors"},
		"dex, not there": {map[string]string{"dex.config": "connectors: [{type: oidc, id: a}]", "dex.auth.connectorId": "b"}, "none of dex.config's connectors"},
		"unreachable":    {map[string]string{"oidc.config": "issuer: http://127.0.0.1:1\nclientID: x"}, "failed to query provider"},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(&memory{data: test.data}, clocktesting.NewFakeClock(time.Now()), slog.Default())
			if _, err := p.Verify(t.Context(), "a.b.c"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestDexConnector: a connector of Dex to an OpenID provider is spoken to directly; its groups count only if it says so.
func TestDexConnector(t *testing.T) {
	provider := oidctest.New(t, false)
	for _, trusted := range []bool{true, false} {
		m := &memory{data: map[string]string{"dex.config": fmt.Sprintf(`connectors:
- {type: github, id: gh, config: {}}
- {type: oidc, id: corp, name: Corp, config: {issuer: %s, clientID: argo-cd, clientSecret: $oidc.secret, scopes: [email, groups], insecureEnableGroups: %v}}`, provider.Issuer, trusted)},
			secrets: map[string]map[string][]byte{"argocd-secret": {"oidc.secret": []byte("x")}}}
		p := New(m, clocktesting.NewFakeClock(time.Now()), slog.Default())
		identity, err := p.Verify(t.Context(), provider.Token(t, map[string]any{"groups": []string{"ops"}}))
		if err != nil || (len(identity.Groups([]string{"groups"})) == 1) != trusted {
			t.Errorf("trusted %v: %+v, %v", trusted, identity, err)
		}
		config, err := p.Config(t.Context())
		if err != nil || config.Name != "Corp" || config.ClientSecret != "x" || strings.Join(config.scopes(), " ") != "openid email groups" {
			t.Errorf("got %+v, %v", config, err)
		}
	}
}

func TestReturnURLs(t *testing.T) {
	c := &Config{url: "https://cd.example", additional: []string{"https://other.example/argo/"}}
	for address, want := range map[string]bool{
		"https://cd.example": true, "https://cd.example/": true, "https://cd.example/applications/x?view=tree#a": true,
		"https://other.example/argo": true, "https://other.example/argo/x": true,
		"https://other.example/": false, "https://other.example/argo-evil": false, "https://other.example/argo/../x": false,
		"http://cd.example/": false, "https://cd.example:444/": false, "https://cd.example.evil.example/": false,
		"https://cd.example@evil.example/": false, "https://evil@cd.example/": false, "//evil.example": false, "/applications": false,
		"https:cd.example": false, "javascript:alert(1)": false, "https://cd.example\\@evil.example": false,
		"https://cd.example/\r\nSet-Cookie: a=b": false, "https://evil.example/https://cd.example": false, "https://cd.example%2eevil.example/": false,
		" https://cd.example": false, "": false,
	} {
		if got := c.mayReturnTo(address); got != want {
			t.Errorf("%q: got %v", address, got)
		}
	}
}

func FuzzReturnURLs(f *testing.F) {
	f.Add("https://cd.example/x")
	f.Add("https://cd.example\\@evil")
	f.Fuzz(func(t *testing.T, address string) {
		if (&Config{url: "https://cd.example"}).mayReturnTo(address) && address != "https://cd.example" &&
			!strings.HasPrefix(strings.ToLower(address), "https://cd.example/") && !strings.HasPrefix(strings.ToLower(address), "https://cd.example?") &&
			!strings.HasPrefix(strings.ToLower(address), "https://cd.example#") {
			t.Errorf("%q is a way out", address)
		}
	})
}

// enter goes to the provider and comes back with what a browser would bring.
func (h *hub) enter(t *testing.T, returnURL string) (cookie string, back *http.Request) {
	t.Helper()
	address, cookie, err := h.Begin(httptest.NewRequest(http.MethodGet, "https://cd.example/auth/login", nil), returnURL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: h.current.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return cookie, httptest.NewRequest(http.MethodGet, answer.Header.Get("Location"), nil)
}

func TestFlow(t *testing.T) {
	for name, lines := range map[string][]string{
		"plain": nil, "with PKCE": {"enablePKCEAuthentication: true", "requestedIDTokenClaims: {groups: {essential: true}}", "domainHint: example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, lines...)
			cookie, back := h.enter(t, "https://cd.example/applications")
			session, err := h.Finish(back, cookie)
			if err != nil || session.Return != "https://cd.example/applications" || session.Identity.Subject != "someone" {
				t.Fatalf("got %+v, %v", session, err)
			}
			if _, err := h.Verify(t.Context(), session.Token); err != nil {
				t.Error(err)
			}
			if _, err := h.Finish(back, cookie); err == nil || !strings.Contains(err.Error(), "failed to get token") || strings.Contains(err.Error(), h.oidc.ClientSecret) {
				t.Errorf("a code was taken twice: %v", err)
			}
		})
	}
}

func TestFlowIsTheBrowsersOwn(t *testing.T) {
	h := newHub(t, "enablePKCEAuthentication: true")
	if _, _, err := h.Begin(httptest.NewRequest(http.MethodGet, "https://cd.example/auth/login", nil), "https://evil.example"); !errors.Is(err, ErrReturnURL) {
		t.Errorf("got %v", err)
	}
	mine, _ := h.enter(t, "")
	_, others := h.enter(t, "")
	if _, err := h.Finish(others, mine); err == nil || !strings.Contains(err.Error(), "invalid state") {
		t.Errorf("another's code with my cookie: %v", err)
	}
	cookie, back := h.enter(t, "")
	for name, bad := range map[string]string{"none": "", "damaged": cookie[:len(cookie)-3] + "AAA", "text": "hello"} {
		if _, err := h.Finish(back, bad); err == nil || !strings.Contains(err.Error(), "missing or damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.oidc.Person(map[string]any{"nonce": "another login's"}, nil)
	if _, err := h.Finish(back, cookie); err == nil || !strings.Contains(err.Error(), "another login") {
		t.Errorf("a token of another login: %v", err)
	}
	h.oidc.Person(nil, nil)
	cookie, back = h.enter(t, "")
	h.clock.Step(StateAge + time.Minute)
	if _, err := h.Finish(back, cookie); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("late: %v", err)
	}
}

func TestGroupsOfUserInfo(t *testing.T) {
	h := newHub(t, "enableUserInfoGroups: true", "userInfoPath: /userinfo", "userInfoCacheExpiration: 1m")
	h.oidc.Person(map[string]any{"sub": "ann"}, map[string]any{"sub": "ann", "groups": []string{"ops"}})
	if _, err := h.Verify(t.Context(), h.oidc.Token(t, map[string]any{"sub": "ann"})); err == nil || !strings.Contains(err.Error(), "no accessToken") {
		t.Errorf("without a login: %v", err)
	}
	cookie, back := h.enter(t, "")
	session, err := h.Finish(back, cookie)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		identity, err := h.Verify(t.Context(), session.Token)
		if err != nil || strings.Join(identity.Groups([]string{"groups"}), " ") != "ops" {
			t.Fatalf("got %+v, %v", identity, err)
		}
	}
	if calls := h.oidc.Calls("/userinfo"); calls != 1 {
		t.Errorf("asked %d times", calls)
	}
	h.clock.Step(2 * time.Minute)
	h.oidc.Person(nil, map[string]any{"sub": "eve", "groups": []string{"admins"}})
	if _, err := h.Verify(t.Context(), session.Token); err == nil || !strings.Contains(err.Error(), "didn't match") {
		t.Errorf("another's groups: %v", err)
	}
}
