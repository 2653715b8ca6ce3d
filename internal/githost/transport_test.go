package githost

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPushThenClone(t *testing.T) {
	h := newHost(t)
	work := checkout(t, h.clone("dev", "shop/app"))
	id := write(t, work, "first", "a.txt", "a", "dir/b.txt", "b")
	git(t, work, "push", "-q", "origin", "main")

	clone := t.TempDir()
	git(t, clone, "clone", "-q", h.Server.URL+"/shop/app", ".") // without .git, without a user
	if got := git(t, clone, "rev-parse", "HEAD"); got != id {
		t.Fatalf("cloned %s, want %s", got, id)
	}
	// A large push is sent in pieces, a large fetch request is packed with gzip.
	big := strings.Repeat("0123456789abcdef", 1<<18)
	for i := range 20 {
		write(t, work, fmt.Sprint("change ", i), "big.txt", fmt.Sprint(i, big))
	}
	git(t, work, "push", "-q", "origin", "main")
	git(t, clone, "pull", "-q")
	if got, want := git(t, clone, "rev-parse", "HEAD"), git(t, work, "rev-parse", "HEAD"); got != want {
		t.Fatalf("pulled %s, want %s", got, want)
	}
	shallow := t.TempDir()
	git(t, shallow, "clone", "-q", "--depth=1", "--filter=blob:none", h.Server.URL+"/shop/app.git", ".")
	git(t, shallow, "fetch", "-q", "origin", id)
}

func TestProtocolVersions(t *testing.T) {
	h := newHost(t)
	for _, version := range []string{"0", "1", "2"} {
		work := checkout(t, h.clone("dev", "shop/v"+version))
		write(t, work, "first", "a.txt", "a")
		git(t, work, "-c", "protocol.version="+version, "push", "-q", "origin", "main")
		git(t, work, "-c", "protocol.version="+version, "fetch", "-q")
	}
	req, _ := http.NewRequest(http.MethodGet, h.Server.URL+"/shop/v2.git/info/refs?service=git-upload-pack", nil)
	req.Header.Set("Git-Protocol", "version=2")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !strings.HasPrefix(string(body), "000eversion 2\n") {
		t.Fatalf("got %q", body)
	}
}

func TestDefaultBranch(t *testing.T) {
	h := newHost(t)
	work := checkout(t, h.clone("dev", "shop/old"))
	write(t, work, "first", "a.txt", "a")
	git(t, work, "push", "-q", "origin", "main:master")
	if got := git(t, work, "ls-remote", "--symref", "origin", "HEAD"); !strings.HasPrefix(got, "ref: refs/heads/master") {
		t.Fatalf("HEAD is %s", got)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	h := newHost(t)
	public := checkout(t, h.Server.URL+"/shop/app.git")
	write(t, public, "first", "a.txt", "a")
	if out, err := try(t, public, "push", "-q", "origin", "main"); err == nil || !strings.Contains(out, "could not read Username") {
		t.Errorf("an anonymous push gave %v: %s", err, out)
	}
	git(t, public, "remote", "set-url", "origin", strings.Replace(h.clone("dev", "shop/app"), ":pw@", ":wrong@", 1))
	if out, err := try(t, public, "push", "-q", "origin", "main"); err == nil || !strings.Contains(out, "Authentication failed") {
		t.Errorf("a push with a wrong password gave %v: %s", err, out)
	}
	if out, err := try(t, public, "ls-remote", h.clone("dev", "no/such")); err == nil || !strings.Contains(out, "There is no repository no/such here") {
		t.Errorf("reading an unknown repository gave %v: %s", err, out)
	}
	if h.repository("shop/app").exists() {
		t.Error("a refused push made a repository")
	}

	opts := testOptions(t.TempDir())
	opts.AnonymousRead, opts.NoCreateOnPush = false, true
	private := start(t, opts, "")
	defer private.stop()
	if err := private.EnsureRepository(t.Context(), "shop/app"); err != nil {
		t.Fatal(err)
	}
	if out, err := try(t, public, "ls-remote", private.Server.URL+"/shop/app"); err == nil || !strings.Contains(out, "Username") {
		t.Errorf("an anonymous read gave %v: %s", err, out)
	}
	git(t, public, "push", "-q", private.clone("ops", "shop/app"), "main")
	if out, err := try(t, public, "push", "-q", private.clone("ops", "shop/new"), "main"); err == nil || !strings.Contains(out, "There is no repository shop/new") {
		t.Errorf("a push to an unknown repository gave %v: %s", err, out)
	}
	if status, _ := private.call(t, "", "GET", "/", ""); status != http.StatusUnauthorized {
		t.Errorf("the list is public: %d", status)
	}
	if status, list := private.call(t, "dev", "GET", "/", ""); status != http.StatusOK || list != private.Server.URL+"/shop/app.git\n" {
		t.Errorf("the list is %d %s", status, list)
	}
}

func TestNames(t *testing.T) {
	h := newHost(t)
	for name, want := range map[string]bool{
		"shop/app": true, "a/b/c/d": true, "A_1/x.y-z": true,
		"app": false, "a/b/c/d/e": false, "../x": false, "a/../b": false, "a/.b": false, "a//b": false, "/a/b": false,
		"a/b.git": false, "a.git/b": false, "a/b.lock": false, "a/-b": false, "a/b c": false, "a/b\n": false, "a/..": false, "": false,
	} {
		if err := h.EnsureRepository(t.Context(), name); (err == nil) != want || (err != nil && !errors.Is(err, ErrName)) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, path := range []string{"/a/%2e%2e/b.git", "/a/b.git", "/" + strings.Repeat("x", 500) + "/y", "/%00/x"} {
		if status, _ := h.call(t, "dev", "GET", path+"/info/refs?service=git-upload-pack", ""); status != http.StatusNotFound && status != http.StatusMovedPermanently {
			t.Errorf("%s gave %d", path, status)
		}
	}
}

func TestBadRequests(t *testing.T) {
	h := newHost(t)
	if err := h.EnsureRepository(t.Context(), "shop/app"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		method, path, contentType, encoding string
		status                              int
	}{
		{"GET", "/shop/app.git/info/refs", "", "", 404},
		{"GET", "/shop/app.git/info/refs?service=git-evil", "", "", 404},
		{"GET", "/shop/app.git/HEAD", "", "", 404},
		{"PUT", "/shop/app.git/git-upload-pack", "", "", 404},
		{"POST", "/git-upload-pack", "", "", 404},
		{"POST", "/shop/app.git/git-upload-pack", "text/plain", "", 415},
		{"POST", "/shop/app.git/git-upload-pack", "application/x-git-upload-pack-request", "br", 400},
		{"POST", "/shop/app.git/git-upload-pack", "application/x-git-upload-pack-request", "gzip", 400},
		{"GET", "/healthz", "", "", 200},
	} {
		req, _ := http.NewRequest(tc.method, h.Server.URL+tc.path, strings.NewReader("0000"))
		req.Header.Set("Content-Type", tc.contentType)
		req.Header.Set("Content-Encoding", tc.encoding)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.status {
			t.Errorf("%s %s (%s): %d, want %d", tc.method, tc.path, tc.contentType, resp.StatusCode, tc.status)
		}
	}
}

func TestPushTooLarge(t *testing.T) {
	opts := testOptions(t.TempDir())
	opts.MaxPush = 1 << 20
	h := start(t, opts, "")
	defer h.stop()
	work := checkout(t, h.clone("dev", "shop/app"))
	noise := make([]byte, 3<<20)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223 // doesn't pack
		noise[i] = byte(x >> 24)
	}
	write(t, work, "big", "noise", string(noise))
	if out, err := try(t, work, "push", "-q", "origin", "main"); err == nil {
		t.Fatalf("accepted: %s", out)
	}
	write(t, work, "small again", "noise", "")
	git(t, work, "commit", "-q", "--amend", "--allow-empty", "-m", "x")
	git(t, work, "checkout", "-q", "--orphan", "other")
	write(t, work, "small", "a.txt", "a")
	git(t, work, "push", "-q", "origin", "other")
}

func TestConcurrentPushes(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, endpoint(r))
	const writers = 8
	var group sync.WaitGroup
	for i := range writers {
		work := checkout(t, h.clone("dev", "shop/app"))
		write(t, work, "first", "a.txt", fmt.Sprint(i))
		group.Go(func() {
			if out, err := try(t, work, "push", "-q", "origin", fmt.Sprintf("main:branch%d", i)); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	for len(seen) < writers {
		p := r.next(t)
		if seen[p.Ref] || !p.Created {
			t.Fatalf("told twice, or not as new: %+v", p)
		}
		seen[p.Ref] = true
	}
}

func TestOneHostPerFolder(t *testing.T) {
	h := newHost(t)
	opts := h.opts
	if _, err := New(t.Context(), opts); !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v", err)
	}
}

func TestLeftoversOfAKill(t *testing.T) {
	dir := t.TempDir()
	h := start(t, testOptions(dir), "")
	work := checkout(t, h.clone("dev", "shop/app"))
	write(t, work, "first", "a.txt", "a")
	git(t, work, "push", "-q", "origin", "main")
	h.stop()
	bare := filepath.Join(dir, "repositories", "shop", "app.git")
	for _, left := range []string{
		"refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "objects/maintenance.lock", "objects/tmp_objdir-incoming-x/pack/tmp",
		"../../.new-123/bare/HEAD",
	} {
		path := filepath.Join(bare, left)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h = start(t, testOptions(dir), "")
	defer h.stop()
	git(t, work, "remote", "set-url", "origin", h.clone("dev", "shop/app"))
	write(t, work, "second", "a.txt", "b")
	git(t, work, "push", "-q", "origin", "main")
	for _, left := range []string{"objects/tmp_objdir-incoming-x", "../../.new-123"} {
		if _, err := os.Stat(filepath.Join(bare, left)); err == nil {
			t.Errorf("%s is still there", left)
		}
	}
}

func TestRunServesUntilItIsStopped(t *testing.T) {
	opts := testOptions(t.TempDir())
	listener := listen(t)
	opts.Listener = listener
	ctx, stop := contextWithStop(t)
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, opts) }()
	resp, err := http.Get("http://" + listener.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still running")
	}
}

func TestOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"no folder given":          func(o *Options) { o.Dir = "" },
		"must be like http":        func(o *Options) { o.URL = "127.0.0.1:3000" },
		"it is no branch name":     func(o *Options) { o.DefaultBranch = "-x" },
		"start from githost.Defau": func(o *Options) { o.MaxPush = 0 },
		"URL of a webhook":         func(o *Options) { o.Hooks = append(o.Hooks, endpoint(nil)) },
		"install git":              func(o *Options) { o.Git = "no-such-git" },
		"webhooks need one":        func(o *Options) {},
	} {
		opts := testOptions(t.TempDir())
		change(&opts)
		if want == "install git" {
			opts.URL = "http://127.0.0.1:1"
		}
		if _, err := New(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
