package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// addSubmodule pins the tip of another origin at a path, and pushes it.
func (o *origin) addSubmodule(at, url string, pinned *origin) {
	o.t.Helper()
	commit := pinned.git("rev-parse", "HEAD")
	o.git("config", "--file", ".gitmodules", "submodule."+at+".path", at)
	o.git("config", "--file", ".gitmodules", "submodule."+at+".url", url)
	o.git("add", ".gitmodules")
	// An empty folder is a submodule that isn't checked out; without it git add would take it for deleted.
	if err := os.MkdirAll(filepath.Join(o.dir, at), 0o755); err != nil {
		o.t.Fatal(err)
	}
	o.git("update-index", "--add", "--cacheinfo", "160000,"+commit+","+at)
	o.git("commit", "--quiet", "-m", "pin "+at)
	o.git("push", "--quiet", "origin", "HEAD")
}

func anyone(_ context.Context, url string) (Remote, error) { return Remote{URL: url}, nil }

func TestSubmodules(t *testing.T) {
	inner, lib, app := newOrigin(t), newOrigin(t), newOrigin(t)
	inner.push("inner", map[string]string{"deep.yaml": "deep"})
	lib.push("lib", map[string]string{"base/a.yaml": "a", "link.yaml": "-> base/a.yaml", "out": "-> ../app.yaml"})
	lib.addSubmodule("nested", inner.url(), inner)
	app.push("app", map[string]string{"app.yaml": "app", "to-lib": "-> vendor/lib/base"})
	app.addSubmodule("vendor/lib", "../../"+lib.bare[strings.LastIndex(strings.TrimSuffix(lib.bare, "/origin.git"), "/")+1:], lib)
	store := newTestStore(t)
	tree := mustTree(t, store.Repository(Remote{URL: app.url()}), "main").WithSubmodules(anyone)
	wantContent(t, tree, "app.yaml", "app")
	wantContent(t, tree, "vendor/lib/base/a.yaml", "a")
	wantContent(t, tree, "vendor/lib/link.yaml", "a")
	wantContent(t, tree, "to-lib/a.yaml", "a")
	wantContent(t, tree, "vendor/lib/nested/deep.yaml", "deep")
	if _, err := tree.ReadFile("vendor/lib/out"); !errors.Is(err, ErrOutsideRepository) {
		t.Errorf("a link out of the submodule: %v", err)
	}
	var files []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	want := []string{".gitmodules", "app.yaml", "to-lib", "vendor/lib/.gitmodules", "vendor/lib/base/a.yaml", "vendor/lib/link.yaml", "vendor/lib/nested/deep.yaml", "vendor/lib/out"}
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("files are %q (%v)", files, err)
	}
	if info, err := tree.Stat("vendor/lib"); err != nil || !info.IsDir() || info.Name() != "lib" {
		t.Errorf("the submodule is %v (%v)", info, err)
	}
	// Not followed: it is there, but as nothing that anybody takes for an empty folder.
	plain := mustTree(t, store.Repository(Remote{URL: app.url()}), "main")
	if _, err := plain.ReadDir("vendor/lib"); err == nil {
		t.Error("a submodule that isn't followed can be listed")
	}
	if _, err := plain.ReadFile("vendor/lib/base/a.yaml"); err == nil || !strings.Contains(err.Error(), "vendor/lib is a Git submodule") {
		t.Errorf("reading in a submodule that isn't followed: %v", err)
	}
}

// TestSubmoduleReads: a rendering that read in a submodule holds as long as the pinned commit is the same.
func TestSubmoduleReads(t *testing.T) {
	lib, app := newOrigin(t), newOrigin(t)
	lib.push("lib", map[string]string{"a.yaml": "1"})
	app.push("app", map[string]string{"app.yaml": "app"})
	app.addSubmodule("lib", lib.url(), lib)
	repository := newTestStore(t).Repository(Remote{URL: app.url()})
	at := func() *Tree {
		if err := repository.Fetch(context.Background()); err != nil {
			t.Fatal(err)
		}
		return mustTree(t, repository, "main").WithSubmodules(anyone)
	}
	recorder := at().Record()
	if err := fs.WalkDir(recorder, "lib", func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
		t.Fatal(err)
	}
	wantContent(t, recorder.Tree, "lib/a.yaml", "1")
	reads := recorder.ReadSet()
	lib.push("lib", map[string]string{"a.yaml": "2"})
	app.git("config", "--file", ".gitmodules", "submodule.other.path", "other")
	app.push("elsewhere", map[string]string{"other/x": "x"})
	if !reads.Holds(at()) {
		t.Error("what was read is no longer taken for the same, though its commit is")
	}
	app.addSubmodule("lib", lib.url(), lib)
	if reads.Holds(at()) {
		t.Error("another pinned commit is taken for the same")
	}
}

func TestSubmoduleErrors(t *testing.T) {
	lib, app := newOrigin(t), newOrigin(t)
	lib.push("lib", map[string]string{"a.yaml": "1"})
	app.push("app", map[string]string{"app.yaml": "app"})
	app.addSubmodule("gone", "file:///no/such/lib.git", lib)
	app.addSubmodule("itself", app.url(), lib)
	app.addSubmodule("beyond", "../../../../../../../../../../../../lib.git", lib)
	app.addSubmodule("helper", "ext::sh -c id", lib)
	app.addSubmodule("unlisted", lib.url(), lib)
	app.git("config", "--file", ".gitmodules", "--remove-section", "submodule.unlisted")
	app.push("forget", nil)
	tree := mustTree(t, newTestStore(t).Repository(Remote{URL: app.url()}), "main").WithSubmodules(anyone)
	for at, want := range map[string]string{
		"gone":     "opening Git submodule gone (file:///no/such/lib.git at ",
		"itself":   "the repository contains itself",
		"beyond":   "leads out of",
		"helper":   "is none: use https",
		"unlisted": ".gitmodules doesn't tell where it comes from",
	} {
		recorder := tree.Record()
		_, err := recorder.ReadFile(at + "/a.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", at, err, want)
		}
		if at != "unlisted" && recorder.ReadSet().Holds(tree) {
			t.Errorf("%s: an error that may go away is taken for a fact", at)
		}
		if _, err := tree.ReadDir(at); err == nil {
			t.Errorf("%s: a submodule that can't be read looks like a folder", at)
		}
	}
	// Over the network nobody names a repository on the hub's disk.
	remote := newTestStore(t).Repository(Remote{URL: app.serve(nil)})
	_, err := mustTree(t, remote, "main").WithSubmodules(anyone).ReadFile("gone/a.yaml")
	if !errors.Is(err, ErrOutsideRepository) {
		t.Errorf("a submodule on the hub's disk: %v", err)
	}
}

func TestSubmoduleCredentials(t *testing.T) {
	lib, app := newOrigin(t), newOrigin(t)
	lib.push("lib", map[string]string{"a.yaml": "1"})
	url := lib.serve(basicAuth)
	app.push("app", map[string]string{"app.yaml": "app"})
	app.addSubmodule("lib", url, lib)
	store := newTestStore(t)
	repository := store.Repository(Remote{URL: app.url()})
	_, err := mustTree(t, repository, "main").WithSubmodules(anyone).ReadFile("lib/a.yaml")
	if !errors.Is(err, ErrAuthentication) {
		t.Errorf("without credentials: %v", err)
	}
	wantContent(t, mustTree(t, repository, "main").WithSubmodules(func(_ context.Context, asked string) (Remote, error) {
		if asked != url {
			t.Errorf("credentials for %q were asked for", asked)
		}
		return Remote{URL: asked, Username: "ann", Password: "s3cr3t"}, nil
	}), "lib/a.yaml", "1")
	// What one set of credentials has fetched, another doesn't see.
	_, err = mustTree(t, repository, "main").WithSubmodules(anyone).ReadFile("lib/a.yaml")
	if !errors.Is(err, ErrAuthentication) {
		t.Errorf("without credentials, from the mirror: %v", err)
	}
}

// TestSubmoduleBorrowsCredentials: a submodule without credentials of its own is reached with its parent's, on the same host only.
func TestSubmoduleBorrowsCredentials(t *testing.T) {
	key := Remote{URL: "ssh://git@host.example:2222/parent.git", SSHPrivateKey: "parent's", KnownHosts: "host"}
	for _, c := range []struct {
		name        string
		parent, own Remote
		want        string
	}{
		{"same host", Remote{URL: "https://git.example/a", Username: "ann", Password: "s"}, Remote{URL: "https://git.example/b"}, "ann s"},
		{"in the parent's URL", Remote{URL: "https://ann:s@git.example/a"}, Remote{URL: "https://git.example/b"}, "ann s"},
		{"its own", Remote{URL: "https://git.example/a", Password: "s"}, Remote{URL: "https://git.example/b", Username: "bob", Password: "t"}, "bob t"},
		{"another host", Remote{URL: "https://git.example/a", Password: "s"}, Remote{URL: "https://evil.example/b"}, " "},
		{"another port", Remote{URL: "https://git.example/a", Password: "s"}, Remote{URL: "https://git.example:8443/b"}, " "},
		{"without TLS", Remote{URL: "https://git.example/a", Password: "s"}, Remote{URL: "http://git.example/b"}, " "},
		{"another scheme", key, Remote{URL: "https://host.example:2222/b"}, " "},
	} {
		if got := c.parent.Submodule(c.own); got.Username+" "+got.Password != c.want || got.SSHPrivateKey != "" || got.URL != c.own.URL {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if got := key.Submodule(Remote{URL: "ssh://git@host.example:2222/child.git"}); got.SSHPrivateKey != "parent's" || got.KnownHosts != "host" {
		t.Errorf("over SSH: %+v", got)
	}
	if got := key.Submodule(Remote{URL: "ssh://other@host.example:2222/child.git"}); got.SSHPrivateKey != "" {
		t.Errorf("another user over SSH: %+v", got)
	}
}

func TestRelativeSubmoduleURLs(t *testing.T) {
	for _, c := range []struct{ base, url, want string }{
		{"https://git.example/org/app.git", "../lib.git", "https://git.example/org/lib.git"},
		{"https://git.example/org/app/", "../../other/lib", "https://git.example/other/lib"},
		{"https://git.example/org/app", "./sub", "https://git.example/org/app/sub"},
		{"https://git.example:8443/app", "../../lib", ""},
		{"git@git.example:org/app.git", "../lib.git", "git@git.example:org/lib.git"},
		{"git@git.example:org/app.git", "../../lib.git", "git@git.example:lib.git"},
		{"git@git.example:org/app.git", "../../../lib.git", ""},
		{"https://git.example/org/app", "../lib/../../../../x", ""},
		{"https://git.example/org/app", "https://elsewhere.example/x", "https://elsewhere.example/x"},
		{"ssh://git@git.example/org/app", "../lib", "ssh://git@git.example/org/lib"},
	} {
		got, err := resolveSubmoduleURL(c.base, c.url)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s with %s: %q (%v), want %q", c.base, c.url, got, err, c.want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("[submodule \"a\"]\n\tpath = a\n\turl = ../a.git # why\n")
	f.Add("; c\n[Submodule \"a\\\"b\"]path=\"x y\"\\\n z\n[lfs]\nurl")
	f.Add("[suBmodule \"0\"]pAth=a\nurl=.")
	f.Add("[a]\nb = \"\\q\"")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parseConfig([]byte(text))
		if err != nil && entries != nil {
			t.Error("entries and an error")
		}
		for _, entry := range entries {
			if entry.section == "" || entry.key == "" || strings.ToLower(entry.key) != entry.key {
				t.Errorf("entry %+v", entry)
			}
		}
		if url := urlOfSubmodule(entries, "a"); url != "" {
			if got, err := resolveSubmoduleURL("https://git.example/org/app.git", url); err == nil && (strings.HasPrefix(url, "./") || strings.HasPrefix(url, "../")) && !strings.HasPrefix(got, "https://git.example/") {
				t.Errorf("%q leads to %q", url, got)
			}
		}
	})
}

// TestParseConfig compares with git's own reading.
func TestParseConfig(t *testing.T) {
	entries, err := parseConfig([]byte("# c\n[submodule \"lib \\\"x\\\"\"]\n  path = vendor/lib  ; c\n\tURL = \"https://h/a b#c\" \n[lfs]\n  flag\n  long = a \\\n  b\n"))
	want := []configEntry{
		{"submodule", `lib "x"`, "path", "vendor/lib"}, {"submodule", `lib "x"`, "url", "https://h/a b#c"},
		{"lfs", "", "flag", "true"}, {"lfs", "", "long", "a   b"},
	}
	if err != nil || !slices.Equal(entries, want) {
		t.Errorf("got %q (%v)", entries, err)
	}
}
