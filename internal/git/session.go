package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"fairlead.dev/fairlead/internal/web"
)

// loggedOn is the remote with the credentials that are valid now: those of a GitHub App become a token.
func (r *Repository) loggedOn(ctx context.Context) (Remote, error) {
	remote := r.remote
	if remote.GitHubApp.IsZero() || r.where.origin == "" {
		return remote, nil
	}
	token, err := r.store.apps.Token(ctx, remote, ownerOf(r.where))
	if err != nil {
		return Remote{}, fmt.Errorf("logging on to %q as GitHub App %d: %w", r.URL(), remote.GitHubApp.ID, err)
	}
	remote.BearerToken, remote.Username, remote.Password = "", "x-access-token", token
	return remote, nil
}

// Login is what logs on to a Git host. The zero value is nothing.
type Login struct {
	Username, Password, BearerToken string
	// Keys is for a host over SSH: it writes what ssh takes only as files into a folder, and returns the environment of a git that
	// uses them. That git reaches the host without a proxy. Nil means no keys.
	Keys func(dir string) (env []string, err error)
}

// Login is what is valid at the repository's host now; zero for public ones.
func (r *Repository) Login(ctx context.Context) (Login, error) {
	switch {
	case r.invalid != nil:
		return Login{}, r.invalid
	case r.where.scheme == "ssh" && r.remote.SSHPrivateKey != "":
		direct := r.remote
		direct.Proxy = "" // the way through it is a program of the hub's, which others don't have
		return Login{Keys: func(dir string) ([]string, error) { return direct.environment(r.where, dir, nil) }}, nil
	case r.where.origin == "":
		return Login{}, nil
	}
	remote, err := r.loggedOn(ctx)
	if err != nil {
		return Login{}, err
	}
	login := Login{Username: remote.Username, Password: remote.Password, BearerToken: remote.BearerToken}
	if remote.Username+remote.Password+remote.BearerToken == "" {
		login.Username, login.Password = r.where.username, r.where.password
	}
	if login.Username == "" && login.Password != "" {
		login.Username = "x-access-token" // as Argo CD; hosts that take a token as password want some user name
	}
	return login, nil
}

// answered notes what the host made of the credentials.
func (r *Repository) answered(err error) {
	if err == nil {
		r.granted.Store(true)
		return
	}
	r.logOff(err)
}

// logOff forgets a token that the host didn't accept: the app may have been installed anew.
func (r *Repository) logOff(err error) {
	if errors.Is(err, ErrAuthentication) && !r.remote.GitHubApp.IsZero() {
		r.store.apps.Forget(r.remote, ownerOf(r.where))
	}
}

// httpTimeout bounds one request that isn't git's own; an object of LFS has Options.Timeout.
const httpTimeout = 30 * time.Second

// httpClient speaks HTTP as git would with this remote: its certificates, proxy and trust. It follows redirects, and as
// net/http does, without the credentials to other hosts.
func (r Remote) httpClient(timeout time.Duration) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: r.Insecure}
	if r.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(r.CA)) {
			return nil, errors.New("reading the certificates of the host's CA: there is none in PEM form")
		}
	}
	if r.ClientCertificate != "" {
		certificate, err := tls.X509KeyPair([]byte(r.ClientCertificate), []byte(r.ClientKey))
		if err != nil {
			return nil, errors.New("reading the client certificate: certificate and key are not PEM, or don't fit together")
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	// The connections end with the client; those to Git hosts are few and far between.
	transport := &http.Transport{DialContext: web.Dialer().DialContext, TLSClientConfig: config, Proxy: r.proxy(), DisableKeepAlives: true, ForceAttemptHTTP2: true}
	return &http.Client{Transport: transport, Timeout: timeout}, nil
}

// proxy is the remote's own, else that of the hub's environment.
func (r Remote) proxy() func(*http.Request) (*url.URL, error) {
	config := httpproxy.FromEnvironment()
	if r.Proxy != "" {
		config.HTTPProxy, config.HTTPSProxy = r.Proxy, r.Proxy
	}
	if r.NoProxy != "" {
		config.NoProxy = r.NoProxy
	}
	find := config.ProxyFunc()
	return func(request *http.Request) (*url.URL, error) { return find(request.URL) }
}
