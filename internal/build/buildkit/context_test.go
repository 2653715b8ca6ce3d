package buildkit

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

func walk(t *testing.T, fsys fsutil.FS, target string) map[string]*types.Stat {
	t.Helper()
	found := map[string]*types.Stat{}
	last := ""
	err := fsys.Walk(t.Context(), target, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if strings.ReplaceAll(name, "/", "\x00") <= strings.ReplaceAll(last, "/", "\x00") {
			t.Errorf("%s comes after %s", name, last)
		}
		last = name
		found[name] = info.Sys().(*types.Stat)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFilesStandForTheirContent(t *testing.T) {
	fsys := fstest.MapFS{
		"a.txt":     {Data: []byte("one"), Mode: 0o664},
		"run":       {Data: []byte("two"), Mode: 0o700},
		"a/b/c.txt": {Data: []byte("one"), Mode: 0o600},
		"a-b":       {Data: []byte("x")},
		"link":      {Data: []byte("a/b"), Mode: fs.ModeSymlink | 0o777},
	}
	found := walk(t, &files{fsys: fsys}, "/")
	if len(found) != 7 {
		t.Errorf("found %v", found)
	}
	modes := map[string]fs.FileMode{}
	for name, stat := range found {
		modes[name] = fs.FileMode(stat.Mode)
	}
	want := map[string]fs.FileMode{"a": fs.ModeDir | 0o755, "a/b": fs.ModeDir | 0o755, "a.txt": 0o644, "a/b/c.txt": 0o644, "a-b": 0o644,
		"run": 0o755, "link": fs.ModeSymlink | 0o777}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
	if found["link"].Linkname != "a/b" || found["a.txt"].Size != 3 {
		t.Errorf("link %+v, file %+v", found["link"], found["a.txt"])
	}
	if found["a.txt"].ModTime != found["a/b/c.txt"].ModTime || found["a.txt"].ModTime == found["run"].ModTime {
		t.Error("times don't stand for contents")
	}
	fsys["a.txt"] = &fstest.MapFile{Data: []byte("two")}
	if again := walk(t, &files{fsys: fsys}, "/"); again["a.txt"].ModTime == found["a.txt"].ModTime || again["run"].ModTime != found["run"].ModTime {
		t.Error("a change of the same size isn't seen, or another file changed too")
	}
	if below := walk(t, &files{fsys: fsys}, "a/b"); len(below) != 2 {
		t.Errorf("below a/b: %v", below)
	}
	if none := walk(t, &files{fsys: fsys}, "/gone"); len(none) != 0 {
		t.Errorf("below a folder that isn't there: %v", none)
	}
}

// unreadable is a file system with a file that is listed but can't be read, as one that is too large.
type unreadable struct{ fs.FS }

var errTooLarge = errors.New("is too large")

func (u unreadable) Open(name string) (fs.File, error) {
	if name == "big" {
		return nil, &os.PathError{Op: "open", Path: name, Err: errTooLarge}
	}
	return u.FS.Open(name)
}

func TestAFileThatCantBeReadIsNotEmpty(t *testing.T) {
	f := &files{fsys: unreadable{fstest.MapFS{"big": {Data: []byte("x")}}}}
	file, err := f.Open("/big")
	if err != nil {
		t.Fatalf("opening: %v (BuildKit would take the file for empty)", err)
	}
	if _, err := io.ReadAll(file); !errors.Is(err, errTooLarge) {
		t.Errorf("reading: %v", err)
	}
}

func TestWalkEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("cancelled")
	cancel(why)
	f := &files{fsys: fstest.MapFS{"a": {}}}
	if err := f.Walk(ctx, "/", func(string, fs.DirEntry, error) error { return nil }); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
