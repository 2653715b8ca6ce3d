package sso

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/internal/login"
)

// identityOf makes an identity of a verified token's claims, in upstream's order of preference.
func identityOf(verified *oidc.IDToken, claims map[string]any, token string) login.Identity {
	text := func(name string) string { value, _ := claims[name].(string); return value }
	identity := login.Identity{
		Subject: verified.Subject, Issuer: verified.Issuer, IssuedAt: verified.IssuedAt, ExpiresAt: verified.Expiry, Claims: claims,
	}
	// What Dex calls its subject is made up; the provider's own is beside it.
	if federated, ok := claims["federated_claims"].(map[string]any); ok {
		if id, ok := federated["user_id"].(string); ok && id != "" {
			identity.Subject = id
		}
	}
	identity.Name = identity.Subject
	if email := text("email"); email != "" {
		identity.Name = email
	}
	for _, name := range []string{"jti", "uti", "at_hash"} {
		if identity.TokenID = text(name); identity.TokenID != "" {
			return identity
		}
	}
	hash := sha256.Sum256([]byte(token)) // every token can be revoked
	identity.TokenID = hex.EncodeToString(hash[:])
	return identity
}

// maxPeople bounds the people of whom access tokens and groups are remembered.
const maxPeople = 10_000

// people remembers the access tokens that came with logins, and what the userinfo endpoint said of people, by subject.
type people struct {
	clock clock.Clock

	mu    sync.Mutex
	known map[string]*person
}

type person struct {
	access string
	until  time.Time
	groups any
	asked  time.Time
}

func (p *people) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = nil
}

// remember notes who has logged on just now.
func (p *people) remember(subject, access string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if len(p.known) >= maxPeople {
		for other, who := range p.known {
			if who.until.Before(now) {
				delete(p.known, other)
			}
		}
	}
	if p.known == nil || len(p.known) >= maxPeople {
		p.known = map[string]*person{}
	}
	p.known[subject] = &person{access: access, until: until}
}

func (p *people) find(subject string) (person, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if who := p.known[subject]; who != nil && who.until.After(p.clock.Now()) {
		return *who, true
	}
	return person{}, false
}

func (p *people) learn(subject string, groups any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if who := p.known[subject]; who != nil {
		who.groups, who.asked = groups, p.clock.Now()
	}
}

// groups asks the userinfo endpoint for the groups of somebody who has logged on in a browser; without such a login there is no
// access token to ask with.
func (p *Provider) groups(ctx context.Context, config *Config, d *discovered, identity login.Identity) (any, error) {
	subject, _ := identity.Claims["sub"].(string)
	who, ok := p.people.find(subject)
	if !ok {
		return nil, fmt.Errorf("error while querying userinfo endpoint: no accessToken for %s", subject)
	}
	if !who.asked.IsZero() && p.clock.Since(who.asked) < config.userInfoAge() {
		return who.groups, nil
	}
	base := config.UserInfoBaseURL
	if base == "" {
		base = config.Issuer
	}
	info, err := d.userInfo(ctx, base+config.UserInfoPath, who.access)
	if err != nil {
		return nil, fmt.Errorf("error fetching user info endpoint: %w", err)
	}
	if info["sub"] != subject {
		return nil, errors.New("subject of claims from user info endpoint didn't match subject of idToken, see https://openid.net/specs/openid-connect-core-1_0.html#UserInfo")
	}
	p.people.learn(subject, info["groups"])
	return info["groups"], nil
}

// userInfo calls the endpoint (OpenID Connect Core 1.0, section 5.3). Answers that are tokens themselves aren't taken.
func (d *discovered) userInfo(ctx context.Context, address, access string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+access)
	response, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the identity provider answered %s", response.Status)
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/jwt") {
		return nil, errors.New("the identity provider answers with a signed token, which isn't supported; have it answer in JSON")
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var info map[string]any
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, err
	}
	return info, nil
}
