package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"fairlead.dev/fairlead/internal/basicauth"
	"fairlead.dev/fairlead/internal/hook"
	"fairlead.dev/fairlead/internal/serve"

	"github.com/gofrs/flock"
)

// ErrInUse says that another Server works on the same folder.
var ErrInUse = errors.New("another registry uses this folder: stop it first")

// Server serves the images of one folder. It is an http.Handler.
type Server struct {
	opts  Options
	log   *slog.Logger
	auth  *basicauth.Checker
	store *store
	hooks *hook.Group
	lock  *flock.Flock
	base  *preparation
	stop  context.CancelFunc
	work  sync.WaitGroup
}

// New opens the folder, begins to deliver what hooks haven't been told yet, and, if asked for, begins to make the base
// images. Close ends it. The error is [ErrInUse] if another Server has the folder.
func New(ctx context.Context, opts Options) (*Server, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if opts.URL == "" {
		return nil, errors.New("starting the registry: no URL given, and notifications need one to name images by")
	}
	opts.URL = strings.TrimRight(opts.URL, "/")
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	s := &Server{opts: opts, log: opts.Logger, auth: basicauth.NewChecker(opts.Users), base: newPreparation()}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if err := s.open(ctx, background); err != nil {
		stop()
		return nil, fmt.Errorf("starting the registry: %w", err)
	}
	s.work.Go(func() { s.prepareBaseImages(background) })
	return s, nil
}

func (s *Server) open(ctx, background context.Context) error {
	if err := os.MkdirAll(s.opts.Dir, 0o755); err != nil {
		return err
	}
	s.lock = flock.New(filepath.Join(s.opts.Dir, "lock"))
	if locked, err := s.lock.TryLock(); err != nil {
		return fmt.Errorf("locking %s: %w", s.opts.Dir, err)
	} else if !locked {
		return ErrInUse
	}
	err := s.openLocked(ctx, background)
	if err != nil {
		if s.hooks != nil {
			s.hooks.Close()
		}
		_ = s.lock.Close()
	}
	return err
}

func (s *Server) openLocked(ctx, background context.Context) error {
	secret, err := keptSecret(filepath.Join(s.opts.Dir, "secret"))
	if err != nil {
		return err
	}
	if s.store, err = openStore(background, s.opts.Dir, secret); err != nil {
		return err
	}
	s.hooks, err = hook.NewGroup(hook.Options{
		Dir: filepath.Join(s.opts.Dir, "hooks"), Endpoints: s.opts.Hooks, RetryInterval: s.opts.RetryInterval, Logger: s.log,
	})
	if err != nil {
		return err
	}
	names, err := s.store.repositories(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.hooks.Add(ctx, name, s.tags(name), false); err != nil {
			return err
		}
	}
	return nil
}

// Close ends notifications and frees the folder. Requests must have ended before.
func (s *Server) Close() {
	s.stop()
	s.work.Wait()
	s.hooks.Close()
	s.store.close()
	_ = s.lock.Close()
}

// Run serves a Server until ctx ends.
func Run(ctx context.Context, opts Options) error {
	listener, err := serve.Listen(ctx, opts.Listener, opts.Listen)
	if err != nil {
		return fmt.Errorf("starting the registry: %w", err)
	}
	if opts.URL == "" {
		opts.URL = "http://" + listener.Addr().String()
	}
	s, err := New(ctx, opts)
	if err != nil {
		_ = listener.Close()
		return err
	}
	defer s.Close()
	s.log.Info("serving images", "url", opts.URL, "dir", opts.Dir)
	if err := serve.HTTP(ctx, listener, s); err != nil {
		return fmt.Errorf("serving images: %w", err)
	}
	return nil
}

// ServeHTTP answers the OCI distribution API and health checks.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/healthz":
		_, _ = io.WriteString(w, "ok\n")
	case r.URL.Path == "/readyz":
		s.base.serve(w)
	default:
		if s.authorize(w, r) {
			r = s.asMirror(r)
			s.awaitBaseImage(r)
			s.serveImages(w, r)
		}
	}
}

// authorize answers the request itself if it may not go on.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) bool {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	anonymous := (read && s.opts.AnonymousRead) || (!read && s.opts.AnonymousWrite)
	_, given, known := s.auth.User(r)
	// Clients ask /v2/ first and give their password to nothing else if that doesn't want one.
	ping := r.URL.Path == "/v2/" && len(s.opts.Users) > 0
	switch {
	case known:
		return true
	case anonymous && !ping && (!given || len(s.opts.Users) == 0):
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Fairlead registry"`)
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	// The error form of the OCI distribution specification.
	_, _ = io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"this registry asks for a user name and password"}]}`+"\n")
	return false
}

// manifestPath is the path of a manifest: the repository and a tag or digest.
var manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)

// serveImages passes a request to the store, and has hooks look at what it changed.
func (s *Server) serveImages(w http.ResponseWriter, r *http.Request) {
	change := manifestPath.FindStringSubmatch(r.URL.Path)
	if change != nil && r.Method != http.MethodPut && r.Method != http.MethodDelete {
		change = nil
	}
	if change != nil && validRepository(change[1]) && !s.hooks.Known(change[1]) {
		// Before the repository can get its first tag, hooks know that nobody was told anything of it.
		if err := s.hooks.Add(r.Context(), change[1], s.tags(change[1]), true); err != nil {
			s.log.Error("a repository can't have notifications, so pushes to it are refused", "repository", change[1], "error", err)
			http.Error(w, "The registry can't note this push; its log says why.", http.StatusInternalServerError)
			return
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.opts.MaxBlob)
	s.store.app.ServeHTTP(w, r)
	if change != nil {
		s.hooks.Changed(change[1])
	}
}

// keptSecret reads a secret, or makes it at the first start.
func keptSecret(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil && len(data) > 0 {
		return string(data), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	secret := rand.Text()
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, []byte(secret), 0o600); err != nil {
		return "", err
	}
	return secret, os.Rename(tmp, path)
}
