package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"fairlead.dev/fairlead/internal/githost"
	"fairlead.dev/fairlead/internal/local/pki"
)

// gitHosts are the ways to the same repositories: over HTTP for all, over HTTPS for a user, over HTTPS for who has a client
// certificate, and over SSH for who has the key.
type gitHosts struct {
	host                *githost.Host
	open, users, mutual *httptest.Server
	ssh                 *sshHost
}

func newGitHosts(ctx context.Context, w *world) (*gitHosts, error) {
	for name, subject := range map[string]pki.Subject{"git": {User: "git", Hosts: []string{"127.0.0.1", "localhost"}}, "client": {User: user}} {
		if err := w.pki.Issue(name, subject); err != nil {
			return nil, err
		}
	}
	certificate, err := tls.LoadX509KeyPair(w.pkiFile("git.crt"), w.pkiFile("git.key"))
	if err != nil {
		return nil, fmt.Errorf("loading the Git host's certificate: %w", err)
	}
	authority, err := os.ReadFile(w.pkiFile("ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("loading the authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for Git: %w", err)
	}
	o := githost.Default()
	o.Dir, o.URL = filepath.Join(w.dir, "git"), "http://"+listener.Addr().String()
	o.AnonymousWrite, o.Logger = true, slog.New(slog.NewTextHandler(io.Discard, nil))
	g := &gitHosts{}
	if g.host, err = githost.New(ctx, o); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	// Who is let in stands before the host, which would refuse users that it doesn't know.
	inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Authorization")
		g.host.ServeHTTP(w, r)
	})
	g.open = httptest.NewUnstartedServer(g.host)
	_ = g.open.Listener.Close()
	g.open.Listener = listener
	g.open.Start()
	g.users = secure(onlyUsers(inside), &tls.Config{Certificates: []tls.Certificate{certificate}})
	g.mutual = secure(inside, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	if g.ssh, err = serveSSH(filepath.Join(o.Dir, "repositories"), w.dir); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func secure(handler http.Handler, config *tls.Config) *httptest.Server {
	s := httptest.NewUnstartedServer(handler)
	s.TLS = config
	s.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelDebug)
	s.StartTLS()
	return s
}

func (g *gitHosts) close() {
	for _, s := range []*httptest.Server{g.open, g.users, g.mutual} {
		s.Close()
	}
	if g.ssh != nil {
		_ = g.ssh.Close()
	}
	g.host.Close()
}

// urls are the addresses of a repository.
func (g *gitHosts) urls(repository string) map[string]string {
	path := "/" + repository + ".git"
	return map[string]string{
		"REPO": g.open.URL + path, "REPO_HTTPS": g.users.URL + path, "REPO_CERT": g.mutual.URL + path, "REPO_SSH": g.ssh.url + path,
		"GIT_HTTPS": strings.TrimPrefix(g.users.URL, "https://"), "GIT_CERT": strings.TrimPrefix(g.mutual.URL, "https://"), "GIT_SSH": g.ssh.address, "GIT_SSH_URL": g.ssh.url,
	}
}

func (w *world) pkiFile(name string) string { return filepath.Join(w.dir, "pki", name) }
