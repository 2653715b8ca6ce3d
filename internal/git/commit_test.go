package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var ann = Signature{Name: "Ann <x>\n", Email: "ann@example.com"}

// set is an edit that writes one file.
func set(name, content string) func(fs.FS) (map[string][]byte, error) {
	return func(fs.FS) (map[string][]byte, error) { return map[string][]byte{name: []byte(content)}, nil }
}

func TestCommit(t *testing.T) {
	ctx := context.Background()
	o := newOrigin(t)
	o.push("first", map[string]string{"keep/x": "x", "edit/me": "1", "delete/me": "1", "run.sh": "#!", "a.b/x": "1", "a/x": "1", "a-b": "1", "link": "-> keep"})
	if err := os.Chmod(filepath.Join(o.dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	o.push("executable", nil)
	repository := newTestStore(t).Repository(Remote{URL: o.url()})
	commit, err := repository.Commit(ctx, Change{Author: ann, Message: "subject\n\nbody\n\n", Edit: func(tip fs.FS) (map[string][]byte, error) {
		old, err := fs.ReadFile(tip, "edit/me")
		return map[string][]byte{"edit/me": append(old, '2'), "delete/me": nil, "delete/never/was": nil, "new/deep/file": []byte("n"), "run.sh": []byte("#!2"), "a/y": []byte("y")}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.git("pull", "--quiet", "origin", "main")
	o.git("fsck", "--strict")
	if head := o.git("rev-parse", "HEAD"); head != commit {
		t.Errorf("the remote's tip is %s, want %s", head, commit)
	}
	want := "a-b\na.b/x\na/x\na/y\nedit/me\nkeep/x\nlink\nnew/deep/file\nrun.sh"
	if got := o.git("ls-tree", "-r", "--name-only", "HEAD"); got != want {
		t.Errorf("files are\n%s\nwant\n%s", got, want)
	}
	if got := o.git("ls-tree", "HEAD", "run.sh"); !strings.HasPrefix(got, "100755") {
		t.Errorf("the executable is now %s", got)
	}
	if got := o.git("show", "--no-patch", "--format=%an|%ae|%cn|%B", "HEAD"); got != "Ann x|ann@example.com|Ann x|subject\n\nbody" {
		t.Errorf("the commit says %q", got)
	}
	// The mirror knows without another fetch.
	if got, err := repository.Resolve(ctx, "main"); got != commit || err != nil {
		t.Errorf("the mirror's tip is %s (%v)", got, err)
	}
	wantContent(t, mustTree(t, repository, "main"), "edit/me", "12")

	_, err = repository.Commit(ctx, Change{Author: ann, Message: "m", Edit: set("edit/me", "12")})
	if !errors.Is(err, ErrNoChange) {
		t.Errorf("an edit that changes nothing: %v", err)
	}
	for name, want := range map[string]string{
		"../x": "not a path", "/x": "not a path", ".git/config": "for itself", "a/.GIT/x": "for itself", "link/x": "not a folder",
		"link": "not a regular file", "keep": "not a regular file", "run.sh/x": "not a folder", ".": "not a path",
	} {
		if _, err := repository.Commit(ctx, Change{Author: ann, Message: "m", Edit: set(name, "x")}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("writing %s: %v, want %q", name, err, want)
		}
	}
	oops := errors.New("oops")
	if _, err := repository.Commit(ctx, Change{Message: "m", Edit: func(fs.FS) (map[string][]byte, error) { return nil, oops }}); !errors.Is(err, oops) {
		t.Errorf("an edit that fails: %v", err)
	}
}

func TestCommitToBranches(t *testing.T) {
	ctx := context.Background()
	o := newOrigin(t)
	repository := newTestStore(t).Repository(Remote{URL: o.url()})
	commit := func(branch, base, content string) error {
		_, err := repository.Commit(ctx, Change{Branch: branch, BaseBranch: base, Author: ann, Message: content, Edit: set("f", content)})
		return err
	}
	if err := commit("main", "", "first ever"); err != nil {
		t.Fatalf("the first commit of an empty repository: %v", err)
	}
	if err := commit("other", "", "x"); !errors.Is(err, ErrUnknownRevision) || !strings.Contains(err.Error(), "name a base branch") {
		t.Errorf("a branch that isn't there: %v", err)
	}
	if err := commit("other", "nowhere", "x"); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("a base that isn't there: %v", err)
	}
	if err := commit("update/images", "main", "on a branch"); err != nil {
		t.Error(err)
	}
	if err := commit("update/images", "main", "again"); err != nil {
		t.Error(err)
	}
	o.git("fetch", "--quiet", "origin")
	if got := o.git("log", "--format=%s", "origin/update/images"); got != "again\non a branch\nfirst ever" {
		t.Errorf("the branch's log is %q", got)
	}
	if err := commit("-x", "main", "x"); err == nil || !strings.Contains(err.Error(), "can't be the name of a branch") {
		t.Errorf("a bad name: %v", err)
	}
}

// TestCommitRetries has somebody else push between our fetch and our push.
func TestCommitRetries(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"count": "0"})
	repository := newTestStore(t).Repository(Remote{URL: o.url()})
	edits := 0
	_, err := repository.Commit(context.Background(), Change{Branch: "main", Author: ann, Message: "ours", Edit: func(tip fs.FS) (map[string][]byte, error) {
		if edits++; edits <= 3 {
			o.push("theirs", map[string]string{"count": strings.Repeat("x", edits)})
		}
		old, err := fs.ReadFile(tip, "count")
		return map[string][]byte{"count": append(old, "ours"...)}, err
	}})
	if err != nil || edits != 4 {
		t.Fatalf("after %d edits: %v", edits, err)
	}
	o.git("pull", "--quiet", "origin", "main")
	if got := o.git("show", "HEAD:count"); got != "xxxours" {
		t.Errorf("the file is %q: somebody's change is lost", got)
	}
}

func TestCommitsOfManyWriters(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"log": "\n"})
	repositories := []*Repository{newTestStore(t).Repository(Remote{URL: o.url()}), newTestStore(t).Repository(Remote{URL: o.url()})}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			_, err := repositories[i%2].Commit(context.Background(), Change{Branch: "main", Author: ann, Message: "m", Edit: func(tip fs.FS) (map[string][]byte, error) {
				old, err := fs.ReadFile(tip, "log")
				return map[string][]byte{"log": fmt.Appendf(old, "%d\n", i)}, err
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	o.git("pull", "--quiet", "origin", "main")
	if got := o.git("show", "HEAD:log"); len(strings.Fields(got)) != 8 {
		t.Errorf("eight writers left %q", got)
	}
}

func TestPushRefused(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	hook := "#!/bin/sh\necho 'branch main is protected,' >&2\necho 'open a pull request' >&2\nexit 1\n"
	os.MkdirAll(filepath.Join(o.bare, "hooks"), 0o755)
	if err := os.WriteFile(filepath.Join(o.bare, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	repository := newTestStore(t).Repository(Remote{URL: o.serve(nil)})
	edits := 0
	_, err := repository.Commit(context.Background(), Change{Branch: "main", Author: ann, Message: "m", Edit: func(fs.FS) (map[string][]byte, error) {
		edits++
		return map[string][]byte{"f": []byte("2")}, nil
	}})
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Branch != "main" || refused.Reason != "pre-receive hook declined" ||
		refused.Message != "branch main is protected,; open a pull request" {
		t.Errorf("error is %v (%+v)", err, refused)
	}
	if edits != 1 {
		t.Errorf("%d attempts, though the host won't change its mind", edits)
	}
	if got, _ := repository.Resolve(context.Background(), "main"); got != o.git("rev-parse", "HEAD") {
		t.Errorf("the mirror's branch moved to %s, which the remote refused", got)
	}
	o.run(o.bare, "config", "http.receivepack", "false")
	os.Remove(filepath.Join(o.bare, "hooks", "pre-receive"))
	_, err = repository.Commit(context.Background(), Change{Branch: "main", Author: ann, Message: "m", Edit: set("f", "2")})
	if !errors.As(err, &refused) || !errors.Is(err, ErrAuthentication) {
		t.Errorf("pushing without permission: %v", err)
	}
}

// BenchmarkPushToTree is the way of a webhook: fetch, resolve, read one file.
func BenchmarkPushToTree(b *testing.B) {
	o := newOrigin(b)
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("apps/app-%d/cm.yaml", i)] = strings.Repeat("x", 2000) + fmt.Sprint(i)
	}
	o.push("first", files)
	repository := newTestStore(b).Repository(Remote{URL: o.serve(nil)})
	mustTree(b, repository, "main")
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		o.push("next", map[string]string{"apps/app-7/cm.yaml": fmt.Sprint("content ", n)})
		b.StartTimer()
		if err := repository.Fetch(context.Background()); err != nil {
			b.Fatal(err)
		}
		wantContent(b, mustTree(b, repository, "main"), "apps/app-7/cm.yaml", fmt.Sprint("content ", n))
	}
}

// BenchmarkCommit is the image updater's write-back.
func BenchmarkCommit(b *testing.B) {
	o := newOrigin(b)
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("apps/app-%d/cm.yaml", i)] = strings.Repeat("x", 2000) + fmt.Sprint(i)
	}
	o.push("first", files)
	repository := newTestStore(b).Repository(Remote{URL: o.serve(nil)})
	for n := 0; b.Loop(); n++ {
		if _, err := repository.Commit(context.Background(), Change{Branch: "main", Author: ann, Message: "m", Edit: set("apps/app-7/cm.yaml", fmt.Sprint(n))}); err != nil {
			b.Fatal(err)
		}
	}
}
