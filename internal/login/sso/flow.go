package sso

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/settings"
)

// StateAge is how long a login may take, from leaving for the provider to coming back: upstream's.
const StateAge = 5 * time.Minute

// ErrReturnURL is upstream's answer to a return_url that isn't one of the hub's own.
//
//lint:ignore ST1005 Argo CD's text
var ErrReturnURL = errors.New("Invalid redirect URL: the protocol and host (including port) must match and the path must be within allowed URLs if provided")

// state is what a browser keeps for us, sealed, while it is with the provider.
type state struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier,omitempty"`
	Return   string `json:"return,omitempty"`
	Until    int64  `json:"until"`
}

// Begin gives the address at the provider where a login begins, and the value of the cookie that its end needs. returnURL is
// where the browser wants to go afterwards; "" for the start page. The error is ErrReturnURL if it may not.
func (p *Provider) Begin(r *http.Request, returnURL string) (address, cookie string, err error) {
	ctx := r.Context()
	config, d, err := p.reach(ctx)
	if err != nil {
		return "", "", err
	}
	if returnURL != "" && !config.mayReturnTo(returnURL) {
		return "", "", ErrReturnURL
	}
	s := state{State: rand.Text(), Nonce: rand.Text(), Return: returnURL, Until: p.clock.Now().Add(StateAge).Unix()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(s.Nonce)}
	if config.EnablePKCEAuthentication {
		s.Verifier = oauth2.GenerateVerifier()
		options = append(options, oauth2.S256ChallengeOption(s.Verifier))
	}
	if hint := strings.TrimSpace(config.DomainHint); hint != "" {
		options = append(options, oauth2.SetAuthURLParam("domain_hint", hint))
	}
	if len(config.RequestedIDTokenClaims) > 0 {
		claims, err := json.Marshal(map[string]any{"id_token": config.RequestedIDTokenClaims})
		if err != nil {
			return "", "", err
		}
		options = append(options, oauth2.SetAuthURLParam("claims", string(claims)))
	}
	if cookie, err = p.seal(ctx, s); err != nil {
		return "", "", err
	}
	return p.oauth2(config, d, r).AuthCodeURL(s.State, options...), cookie, nil
}

func (p *Provider) oauth2(config *Config, d *discovered, r *http.Request) *oauth2.Config {
	return &oauth2.Config{
		ClientID: config.ClientID, ClientSecret: config.ClientSecret, Endpoint: d.oidc.Endpoint(), Scopes: config.scopes(),
		RedirectURL: strings.TrimSuffix(config.baseURL(r), "/") + "/auth/callback",
	}
}

// Session is what a login ends with.
type Session struct {
	// Token is the ID token, which the browser keeps; Return where it wants to go, "" for the start page.
	Token, Return string
	Identity      login.Identity
}

// Finish takes what the provider gave the browser for an ID token. cookie is what Begin gave.
func (p *Provider) Finish(r *http.Request, cookie string) (*Session, error) {
	ctx := r.Context()
	config, d, err := p.reach(ctx)
	if err != nil {
		return nil, err
	}
	s, err := p.open(ctx, cookie)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(s.State), []byte(r.FormValue("state"))) != 1 {
		return nil, errors.New("invalid state in the login's cookie: begin the login again")
	}
	if s.Return != "" && !config.mayReturnTo(s.Return) {
		return nil, ErrReturnURL
	}
	var options []oauth2.AuthCodeOption
	if s.Verifier != "" {
		options = append(options, oauth2.VerifierOption(s.Verifier))
	}
	exchange, cancel := context.WithTimeout(oidc.ClientContext(ctx, d.client), callTimeout)
	defer cancel()
	tokens, err := p.oauth2(config, d, r).Exchange(exchange, r.FormValue("code"), options...)
	if err != nil {
		return nil, fmt.Errorf("failed to get token: %w", withoutBody(err))
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("no id_token in token response")
	}
	identity, verified, err := p.verify(ctx, config, d, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(s.Nonce)) != 1 {
		return nil, errors.New("the ID token is of another login: begin the login again")
	}
	if tokens.AccessToken != "" {
		p.people.remember(verified.Subject, tokens.AccessToken, verified.Expiry)
	}
	return &Session{Token: raw, Return: s.Return, Identity: identity}, nil
}

// withoutBody leaves the answer of a token endpoint out of an error: it may hold tokens.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("the identity provider answered %s %s", refused.Response.Status, refused.ErrorCode)
	}
	return err
}

// sealer encrypts with a key of the hub's own signing key, so that all replicas can open what one sealed.
func (p *Provider) sealer(ctx context.Context) (cipher.AEAD, error) {
	secret, err := p.settings.Secret(ctx, settings.SecretName)
	if err != nil {
		return nil, err
	}
	if len(secret["server.secretkey"]) == 0 {
		return nil, fmt.Errorf("sealing a login: secret %s has no server.secretkey; restart the hub to make one", settings.SecretName)
	}
	key, err := hkdf.Key(sha256.New, secret["server.secretkey"], nil, "fairlead sso state", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (p *Provider) seal(ctx context.Context, s state) (string, error) {
	sealer, err := p.sealer(ctx)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealer.Seal(nil, nil, plain, nil)), nil
}

func (p *Provider) open(ctx context.Context, cookie string) (state, error) {
	var s state
	sealer, err := p.sealer(ctx)
	if err != nil {
		return s, err
	}
	damaged := errors.New("the login's cookie is missing or damaged: begin the login again")
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return s, damaged
	}
	plain, err := sealer.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(plain, &s) != nil {
		return s, damaged
	}
	if p.clock.Now().Unix() > s.Until {
		return s, errors.New("the login took too long: begin it again")
	}
	return s, nil
}

// LogoutURL is where a browser goes when a session of the provider ends: the configured page, or the hub's own address.
func (p *Provider) LogoutURL(r *http.Request, token string, external bool) string {
	config, err := p.Config(r.Context())
	if err != nil || config == nil {
		return ""
	}
	own := strings.TrimRight(config.baseURL(r), "/")
	if config.LogoutURL == "" || !external {
		return own
	}
	return strings.NewReplacer("{{token}}", token, "{{logoutRedirectURL}}", own).Replace(config.LogoutURL)
}
