package githost

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/basicauth"
	"fairlead.dev/fairlead/internal/hook"
)

const secret = "s3cret"

// receiver is a webhook receiver that checks signatures and passes events on.
type receiver struct {
	*httptest.Server
	events chan pushPayload
	down   atomic.Bool
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{events: make(chan pushPayload, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(req.Body)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if got, want := req.Header.Get("X-Gitea-Signature"), hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("the signature is %q, want %q", got, want)
		}
		if got := req.Header.Get("X-Gitea-Event"); got != "push" {
			t.Errorf("X-Gitea-Event is %q", got)
		}
		var p pushPayload
		if err := json.Unmarshal(body, &p); err != nil {
			t.Error(err)
		}
		r.events <- p
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) next(t *testing.T) pushPayload {
	t.Helper()
	select {
	case p := <-r.events:
		return p
	case <-time.After(10 * time.Second):
		t.Fatal("no webhook within 10 s")
		panic("unreachable")
	}
}

// host is a Host with an HTTP server.
type host struct {
	*Host
	*httptest.Server
}

func (h *host) stop() {
	h.Server.Close()
	h.Host.Close()
}

func testOptions(dir string, hooks ...hook.Endpoint) Options {
	opts := Default()
	opts.Dir, opts.Hooks = dir, hooks
	opts.RetryInterval = 20 * time.Millisecond
	opts.Users = basicauth.Users{"dev": "pw", "ops": "pw"}
	return opts
}

// start serves a host at an address, or at any if it is empty.
func start(t *testing.T, opts Options, address string) *host {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	opts.URL = "http://" + listener.Addr().String()
	h, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h}}
	server.Start()
	return &host{h, server}
}

func newHost(t *testing.T, hooks ...hook.Endpoint) *host {
	t.Helper()
	h := start(t, testOptions(t.TempDir(), hooks...), "")
	t.Cleanup(h.stop)
	return h
}

// clone is the URL of a repository with a user's password in it.
func (h *host) clone(user, name string) string {
	return strings.Replace(h.Server.URL, "://", "://"+user+":pw@", 1) + "/" + name + ".git"
}

// try runs git as a user would.
func try(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "protocol.version=2"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := try(t, dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// checkout is a new working copy with a remote.
func checkout(t *testing.T, remote string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "remote", "add", "origin", remote)
	return dir
}

// write makes a commit of files (path, content, path, content …; no content: the file is removed) and returns its ID.
func write(t *testing.T, dir, message string, files ...string) string {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if files[i+1] == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", message)
	return git(t, dir, "rev-parse", "HEAD")
}

// call calls the API as a user.
func (h *host) call(t *testing.T, user, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, h.Server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, "pw")
	}
	resp, err := h.Server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer)
}
