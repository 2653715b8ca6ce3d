package git

import (
	"bytes"
	"context"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// origin is a real repository on disk with a work tree beside it, which the tests push from.
type origin struct {
	t         testing.TB
	bare, dir string
}

func newOrigin(t testing.TB) *origin {
	t.Helper()
	root := t.TempDir()
	o := &origin{t: t, bare: filepath.Join(root, "origin.git"), dir: filepath.Join(root, "work")}
	o.run(root, "init", "--quiet", "--bare", "--initial-branch=main", o.bare)
	o.run(o.bare, "config", "http.receivepack", "true")
	o.run(o.bare, "config", "uploadpack.allowReachableSHA1InWant", "true")
	o.run(root, "init", "--quiet", "--initial-branch=main", o.dir)
	o.git("remote", "add", "origin", o.bare)
	return o
}

func (o *origin) url() string { return "file://" + o.bare }

func (o *origin) run(dir string, args ...string) string {
	o.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com",
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com", "GIT_AUTHOR_DATE=2024-05-06T07:08:09+02:00")
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (o *origin) git(args ...string) string {
	o.t.Helper()
	return o.run(o.dir, args...)
}

// push commits files on the current branch, and pushes it. Content "" deletes; a content "-> x" makes a symbolic link.
func (o *origin) push(message string, files map[string]string) string {
	o.t.Helper()
	for name, content := range files {
		path := filepath.Join(o.dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		os.Remove(path)
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, path)
		} else if content != "" {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			o.t.Fatal(err)
		}
	}
	o.git("add", "--all")
	o.git("commit", "--quiet", "--allow-empty", "--message", message)
	o.git("push", "--quiet", "origin", "HEAD")
	return o.git("rev-parse", "HEAD")
}

// serve offers the repository over HTTP with git's own http-backend. The middleware may be nil.
func (o *origin) serve(middleware func(http.Handler) http.Handler) string {
	o.t.Helper()
	var handler http.Handler = &cgi.Handler{
		Path: filepath.Join(o.run(".", "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(o.bare), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ann"},
	}
	if middleware != nil {
		handler = middleware(handler)
	}
	server := httptest.NewServer(handler)
	o.t.Cleanup(server.Close)
	return server.URL + "/origin.git"
}

// basicAuth lets only ann in.
func basicAuth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, _ := req.BasicAuth(); user != "ann" || password != "s3cr3t" {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, req)
	})
}

func newTestStore(t testing.TB, adjust ...func(*Options)) *Store {
	t.Helper()
	options := Default()
	options.Dir = t.TempDir()
	for _, f := range adjust {
		f(&options)
	}
	store, err := NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func mustTree(t testing.TB, r *Repository, revision string) *Tree {
	t.Helper()
	commit, err := r.Resolve(context.Background(), revision)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.Tree(context.Background(), commit)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func wantContent(t testing.TB, tree *Tree, name, want string) {
	t.Helper()
	got, err := tree.ReadFile(name)
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s is %q (%v), want %q", name, got, err, want)
	}
}
