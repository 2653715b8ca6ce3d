package git

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// GitHubApp is the identity of a GitHub App.
type GitHubApp struct {
	// ID is the app's; Installation is where it is installed, and is looked up by the repository's owner if it is 0.
	ID, Installation int64
	// PrivateKey is RSA in PEM.
	PrivateKey string
	// BaseURL is the API of a GitHub Enterprise server, such as https://github.example/api/v3; empty means api.github.com.
	BaseURL string
}

// IsZero tells whether there is no app.
func (a GitHubApp) IsZero() bool { return a.PrivateKey == "" }

// AppTokens mints the tokens of GitHub Apps and keeps them until shortly before they expire (an hour, says GitHub). It is safe for
// concurrent use.
type AppTokens struct {
	clock clock.PassiveClock

	mu     sync.Mutex
	tokens map[appKey]*appToken
}

// appKey is what a token depends on.
type appKey struct {
	app GitHubApp
	// owner is that of the repository if the installation has to be found by it, else empty.
	owner              string
	ca, proxy, noProxy string
	insecure           bool
}

type appToken struct {
	// making is held while a token is minted: one request serves all who wait.
	making  sync.Mutex
	value   string
	expires time.Time
}

// maxAppTokens bounds what is kept; more apps than that ask more often.
const maxAppTokens = 256

// NewAppTokens makes an empty store of tokens, which expire by the clock.
func NewAppTokens(clock clock.PassiveClock) *AppTokens { return &AppTokens{clock: clock} }

func keyOfApp(r Remote, owner string) appKey {
	key := appKey{app: r.GitHubApp, ca: r.CA, proxy: r.Proxy, noProxy: r.NoProxy, insecure: r.Insecure}
	if r.GitHubApp.Installation == 0 {
		key.owner = owner
	}
	return key
}

// ownerOf is the first part of a path such as /owner/repository.git.
func ownerOf(where address) string {
	u, err := url.Parse(where.text)
	if err != nil {
		return ""
	}
	owner, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
	return owner
}

// Token returns a token that is good for five minutes at least, which bounds how long git may take to begin. Of the remote, the
// app and what a connection to its API needs (CA, proxy, Insecure) count; owner is the user or organization that the app is
// looked for at if it names no installation. ErrAuthentication and ErrUnreachable are as for repositories.
func (a *AppTokens) Token(ctx context.Context, r Remote, owner string) (string, error) {
	key := keyOfApp(r, owner)
	a.mu.Lock()
	token, ok := a.tokens[key]
	if !ok {
		if a.tokens == nil || len(a.tokens) >= maxAppTokens {
			a.tokens = map[appKey]*appToken{}
		}
		token = &appToken{}
		a.tokens[key] = token
	}
	a.mu.Unlock()
	token.making.Lock()
	defer token.making.Unlock()
	if a.clock.Now().Before(token.expires.Add(-5 * time.Minute)) {
		return token.value, nil
	}
	value, expires, err := a.mint(ctx, r, key.owner)
	if err != nil {
		return "", err
	}
	token.value, token.expires = value, expires
	return value, nil
}

// Forget drops a token that the host didn't accept, so that the next is a new one.
func (a *AppTokens) Forget(r Remote, owner string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tokens, keyOfApp(r, owner))
}

// mint asks for an installation token: docs.github.com, "Generating an installation access token for a GitHub App".
func (a *AppTokens) mint(ctx context.Context, r Remote, owner string) (string, time.Time, error) {
	proof, err := a.proof(r.GitHubApp)
	if err != nil {
		return "", time.Time{}, err
	}
	client, err := r.httpClient(httpTimeout)
	if err != nil {
		return "", time.Time{}, err
	}
	base := strings.TrimRight(r.GitHubApp.BaseURL, "/")
	if base == "" {
		base = "https://api.github.com"
	}
	installation := r.GitHubApp.Installation
	if installation == 0 {
		var found struct{ ID int64 }
		if err := askGitHub(ctx, client, http.MethodGet, base+"/users/"+url.PathEscape(owner)+"/installation", proof, &found); err != nil {
			return "", time.Time{}, fmt.Errorf("finding where the app is installed for %q: %w", owner, err)
		}
		installation = found.ID
	}
	var made struct {
		Token     string
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := askGitHub(ctx, client, http.MethodPost, fmt.Sprintf("%s/app/installations/%d/access_tokens", base, installation), proof, &made); err != nil {
		return "", time.Time{}, fmt.Errorf("minting a token for installation %d: %w", installation, err)
	}
	if made.Token == "" {
		return "", time.Time{}, fmt.Errorf("minting a token for installation %d: the answer has none", installation)
	}
	return made.Token, made.ExpiresAt, nil
}

// proof is the JSON Web Token (RFC 7519, RS256) by which the app shows who it is. It is dated back a minute, as GitHub
// recommends, because clocks differ, and lasts for less than the ten minutes that GitHub accepts.
func (a *AppTokens) proof(app GitHubApp) (string, error) {
	key, err := parseRSAKey(app.PrivateKey)
	if err != nil {
		return "", err
	}
	now := a.clock.Now()
	claims := fmt.Sprintf(`{"iat":%d,"exp":%d,"iss":"%d"}`, now.Add(-time.Minute).Unix(), now.Add(8*time.Minute).Unix(), app.ID)
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing with the app's private key: %w", err)
	}
	return signed + "." + encode(signature), nil
}

func parseRSAKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the app's private key is not in PEM form")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*rsa.PrivateKey); ok && err == nil {
		return key, nil
	}
	return nil, errors.New("the app's private key is not an RSA key")
}

func askGitHub(ctx context.Context, client *http.Client, method, address, proof string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return errors.New("the API's address is not a URL")
	}
	request.Header.Set("Authorization", "Bearer "+proof)
	request.Header.Set("Accept", "application/vnd.github+json")
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch {
	case response.StatusCode >= 500:
		return fmt.Errorf("%w: GitHub answers %s", ErrUnreachable, response.Status)
	case response.StatusCode >= 300:
		var told struct{ Message string }
		_ = json.Unmarshal(body, &told) // what isn't JSON has no message
		return fmt.Errorf("%w: GitHub answers %s: %.200s: check the app's ID, installation and private key", ErrAuthentication, response.Status, told.Message)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return errors.New("GitHub's answer is not the JSON that its documentation tells")
	}
	return nil
}
