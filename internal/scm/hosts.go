package scm

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/web"
)

// Kind is a kind of host.
type Kind string

// The kinds of hosts.
const (
	GitHub          Kind = "GitHub"
	GitLab          Kind = "GitLab"
	Gitea           Kind = "Gitea"
	Bitbucket       Kind = "Bitbucket"
	BitbucketServer Kind = "Bitbucket Server"
	AzureDevOps     Kind = "Azure DevOps"
)

// Access is where a host's API is and how to log on there. Empty fields mean none.
type Access struct {
	// API is the address as people write it in a generator, with or without the part that is the same for all hosts of a kind.
	// Empty means the public host; Gitea and Bitbucket Server have none.
	API string
	// Token is the host's own kind of token; Username and Password are for basic authentication.
	Token, Username, Password string
	// App logs on to GitHub with a token that is minted for Owner; it wins over the token.
	App   git.GitHubApp
	Owner string
	// CA is PEM and is trusted instead of the system's certificates.
	CA string
	// Insecure skips the check of certificates.
	Insecure bool
	// Proxy is the URL of an HTTP proxy; NoProxy lists hosts that are reached without it.
	Proxy, NoProxy string
}

// Hosts makes clients and remembers what outlives them: connections, tokens of GitHub Apps, and which hosts want to be left
// alone. It is safe for concurrent use.
type Hosts struct {
	clock clock.PassiveClock
	web   web.Clients
	apps  *git.AppTokens

	mu sync.Mutex
	// resting are the accounts that are over their limit, and until when.
	resting map[account]time.Time
}

// account is a host and the credentials with which it is asked: limits are by both.
type account [sha256.Size]byte

// NewHosts makes an empty set of hosts.
func NewHosts(clock clock.PassiveClock) *Hosts {
	return &Hosts{clock: clock, apps: git.NewAppTokens(clock), resting: map[account]time.Time{}}
}

// Client makes a client for a host.
func (h *Hosts) Client(kind Kind, a Access) (*Client, error) {
	if a.API == "" && !a.App.IsZero() {
		a.API = a.App.BaseURL
	}
	base, err := baseOf(kind, a.API)
	if err != nil {
		return nil, err
	}
	shared, err := h.web.Client(web.Connection{CA: a.CA, Insecure: a.Insecure, Proxy: a.Proxy, NoProxy: a.NoProxy})
	if err != nil {
		return nil, fmt.Errorf("connecting to %s at %s: %w", kind, base.Host, err)
	}
	c := &Client{hosts: h, kind: kind, base: base, http: *shared, secrets: []string{a.Token, a.Password}}
	c.http.CheckRedirect = sameSite
	c.account = sha256.Sum256(fmt.Appendf(nil, "%q", []string{base.String(), a.Token, a.Username, a.Password, fmt.Sprint(a.App.ID, a.App.Installation), a.Owner}))
	c.header = http.Header{"User-Agent": {"fairlead"}, "Accept": {"application/json"}}
	switch kind {
	case GitHub:
		c.header.Set("Accept", "application/vnd.github+json")
	case BitbucketServer:
		// Bitbucket Server takes requests without these for forged ones of a browser.
		c.header.Set("X-Atlassian-Token", "no-check")
		c.header.Set("X-Requested-With", "XMLHttpRequest")
	}
	if !a.App.IsZero() {
		c.app = &appLogin{tokens: h.apps, owner: a.Owner, remote: git.Remote{GitHubApp: a.App, CA: a.CA, Insecure: a.Insecure, Proxy: a.Proxy, NoProxy: a.NoProxy}}
		c.app.remote.GitHubApp.BaseURL = base.String()
		return c, nil
	}
	authorize(kind, a, c.header)
	return c, nil
}

// authorize puts the credentials where the kind of host looks for them.
func authorize(kind Kind, a Access, header http.Header) {
	basic := func(user, password string) {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	switch {
	case a.Username != "" || a.Password != "":
		basic(a.Username, a.Password)
	case a.Token == "":
	case kind == GitLab:
		header.Set("Private-Token", a.Token)
	case kind == Gitea:
		header.Set("Authorization", "token "+a.Token)
	case kind == AzureDevOps:
		basic("", a.Token)
	default:
		header.Set("Authorization", "Bearer "+a.Token)
	}
}

// public are the hosts of those kinds that have one, and suffix is what their API's address ends with.
var (
	public = map[Kind]string{
		GitHub: "https://api.github.com", GitLab: "https://gitlab.com/api/v4", Bitbucket: "https://api.bitbucket.org/2.0",
		AzureDevOps: "https://dev.azure.com",
	}
	suffix = map[Kind]string{GitHub: "/api/v3", GitLab: "/api/v4", Gitea: "/api/v1", BitbucketServer: "/rest"}
)

// baseOf is the address that paths are appended to, without a slash at its end.
func baseOf(kind Kind, api string) (*url.URL, error) {
	if api == "" {
		api = public[kind]
	}
	base, err := url.Parse(api)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		// The address isn't repeated: it may hold a token.
		return nil, fmt.Errorf("the address of the API of %s is no http(s) URL", kind)
	}
	base = &url.URL{Scheme: base.Scheme, Host: base.Host, Path: strings.TrimRight(base.Path, "/")}
	// GitHub's API may also have a host of its own, as GitHub.com's.
	ownHost := kind == GitHub && (strings.HasPrefix(base.Host, "api.") || strings.Contains(base.Host, ".api."))
	if !ownHost && !strings.HasSuffix(base.Path, suffix[kind]) {
		base.Path += suffix[kind]
	}
	if kind == BitbucketServer {
		base.Path += "/api/1.0"
	}
	return base, nil
}

// sameSite lets a host redirect to itself only: whoever else it points to would get the token, and could answer in its place.
func sameSite(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	if len(via) >= 5 {
		return errors.New("the host redirects too often")
	}
	if to.URL.Hostname() != from.Hostname() || from.Scheme == "https" && to.URL.Scheme != "https" {
		return errors.New("the host redirects elsewhere: name the address of its API itself")
	}
	return nil
}

// appLogin is how a GitHub App logs on.
type appLogin struct {
	tokens *git.AppTokens
	remote git.Remote
	owner  string
}

func (l *appLogin) authorize(ctx context.Context, header http.Header) error {
	token, err := l.tokens.Token(ctx, l.remote, l.owner)
	if err != nil {
		return fmt.Errorf("logging on as GitHub App %d: %w", l.remote.GitHubApp.ID, err)
	}
	header.Set("Authorization", "Bearer "+token)
	return nil
}

// rests returns until when the account is not to be asked; zero means that it may.
func (h *Hosts) rests(a account) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, ok := h.resting[a]
	if ok && !until.After(h.clock.Now()) {
		delete(h.resting, a)
		return time.Time{}
	}
	return until
}

func (h *Hosts) rest(a account, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.resting) >= 1000 {
		clear(h.resting) // generators name hosts, and must not fill the memory with them
	}
	h.resting[a] = until
}
