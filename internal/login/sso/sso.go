// Package sso lets people log on at an OpenID provider that an operator names in argocd-cm (oidc.config, or a dex.config whose
// connector is such a provider): it verifies the provider's ID tokens, and leads a browser through the code flow.
//
// It doesn't know what anybody may do (package access), and stores nothing: what it keeps in memory may be forgotten at any
// time, and then people log on again. There is no Dex here. Start with Provider.
package sso

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/settings"
)

const (
	// callTimeout bounds one call to the provider, maxAnswer what it answers in bytes.
	callTimeout = 15 * time.Second
	maxAnswer   = 1 << 20
	// restAfterFailure is how long a provider that could not be reached is left alone, and the least time between two looks
	// at its keys: anybody may send tokens that claim to be signed by new ones.
	restAfterFailure = 5 * time.Second
)

// Settings reads the hub's ConfigMaps and Secrets.
type Settings interface {
	ConfigMap(ctx context.Context, name string) (map[string]string, error)
	Secret(ctx context.Context, name string) (map[string][]byte, error)
}

// Provider is the identity provider that is configured at the moment. It is safe for concurrent use.
type Provider struct {
	settings Settings
	clock    clock.Clock
	logger   *slog.Logger

	mu      sync.Mutex
	config  *Config
	current *discovered
	people  people
}

// New makes a provider. Nothing is asked of the real one before somebody wants to log on.
func New(settings Settings, clock clock.Clock, logger *slog.Logger) *Provider {
	return &Provider{settings: settings, clock: clock, logger: logger, people: people{clock: clock}}
}

// discovered is what one configuration led to.
type discovered struct {
	client *http.Client
	mu     sync.Mutex
	oidc   *oidc.Provider
	failed error
	tried  time.Time
}

// Config is the configuration now; nil if there is none.
func (p *Provider) Config(ctx context.Context) (*Config, error) {
	data, err := p.settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return nil, err
	}
	return parse(data, func(reference string) (string, error) { return p.secret(ctx, reference) })
}

// secret looks up key (of argocd-secret) or name:key.
func (p *Provider) secret(ctx context.Context, reference string) (string, error) {
	name, key, other := strings.Cut(reference, ":")
	if !other {
		name, key = settings.SecretName, reference
	}
	data, err := p.settings.Secret(ctx, name)
	if err != nil {
		return "", err
	}
	value, ok := data[key]
	if !ok {
		return "", fmt.Errorf("secret %s has no key %q, which $%s refers to", name, key, reference)
	}
	return strings.TrimSpace(string(value)), nil
}

// reach finds out where the configured provider has what, once for each configuration.
func (p *Provider) reach(ctx context.Context) (*Config, *discovered, error) {
	config, err := p.Config(ctx)
	if err != nil {
		return nil, nil, err
	}
	if config == nil {
		return nil, nil, login.ErrNoSSO
	}
	p.mu.Lock()
	if p.current == nil || !reflect.DeepEqual(config, p.config) {
		p.config, p.current = config, &discovered{client: p.newClient(config)}
		p.people.forget()
	}
	d := p.current
	p.mu.Unlock()

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.oidc != nil {
		return config, d, nil
	}
	now := p.clock.Now()
	if d.failed != nil && now.Sub(d.tried) < restAfterFailure {
		return nil, nil, d.failed
	}
	d.tried = now
	// The provider's keys are fetched long after this call: their context has the client, and no end.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), d.client), config.Issuer)
	if err != nil {
		d.failed = fmt.Errorf("failed to query provider %q: %w", config.Issuer, err)
		return nil, nil, d.failed
	}
	d.oidc, d.failed = found, nil
	return config, d, nil
}

func (p *Provider) newClient(config *Config) *http.Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: callTimeout}).DialContext,
		TLSClientConfig: config.tls(), TLSHandshakeTimeout: callTimeout, ResponseHeaderTimeout: callTimeout,
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
	}
	return &http.Client{
		Transport: &careful{next: transport, clock: p.clock}, Timeout: callTimeout,
		// A provider's endpoints are where its discovery document says; a redirect would carry codes and tokens elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// careful bounds what a provider answers, and doesn't ask for the same thing again at once.
type careful struct {
	next  http.RoundTripper
	clock clock.Clock

	mu   sync.Mutex
	kept map[string]answer
}

type answer struct {
	at   time.Time
	head http.Header
	body string
}

// RoundTrip answers GETs without credentials (the discovery document and the keys) from memory for a moment.
func (c *careful) RoundTrip(request *http.Request) (*http.Response, error) {
	public := request.Method == http.MethodGet && request.Header.Get("Authorization") == ""
	key := request.URL.String()
	if public {
		c.mu.Lock()
		known, ok := c.kept[key]
		c.mu.Unlock()
		if ok && c.clock.Since(known.at) < restAfterFailure {
			return &http.Response{
				Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: known.head.Clone(),
				Body: io.NopCloser(strings.NewReader(known.body)), ContentLength: int64(len(known.body)), Request: request,
			}, nil
		}
	}
	response, err := c.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the identity provider's answer is larger than %d bytes", maxAnswer)
	}
	response.Body, response.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	if public && response.StatusCode == http.StatusOK {
		c.mu.Lock()
		if c.kept == nil || len(c.kept) > 16 {
			c.kept = map[string]answer{}
		}
		c.kept[key] = answer{c.clock.Now(), response.Header.Clone(), string(body)}
		c.mu.Unlock()
	}
	return response, nil
}

// Verify tells who an ID token of the provider stands for.
func (p *Provider) Verify(ctx context.Context, token string) (login.Identity, error) {
	config, d, err := p.reach(ctx)
	if err != nil {
		return login.Identity{}, err
	}
	identity, _, err := p.verify(ctx, config, d, token)
	if err != nil {
		return login.Identity{}, err
	}
	if config.EnableUserInfoGroups && config.UserInfoPath != "" {
		groups, err := p.groups(ctx, config, d, identity)
		if err != nil {
			return login.Identity{}, err
		}
		identity.Claims["groups"] = groups
	}
	return identity, nil
}

// verify checks signature, issuer, times and audience of an ID token.
func (p *Provider) verify(ctx context.Context, config *Config, d *discovered, token string) (login.Identity, *oidc.IDToken, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	verifier := d.oidc.VerifierContext(oidc.ClientContext(ctx, d.client), &oidc.Config{SkipClientIDCheck: true, Now: p.clock.Now})
	verified, err := verifier.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return login.Identity{}, nil, fmt.Errorf("verifying an ID token: %w", login.ErrExpired)
	}
	if err != nil {
		return login.Identity{}, nil, fmt.Errorf("verifying an ID token: %w", err)
	}
	if err := config.admits(verified.Audience); err != nil {
		return login.Identity{}, nil, fmt.Errorf("verifying an ID token: %w", err)
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return login.Identity{}, nil, fmt.Errorf("verifying an ID token: %w", err)
	}
	if config.dropGroups {
		delete(claims, "groups")
	}
	return identityOf(verified, claims, token), verified, nil
}

// admits tells whether a token is for us.
func (c *Config) admits(audience []string) error {
	if len(audience) == 0 {
		if c.SkipAudienceCheckWhenTokenHasNoAudience {
			return nil
		}
		return errors.New("it names no audience")
	}
	for _, allowed := range c.audiences() {
		for _, is := range audience {
			if is == allowed {
				return nil
			}
		}
	}
	return errors.New("it is for another audience than the configured clients")
}
