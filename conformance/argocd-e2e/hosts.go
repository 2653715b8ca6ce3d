package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	"golang.org/x/crypto/ssh"

	"fairlead.dev/fairlead/conformance/stage"
)

// hosts serve the suite's repository, which it makes anew for each test, and registries. All listen where the suite looks for them.
type hosts struct{ closers []io.Closer }

func (h *hosts) close() {
	for _, c := range h.closers {
		_ = c.Close()
	}
}

func (w *world) serveHosts(ctx context.Context) error {
	fixtures := filepath.Join(w.source, "test", "fixture")
	certificate, err := tls.LoadX509KeyPair(filepath.Join(fixtures, "certs", "argocd-test-server.crt"), filepath.Join(fixtures, "certs", "argocd-test-server.key"))
	if err != nil {
		return fmt.Errorf("loading the hosts' certificate: %w", err)
	}
	authority, err := os.ReadFile(filepath.Join(fixtures, "certs", "argocd-test-ca.crt"))
	if err != nil {
		return fmt.Errorf("loading the hosts' authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	git, err := gitHTTP(ctx)
	if err != nil {
		return err
	}
	files := http.StripPrefix("/argo-e2e/", http.FileServer(http.Dir(dataDir)))
	content := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/argo-e2e/testdata.git/helm-repo") {
			files.ServeHTTP(w, r)
			return
		}
		git.ServeHTTP(w, r)
	})
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	secure := &tls.Config{Certificates: []tls.Certificate{certificate}}
	mutual := &tls.Config{Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	for _, s := range []struct {
		port    string
		handler http.Handler
		config  *tls.Config
	}{
		{"9081", content, nil}, {"9080", onlyUser(content), nil}, {"9443", onlyUser(content), secure}, {"9444", onlyUser(content), mutual},
		{"5000", registry.New(quiet, registry.WithReferrersSupport(true)), nil}, {"5001", onlyUser(registry.New(quiet)), nil},
	} {
		if err := w.hosts.serve(s.port, s.handler, s.config); err != nil {
			return err
		}
	}
	return w.serveSSH(filepath.Join(fixtures, "testrepos"))
}

func (h *hosts) serve(port string, handler http.Handler, config *tls.Config) error {
	for _, address := range []string{"127.0.0.1", "[::1]"} {
		listener, err := net.Listen("tcp", address+":"+port)
		if err != nil && address != "127.0.0.1" {
			continue // a machine without IPv6
		}
		if err != nil {
			return fmt.Errorf("listening for the suite: %w", err)
		}
		if config != nil {
			listener = tls.NewListener(listener, config.Clone())
		}
		s := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
		h.closers = append(h.closers, s)
		go func() { _ = s.Serve(listener) }()
	}
	return nil
}

// onlyUser wants the suite's one user.
func onlyUser(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="Restricted"`)
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// gitHTTP is Git's own server for HTTP.
func gitHTTP(ctx context.Context) (http.Handler, error) {
	out, err := exec.CommandContext(ctx, "git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("finding Git's programs: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler := cgi.Handler{
			Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Root: "/argo-e2e",
			Env:    []string{"GIT_HTTP_EXPORT_ALL=", "GIT_PROJECT_ROOT=" + dataDir, "REMOTE_USER=" + user, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
			Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
		}
		handler.ServeHTTP(w, r)
	}), nil
}

// serveSSH lets the suite's user in by the suite's key.
func (w *world) serveSSH(dir string) error {
	key, err1 := os.ReadFile(filepath.Join(dir, "ssh_host_ed25519_key"))
	public, err2 := os.ReadFile(filepath.Join(dir, "id_rsa.pub"))
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("loading the SSH host's keys: %w", err)
	}
	signer, err1 := ssh.ParsePrivateKey(key)
	allowed, _, _, _, err2 := ssh.ParseAuthorizedKey(public)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("reading the SSH host's keys: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:2222")
	if err != nil {
		return fmt.Errorf("listening for the suite: %w", err)
	}
	w.hosts.closers = append(w.hosts.closers, stage.ServeSSH(listener, signer, allowed, func(path string) (string, bool) {
		path = filepath.Clean(path)
		return path, filepath.Dir(path) == dataDir
	}))
	return nil
}
