package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/githost"
	"fairlead.dev/fairlead/internal/hook"
)

// repository is the monorepo on a Git host of its own, and a clone of it. The host's webhooks go through the bench, which
// notes when each came.
type repository struct {
	url, clone string
	host       *githost.Host
	server     *http.Server
	hooks      chan time.Time
}

func (w *world) startGit(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("starting the Git host: %w", err)
	}
	address := "http://" + listener.Addr().String()
	r := &repository{url: address + "/bench/mono.git", clone: filepath.Join(w.dir, "clone"), hooks: make(chan time.Time, 100)}
	o := githost.Default()
	o.Dir, o.URL, o.AnonymousWrite = filepath.Join(w.dir, "git"), address, true
	o.Hooks = []hook.Endpoint{{URL: address + "/hook"}}
	o.Logger = slog.New(slog.DiscardHandler)
	if r.host, err = githost.New(ctx, o); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", r.host)
	mux.Handle("/hook", r.pass(w.hub))
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }()
	w.git = r
	if err := os.MkdirAll(r.clone, 0o755); err != nil {
		return fmt.Errorf("making the clone: %w", err)
	}
	if err := r.run(ctx, "init", "--quiet", "--initial-branch=main"); err != nil {
		return err
	}
	return r.run(ctx, "remote", "add", "origin", r.url)
}

// pass hands webhooks on to the hub if it runs.
func (r *repository) pass(h *hub) http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: h.address})
	return http.HandlerFunc(func(rw http.ResponseWriter, request *http.Request) {
		select {
		case r.hooks <- time.Now():
		default: // nobody waits
		}
		if !h.running.Load() {
			return
		}
		request.URL.Path = "/api/webhook"
		proxy.ServeHTTP(rw, request)
	})
}

func (r *repository) close() {
	_ = r.server.Close()
	r.host.Close()
}

// gitEnvironment makes git independent of the machine's settings.
func gitEnvironment(home string) []string {
	return []string{
		"HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@example.com", "GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@example.com",
	}
}

func (r *repository) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.clone
	cmd.Env = append(os.Environ(), gitEnvironment(r.clone)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// push commits files and pushes. It returns when the webhook came.
func (r *repository) push(ctx context.Context, files map[string]string) (time.Time, error) {
	for name, content := range files {
		path := filepath.Join(r.clone, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			return time.Time{}, fmt.Errorf("writing the commit: %w", err)
		}
	}
	for len(r.hooks) > 0 {
		<-r.hooks
	}
	for _, args := range [][]string{{"add", "-A"}, {"commit", "--quiet", "-m", "bench"}, {"push", "--quiet", "origin", "HEAD:main"}} {
		if err := r.run(ctx, args...); err != nil {
			return time.Time{}, err
		}
	}
	select {
	case at := <-r.hooks:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case <-time.After(time.Minute):
		return time.Time{}, errors.New("waiting for the webhook of a push: none came")
	}
}

// manifest is a ConfigMap of about 2 KB.
func manifest(name, round string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  round: %q\n", name, round)
	for i := range 20 {
		fmt.Fprintf(&b, "  setting-%02d: %q\n", i, strings.Repeat(name+" ", 9))
	}
	return b.String()
}

func manifestPath(name string) string { return "apps/" + name + "/configmap.yaml" }
