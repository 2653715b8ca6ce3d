// Package oidctest is a small OpenID provider for tests: discovery, keys that rotate, the code flow with PKCE and client
// secrets, userinfo. Its people approve of everything.
//
// It is no provider for anything else. Start with New, or with Start where no test runs.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Provider is a provider that listens.
type Provider struct {
	// Issuer is its URL.
	Issuer string
	// ClientID and ClientSecret are those of the hub. PublicClientID is a second client, which has no secret and must prove by
	// PKCE that it is the one that asked, as a command line does.
	ClientID, ClientSecret, PublicClientID string

	server *httptest.Server
	mu     sync.Mutex
	claims map[string]any
	info   map[string]any
	key    *ecdsa.PrivateKey
	keyID  string
	codes  map[string]url.Values
	access string
	calls  map[string]int
}

// New starts a provider, with TLS by a certificate of its own if tls is true. It ends with the test.
func New(t testing.TB, tls bool) *Provider {
	t.Helper()
	p, err := Start(tls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Start starts a provider as New does, which ends with Close.
func Start(tls bool) (*Provider, error) {
	p := &Provider{
		ClientID: "argo-cd", ClientSecret: "the client's secret", PublicClientID: "argo-cd-cli",
		codes: map[string]url.Values{}, calls: map[string]int{},
	}
	if err := p.rotate(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for path, handle := range map[string]http.HandlerFunc{
		"/.well-known/openid-configuration": p.discovery, "/keys": p.keys, "/authorize": p.authorize, "/token": p.token, "/userinfo": p.userInfo,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.calls[path]++
			handle(w, r)
		})
	}
	p.server = httptest.NewUnstartedServer(mux)
	if tls {
		p.server.StartTLS()
	} else {
		p.server.Start()
	}
	p.Issuer = p.server.URL
	return p, nil
}

// Close ends the provider.
func (p *Provider) Close() { p.server.Close() }

// Certificate is the server's own, in DER; for a provider with TLS.
func (p *Provider) Certificate() []byte { return p.server.Certificate().Raw }

// Person is who logs on from now on: the claims of the ID token, and what userinfo says.
func (p *Provider) Person(claims, info map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims, p.info = claims, info
}

// Rotate gives the provider a new key; the old one is forgotten.
func (p *Provider) Rotate(t testing.TB) {
	t.Helper()
	if err := p.rotate(); err != nil {
		t.Fatal(err)
	}
}

func (p *Provider) rotate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the provider's key: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = key, rand.Text()
	return nil
}

// Calls tells how often a path was asked for.
func (p *Provider) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

// Token signs an ID token for the client, good for an hour; claims add to and replace what it says.
func (p *Provider) Token(t testing.TB, claims map[string]any) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	signed, err := p.sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (p *Provider) sign(claims map[string]any) (string, error) {
	now := time.Now()
	all := jwt.MapClaims{"iss": p.Issuer, "aud": p.ClientID, "sub": "someone", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["kid"] = p.keyID
	return token.SignedString(p.key)
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a client that is gone needs no answer
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"jwks_uri": p.Issuer + "/keys", "userinfo_endpoint": p.Issuer + "/userinfo", "response_types_supported": []string{"code"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "scopes_supported": []string{"openid", "profile", "email", "groups"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	text := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	point, err := p.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": p.keyID, "x": text(point[1:33]), "y": text(point[33:]),
	}}})
}

// authorize sends the browser back with a code at once.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil || !p.knows(asked.Get("client_id")) || asked.Get("response_type") != "code" {
		http.Error(w, "what client is that?", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.codes[code] = asked
	back.RawQuery = url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Provider) knows(client string) bool {
	return client == p.ClientID || client == p.PublicClientID
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	} else {
		secret, _ = url.QueryUnescape(secret)
	}
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	proven := id == p.ClientID && secret == p.ClientSecret || id == p.PublicClientID && asked.Get("code_challenge") != ""
	if !proven || !ok || asked.Get("client_id") != id || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": secret})
		return
	}
	if challenge := asked.Get("code_challenge"); challenge != "" {
		hash := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(hash[:]) != challenge {
			answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
	}
	claims := map[string]any{"nonce": asked.Get("nonce"), "aud": id}
	maps.Copy(claims, p.claims)
	signed, err := p.sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	p.access = rand.Text()
	answer(w, http.StatusOK, map[string]any{"access_token": p.access, "token_type": "Bearer", "expires_in": 3600, "id_token": signed})
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	if p.access == "" || r.Header.Get("Authorization") != "Bearer "+p.access {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	answer(w, http.StatusOK, p.info)
}
