package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTreeIsAFileSystem(t *testing.T) {
	o := newOrigin(t)
	o.push("files", map[string]string{
		"a.yaml":         "a",
		"dir/b.yaml":     "b",
		"dir/deep/c":     "c",
		"dir.txt":        "sorts between dir and dir/ for Git",
		"link":           "-> dir/b.yaml",
		"dir/deep/up":    "-> ../../a.yaml",
		"folder":         "-> dir/deep",
		"chain":          "-> folder/up",
		"dir/to-root":    "-> ..",
		"spaces and ü":   "x",
		"dir/executable": "#!/bin/sh\n",
	})
	tree := mustTree(t, newTestStore(t).Repository(Remote{URL: o.url()}), "main")
	if err := fstest.TestFS(tree, "a.yaml", "dir/b.yaml", "dir/deep/c", "dir.txt", "spaces and ü"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"link": "b", "dir/deep/up": "a", "folder/c": "c", "chain": "a", "dir/to-root/dir/b.yaml": "b"} {
		wantContent(t, tree, name, want)
	}
	if target, err := tree.ReadLink("folder"); target != "dir/deep" || err != nil {
		t.Errorf("link leads to %q (%v)", target, err)
	}
	if id, err := tree.ID("a.yaml"); err != nil || id.String() != o.git("rev-parse", "HEAD:a.yaml") {
		t.Errorf("ID of a.yaml is %s (%v)", id, err)
	}
	if id, err := tree.ID("."); err != nil || id.String() != o.git("rev-parse", "HEAD^{tree}") {
		t.Errorf("ID of the root is %s (%v)", id, err)
	}
}

func TestTreeRefuses(t *testing.T) {
	o := newOrigin(t)
	o.push("files", map[string]string{
		"abs":      "-> /etc/passwd",
		"out":      "-> ../outside",
		"dir/out":  "-> ../../outside",
		"outdir":   "-> ..",
		"loop":     "-> loop",
		"ping":     "-> pong",
		"pong":     "-> ping",
		"dangling": "-> nowhere",
		"file":     "x",
		"big":      strings.Repeat("x", 2000),
	})
	// A submodule: an entry for a commit that isn't in this repository.
	o.git("update-index", "--add", "--cacheinfo", "160000,"+o.git("rev-parse", "HEAD")+",sub")
	o.git("commit", "--quiet", "-m", "submodule")
	o.git("push", "--quiet", "origin", "main")
	tree := mustTree(t, newTestStore(t, func(o *Options) { o.MaxFileBytes = 1000 }).Repository(Remote{URL: o.url()}), "main")
	for name, want := range map[string]string{
		"abs":                            "leads out of the repository",
		"out":                            "leads out of the repository",
		"dir/out":                        "leads out of the repository",
		"outdir/etc":                     "leads out of the repository",
		"loop":                           "too many symbolic links",
		"ping":                           "too many symbolic links",
		"dangling":                       "no such file",
		"missing/file":                   "no such file",
		"file/below":                     "no such file",
		"big":                            "is too large: 2000 bytes, at most 1000",
		"sub":                            "submodule",
		"sub/manifest":                   "submodule",
		"../origin.git":                  "invalid argument",
		"/etc/passwd":                    "invalid argument",
		"dir/../file":                    "invalid argument",
		"dir":                            "is a directory",
		strings.Repeat("x/", 3000) + "x": "no such file",
	} {
		if _, err := tree.ReadFile(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", name, err, want)
		}
	}
	if _, err := tree.ReadFile("abs"); !errors.Is(err, ErrOutsideRepository) {
		t.Errorf("error is %v, want ErrOutsideRepository", err)
	}
	if _, err := tree.ReadFile("dangling"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want fs.ErrNotExist", err)
	}
	wantContent(t, tree, "file", "x")
}

// TestReadSet reads some of a tree, and looks which later commits change what was read.
func TestReadSet(t *testing.T) {
	read := func(tree fs.FS) {
		fs.ReadFile(tree, "app/file")
		fs.ReadDir(tree, "app/list")
		fs.Stat(tree, "app/optional.yaml")
		fs.Stat(tree, "no/such/folder")
		fs.Stat(tree, "app/folder")
		fs.ReadFile(tree, "app/link/file")
	}
	o := newOrigin(t)
	first := o.push("first", map[string]string{
		"same": "content", "app/file": "content", "app/list/one": "1", "app/list/sub/two": "2", "app/folder/x": "x",
		"target/file": "t", "target2/file": "t", "app/link": "-> ../target",
	})
	repository := newTestStore(t).Repository(Remote{URL: o.url()})
	recorder := mustTree(t, repository, "main").Record()
	read(recorder)
	set := recorder.ReadSet()
	for number, test := range []struct {
		name  string
		files map[string]string
		holds bool
	}{
		{"nothing", nil, true},
		{"another file in the repository", map[string]string{"other": "x"}, true},
		{"another file beside a file that was read", map[string]string{"app/other": "x"}, true},
		{"a file that was read", map[string]string{"app/file": "new"}, false},
		{"a file that was read is gone", map[string]string{"app/file": ""}, false},
		{"a file that was read becomes a link to the same content", map[string]string{"app/file": "-> ../same"}, false},
		{"content in a folder that was listed", map[string]string{"app/list/one": "new"}, true},
		{"content deep in a folder that was listed", map[string]string{"app/list/sub/two": "new"}, true},
		{"a new name in a folder that was listed", map[string]string{"app/list/three": "x"}, false},
		{"a name gone from a folder that was listed", map[string]string{"app/list/one": ""}, false},
		{"a name in a listed folder becomes a link", map[string]string{"app/list/one": "-> sub"}, false},
		{"a file appears that was missed", map[string]string{"app/optional.yaml": "x"}, false},
		{"a folder appears where a deep look-up failed", map[string]string{"no/thing": "x"}, false},
		{"content of a folder that was only looked at", map[string]string{"app/folder/x": "new", "app/folder/y": "new"}, true},
		{"a folder that was looked at is gone", map[string]string{"app/folder/x": ""}, false},
		{"the target of a link", map[string]string{"target/file": "new"}, false},
		{"beside the target of a link", map[string]string{"target/other": "new"}, true},
		{"the link itself", map[string]string{"app/link": "-> ../target2"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			branch := fmt.Sprint("case-", number)
			o.git("checkout", "--quiet", "-B", branch, first)
			second := o.push("second", test.files)
			tree, err := repository.Tree(context.Background(), second)
			if err != nil {
				t.Fatal(err)
			}
			if got := set.Holds(tree); got != test.holds {
				t.Errorf("holds is %v, want %v; read set: %q", got, test.holds, set.Paths())
			}
		})
	}
}

func TestReadSetListsPaths(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"a/b": "1", "link": "-> a"})
	recorder := mustTree(t, newTestStore(t).Repository(Remote{URL: o.url()}), "main").Record()
	fs.ReadFile(recorder, "link/b")
	fs.ReadFile(recorder, "a/missing")
	if got, want := recorder.ReadSet().Paths(), []string{"a/b", "link"}; !slices.Equal(got, want) {
		t.Errorf("paths are %q, want %q", got, want)
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add(encodeTree([]Entry{{"a", ModeFile, ID{1}}, {"a.b", ModeDir, ID{2}}, {"a-b", ModeLink, ID{3}}}))
	f.Add([]byte("100644 a\x00"))
	f.Add([]byte("777777777 a\x0001234567890123456789"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := parseTree(data)
		if err != nil {
			return
		}
		for _, entry := range tree.entries {
			if strings.Contains(entry.Name, "/") || entry.Name == "" || entry.Name == ".." {
				t.Errorf("entry %q", entry.Name)
			}
			if _, ok := tree.find(entry.Name); !ok {
				t.Errorf("entry %q is not found by its name", entry.Name)
			}
		}
		again, err := parseTree(encodeTree(tree.entries))
		if err != nil || len(again.entries) != len(tree.entries) {
			t.Errorf("encoding and parsing again gives %v, %v", again, err)
		}
	})
}

// FuzzTreePath looks up any path in a tree full of links: it must end, and never give what isn't in the repository.
func FuzzTreePath(f *testing.F) {
	o := newOrigin(f)
	o.push("files", map[string]string{"a/b/c": "c", "a/up": "-> ..", "a/self": "-> .", "out": "-> ../..", "a/loop": "-> ../a/loop/x", "x": "-> a/up/a/b"})
	tree := mustTree(f, newTestStore(f).Repository(Remote{URL: o.url()}), "main")
	for _, seed := range []string{".", "a/b/c", "a/up/a/up/x/c", "out/etc/passwd", "a/self/self/self/b", "a/loop", "../x", "a//b", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		recorder := tree.Record()
		content, err := recorder.ReadFile(name)
		if err == nil && string(content) != "c" {
			t.Errorf("%q gives %q", name, content)
		}
		if !recorder.ReadSet().Holds(tree) {
			t.Errorf("what was learned from %q doesn't hold for the same tree", name)
		}
	})
}
