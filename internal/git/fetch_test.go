package git

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestResolve(t *testing.T) {
	o := newOrigin(t)
	first := o.push("first", map[string]string{"f": "1"})
	o.git("tag", "v1.2.0")
	o.git("tag", "both")
	o.git("tag", "component/v1.0.0")
	o.git("tag", "component/1.7.0")
	second := o.push("second", map[string]string{"f": "2"})
	o.git("tag", "--annotate", "-m", "annotated", "v1.10.0")
	o.git("tag", "v2.0.0-rc.1")
	o.git("tag", "component/v1.8.0")
	o.git("tag", "component/vx")
	o.git("push", "--quiet", "origin", "--tags")
	o.git("checkout", "--quiet", "-b", "feature/x")
	third := o.push("third", map[string]string{"f": "3"})
	o.git("push", "--quiet", "origin", "HEAD:refs/heads/both", "HEAD:refs/pull/7/head")
	repository := newTestStore(t).Repository(Remote{URL: o.url()})
	for revision, want := range map[string]string{
		"":                     second,
		"HEAD":                 second,
		"main":                 second,
		"refs/heads/main":      second,
		"feature/x":            third,
		"v1.2.0":               first,
		"refs/tags/v1.2.0":     first,
		"v1.10.0":              second,
		"1.x":                  second,
		"~1.2":                 first,
		"<1.10":                first,
		"*":                    second,
		">=2.0.0-0":            second,
		"both":                 third,
		first:                  first,
		first[:7]:              first,
		"refs/pull/7/head":     third,
		">=3":                  "",
		"nowhere":              "",
		"deadbeef":             "",
		"--upload-pack=x":      "",
		"refs/pull/8/head":     "",
		"refs/x:refs/heads/x":  "",
		"main^{tree}":          "",
		strings.Repeat("x", 9): "",
	} {
		got, err := repository.Resolve(context.Background(), revision)
		if want == "" && !errors.Is(err, ErrUnknownRevision) {
			t.Errorf("%q: got %s, %v; want ErrUnknownRevision", revision, got, err)
		}
		if want != "" && (got != want || err != nil) {
			t.Errorf("%q: got %s, %v; want %s", revision, got, err, want)
		}
	}
	for _, c := range []struct{ prefix, revision, want string }{
		{"component/", "1.*", second}, {"component/", "~1.7", first}, {"component/", "main", second}, {"other/", "1.*", ""},
	} {
		got, err := repository.ResolveTagged(context.Background(), c.prefix, c.revision)
		if got != c.want || (c.want == "") != errors.Is(err, ErrUnknownRevision) {
			t.Errorf("%s of the tags %s…: got %s, %v; want %s", c.revision, c.prefix, got, err, c.want)
		}
	}
	refs, err := repository.Refs(context.Background())
	if err != nil || refs["refs/heads/main"] != second || refs["refs/tags/v1.10.0"] != second || refs["HEAD"] != second {
		t.Errorf("refs of the remote are %v (%v)", refs, err)
	}
	if branch, err := repository.DefaultBranch(context.Background()); branch != "main" || err != nil {
		t.Errorf("default branch is %q (%v)", branch, err)
	}
	info, err := repository.Info(context.Background(), second)
	if err != nil || info.Author != "Ann <ann@example.com>" || info.Message != "second" || strings.Join(info.Tags, " ") != "component/v1.8.0 component/vx v1.10.0 v2.0.0-rc.1" ||
		info.Date.Format(time.RFC3339) != "2024-05-06T07:08:09+02:00" || len(info.Parents) != 1 || info.Parents[0] != first {
		t.Errorf("info is %+v (%v)", info, err)
	}
}

func TestFetchFollowsTheRemote(t *testing.T) {
	ctx := context.Background()
	o := newOrigin(t)
	repository := newTestStore(t).Repository(Remote{URL: o.url()})
	if err := repository.Fetch(ctx); err != nil {
		t.Fatalf("fetching an empty repository: %v", err)
	}
	if _, err := repository.Resolve(ctx, "HEAD"); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("HEAD of an empty repository: %v", err)
	}
	o.push("first", map[string]string{"f": "1"})
	o.git("push", "--quiet", "origin", "HEAD:a")
	if err := repository.Fetch(ctx); err != nil {
		t.Fatal(err)
	}
	wantContent(t, mustTree(t, repository, "a"), "f", "1")
	// A branch goes, one of the same name as its folder comes, another is forced.
	o.git("push", "--quiet", "origin", ":a", "HEAD:a/b")
	o.git("commit", "--quiet", "--amend", "-m", "other")
	o.git("push", "--quiet", "--force", "origin", "main")
	if err := repository.Fetch(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := repository.Resolve(ctx, "a"); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("a deleted branch: %v", err)
	}
	if got, err := repository.Resolve(ctx, "main"); err != nil || got != o.git("rev-parse", "main") {
		t.Errorf("a forced branch is at %s (%v)", got, err)
	}
	// A commit that the mirror doesn't have yet is fetched when its tree is asked for.
	newest := o.push("newest", map[string]string{"f": "2"})
	tree, err := repository.Tree(ctx, newest)
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, tree, "f", "2")
	if _, err := repository.Tree(ctx, strings.Repeat("12", 20)); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("a commit that isn't there: %v", err)
	}
}

func TestFetchesCoalesce(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	var fetches atomic.Int32
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	url := o.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasSuffix(req.URL.Path, "/info/refs") {
				fetches.Add(1)
				arrived <- struct{}{}
				<-release
			}
			next.ServeHTTP(w, req)
		})
	})
	repository := newTestStore(t).Repository(Remote{URL: url})
	errs := make(chan error, 21)
	fetch := func() { errs <- repository.Fetch(context.Background()) }
	go fetch()
	<-arrived
	for range 20 {
		go fetch()
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		repository.flights.Lock()
		waiting := repository.next != nil && repository.next.waiters == 20
		repository.flights.Unlock()
		if waiting || time.Now().After(deadline) {
			break
		}
	}
	close(release)
	for range 21 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if got := fetches.Load(); got != 2 {
		t.Errorf("21 callers made %d fetches, want 2: one under way, and one that starts after it", got)
	}
}

func TestFetchEndsWithItsCallers(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	arrived, gone := make(chan struct{}), make(chan struct{})
	var once sync.Once
	url := o.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			hang := false
			once.Do(func() { hang = true })
			if hang {
				close(arrived)
				<-req.Context().Done()
				close(gone)
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	repository := newTestStore(t).Repository(Remote{URL: url})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	if err := repository.Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("git's connection is still open: its process group wasn't killed")
	}
	if err := repository.Fetch(context.Background()); err != nil {
		t.Errorf("fetching after a cancelled fetch: %v", err)
	}
}

func TestHostThatHangs(t *testing.T) {
	o := newOrigin(t)
	url := o.serve(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	})
	repository := newTestStore(t, func(o *Options) { o.Timeout = 300 * time.Millisecond }).Repository(Remote{URL: url})
	if err := repository.Fetch(context.Background()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("error is %v, want ErrUnreachable", err)
	}
}

func TestCredentials(t *testing.T) {
	ctx := context.Background()
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	url := o.serve(basicAuth)
	store := newTestStore(t)
	repository := store.Repository(Remote{URL: url})
	if err := repository.Fetch(ctx); !errors.Is(err, ErrAuthentication) {
		t.Errorf("without credentials: %v, want ErrAuthentication", err)
	}
	for _, remote := range []Remote{
		{URL: url, Username: "ann", Password: "wr0ng"},
		{URL: strings.Replace(url, "http://", "http://ann:wr0ng@", 1)},
		{URL: url, BearerToken: "wr0ng"},
	} {
		again := store.Repository(remote)
		if again != store.Repository(remote) || again.mirror != repository.mirror {
			t.Error("the same remote gave another repository, or the same URL another mirror")
		}
		_, err := again.Refs(ctx)
		if !errors.Is(err, ErrAuthentication) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("with wrong credentials: %v, want ErrAuthentication without the password", err)
		}
	}
	// Secrets are neither in command lines nor in the mirror.
	cmd := store.command(ctx, repository.dir, nil, "fetch", "--", repository.URL())
	if strings.Contains(strings.Join(cmd.Args, " "), "wr0ng") {
		t.Errorf("the password is in the command line %q", cmd.Args)
	}
	repository = store.Repository(Remote{URL: url, Username: "ann", Password: "s3cr3t"})
	if err := repository.Fetch(ctx); err != nil {
		t.Fatal(err)
	}
	wantContent(t, mustTree(t, repository, "main"), "f", "1")
	config, err := os.ReadFile(filepath.Join(repository.dir, "config"))
	if err != nil || strings.Contains(string(config), "s3cr3t") {
		t.Errorf("the mirror's configuration is %q (%v)", config, err)
	}
	if _, err := repository.Commit(ctx, Change{Branch: "main", Author: ann, Message: "m", Edit: set("f", "2")}); err != nil {
		t.Errorf("pushing with credentials: %v", err)
	}
}

func TestClearErrors(t *testing.T) {
	store := newTestStore(t)
	for url, want := range map[string]string{
		"file:///no/such/repository.git": "no such repository",
		"http://127.0.0.1:1/x.git":       "can't be reached",
		"ext::sh -c true":                "is none: use https",
		"--upload-pack=touch /tmp/x":     "characters that no URL has",
		"ftp://host/x":                   `over "ftp" are not supported`,
		"/local/path":                    "is none: use https",
		"":                               "is empty",
		"https:///x":                     "names no host",
		"https://ann:s3cr3t@ho st/x":     "invalid character",
		"ssh://-oProxyCommand=x/y":       "names no host",
	} {
		err := store.Repository(Remote{URL: url}).Fetch(context.Background())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%q: error is %v, want %q", url, err, want)
		}
	}
}

// TestMirrorHeals breaks the mirror in the ways that crashes and disks do.
func TestMirrorHeals(t *testing.T) {
	remove := func(t *testing.T, pattern string, mirror string) {
		files, _ := filepath.Glob(filepath.Join(mirror, pattern))
		if len(files) == 0 {
			t.Fatalf("no files %s", pattern)
		}
		for _, file := range files {
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(t *testing.T, content string, files ...string) {
		for _, file := range files {
			os.MkdirAll(filepath.Dir(file), 0o755)
			os.Chmod(file, 0o644)
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(t *testing.T, mirror string){
		"the folder is gone": func(t *testing.T, mirror string) { remove(t, "", mirror) },
		"HEAD is gone":       func(t *testing.T, mirror string) { remove(t, "HEAD", mirror) },
		"HEAD is rubbish":    func(t *testing.T, mirror string) { write(t, "\x00\x00", filepath.Join(mirror, "HEAD")) },
		"config is rubbish":  func(t *testing.T, mirror string) { write(t, "[[[", filepath.Join(mirror, "config")) },
		"objects are gone":   func(t *testing.T, mirror string) { remove(t, "objects/pack/*.pack", mirror) },
		"objects are rubbish": func(t *testing.T, mirror string) {
			files, _ := filepath.Glob(filepath.Join(mirror, "objects/pack/pack-*"))
			write(t, "rubbish", files...)
		},
		"refs are rubbish": func(t *testing.T, mirror string) { write(t, "rubbish", filepath.Join(mirror, "refs/heads/main")) },
		"git was killed": func(t *testing.T, mirror string) {
			write(t, "", filepath.Join(mirror, "refs/heads/main.lock"), filepath.Join(mirror, "packed-refs.lock"), filepath.Join(mirror, "HEAD.lock"),
				filepath.Join(mirror, "config.lock"), filepath.Join(mirror, "objects/pack/tmp_pack_x"), filepath.Join(mirror, "objects/aa/tmp_obj_x"),
				filepath.Join(mirror, "objects/tmp_objdir-incoming-x/pack/tmp_pack_y"), filepath.Join(mirror, "gc.pid"))
		},
	} {
		for _, restart := range []bool{false, true} {
			if name == "git was killed" && !restart {
				continue // another git than ours in a live mirror; not a case
			}
			t.Run(name, func(t *testing.T) {
				o := newOrigin(t)
				o.push("first", map[string]string{"f": "1", "g": "1"})
				options := Default()
				options.Dir, options.CacheBytes = t.TempDir(), 0
				store, err := NewStore(options)
				if err != nil {
					t.Fatal(err)
				}
				repository := store.Repository(Remote{URL: o.url()})
				wantContent(t, mustTree(t, repository, "main"), "f", "1")
				if restart {
					store.Close()
				}
				damage(t, repository.dir)
				o.push("second", map[string]string{"f": "2"})
				if restart {
					if store, err = NewStore(options); err != nil {
						t.Fatal(err)
					}
					repository = store.Repository(Remote{URL: o.url()})
				}
				defer store.Close()
				// The first fetch may not see the damage; then reading does, and the next fetch mends it.
				for attempt := 0; ; attempt++ {
					err := repository.Fetch(context.Background())
					if err == nil {
						var commit string
						if commit, err = repository.Resolve(context.Background(), "main"); err == nil {
							var tree *Tree
							if tree, err = repository.Tree(context.Background(), commit); err == nil {
								_, err = tree.ReadFile("g")
							}
						}
					}
					if err == nil {
						break
					}
					if attempt == 2 {
						t.Fatal(err)
					}
				}
				tree := mustTree(t, repository, "main")
				wantContent(t, tree, "f", "2")
				wantContent(t, tree, "g", "1")
			})
		}
	}
}

// TestCommitsArriveWhole: a commit that can be read has its files, wherever a fetch was killed. So a fetch never leaves loose
// objects, and its pack gets its name when it is complete; packs are joined in time.
func TestCommitsArriveWhole(t *testing.T) {
	o := newOrigin(t)
	repository := newTestStore(t).Repository(Remote{URL: o.url()})
	count := func(pattern string) int {
		files, err := filepath.Glob(filepath.Join(repository.dir, "objects", pattern))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	for n := range 4 {
		o.push("next", map[string]string{"f": strings.Repeat("x", n+1)})
		if err := repository.Fetch(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if loose, packs := count("??/*"), count("pack/*.pack"); loose != 0 || packs != 4 {
		t.Errorf("%d loose objects and %d packs, want none and 4", loose, packs)
	}
	repository.tidy()
	if packs := count("pack/*.pack"); packs != 1 {
		t.Errorf("%d packs after tidying, want 1", packs)
	}
	wantContent(t, mustTree(t, repository, "main"), "f", "xxxx")
}

func TestFolderHasOneOwner(t *testing.T) {
	store := newTestStore(t)
	if _, err := NewStore(store.options); err == nil || !strings.Contains(err.Error(), "another process uses this folder") {
		t.Errorf("error is %v", err)
	}
	store.Close()
	if err := store.Repository(Remote{URL: "file:///x"}).Fetch(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("fetching from a closed store: %v", err)
	}
	again, err := NewStore(store.options)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestIdleReaderEnds(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	repository := newTestStore(t, func(o *Options) { o.IdleReader = 50 * time.Millisecond; o.CacheBytes = 0 }).Repository(Remote{URL: o.url()})
	tree := mustTree(t, repository, "main")
	wantContent(t, tree, "f", "1")
	running := func() bool {
		repository.objects.mu.Lock()
		defer repository.objects.mu.Unlock()
		return repository.objects.cmd != nil
	}
	for deadline := time.Now().Add(10 * time.Second); running(); {
		if time.Now().After(deadline) {
			t.Fatal("git cat-file still runs")
		}
	}
	wantContent(t, tree, "f", "1")
	// A reader that was killed is replaced without anybody noticing.
	repository.objects.mu.Lock()
	if cmd := repository.objects.cmd; cmd != nil {
		killGroup(cmd)
	}
	repository.objects.mu.Unlock()
	wantContent(t, tree, "f", "1")
}
