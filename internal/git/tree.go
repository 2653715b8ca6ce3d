package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Tree is the files of one commit as a read-only file system, read from the mirror as they are asked for. Symbolic links
// are followed inside the repository; one that leads out of it fails with ErrOutsideRepository. It implements fs.FS,
// fs.ReadFileFS, fs.ReadDirFS, fs.StatFS and fs.ReadLinkFS, is safe for concurrent use, and stays valid while the mirror is
// fetched.
type Tree struct {
	repository *Repository
	commit     string
	root       ID
	// submodules is nil where they aren't followed.
	submodules *submodules
	// observe, if set, is told every fact that an answer rests on.
	observe func(fact)
}

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
)

// Tree returns the files of a commit, given by its full ID. If the mirror doesn't have the commit, it is fetched.
func (r *Repository) Tree(ctx context.Context, commit string) (*Tree, error) {
	content, err := r.commitObject(ctx, commit)
	if err != nil {
		return nil, err
	}
	root, err := ParseID(string(headerOf(content, "tree")))
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", commit, err)
	}
	return &Tree{repository: r, commit: commit, root: root}, nil
}

// commitObject reads a commit, and fetches if the mirror doesn't have it: first everything, as it is most likely just new,
// then this commit by its ID, which most hosts allow.
func (r *Repository) commitObject(ctx context.Context, commit string) ([]byte, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	if !fullID.MatchString(commit) {
		return nil, fmt.Errorf("reading commit %q of repository %q: %w: its full ID is needed", commit, r.URL(), ErrUnknownRevision)
	}
	fetches := []func() error{
		func() error { return nil },
		func() error { return r.Fetch(ctx) },
		func() error { _, err := r.fetchExtra(ctx, commit); return err },
	}
	var err error
	for _, fetch := range fetches {
		if err = fetch(); err != nil {
			continue
		}
		var kind string
		var content []byte
		kind, content, err = r.objects.read(commit)
		if err == nil && kind == "commit" {
			return content, nil
		}
		if err == nil {
			return nil, fmt.Errorf("reading commit %s of repository %q: %w: it is a %s", commit, r.URL(), ErrUnknownRevision, kind)
		}
		r.markDamaged(err)
	}
	if errors.Is(err, ErrUnreachable) || errors.Is(err, ErrAuthentication) || ctx.Err() != nil {
		return nil, err
	}
	return nil, fmt.Errorf("reading commit %s of repository %q: %w", commit, r.URL(), ErrUnknownRevision)
}

// headerOf returns the value of a header line of a commit object.
func headerOf(commit []byte, name string) []byte {
	header, _, _ := bytes.Cut(commit, []byte("\n\n"))
	for line := range bytes.Lines(header) {
		if value, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte(name+" ")); ok {
			return value
		}
	}
	return nil
}

// Commit is the full ID of the commit.
func (t *Tree) Commit() string { return t.commit }

// ID returns the ID of the file or folder at a path, as Git names its content.
func (t *Tree) ID(name string) (ID, error) {
	found, err := t.resolve("stat", name, true)
	return found.ID, err
}

// Open opens a file or folder.
func (t *Tree) Open(name string) (fs.File, error) {
	found, err := t.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	if found.Mode == ModeDir {
		entries, err := t.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: info{entry: found.Entry}, entries: entries}, nil
	}
	content, err := found.tree.blob("open", name, found)
	if err != nil {
		return nil, err
	}
	return &openFile{Reader: bytes.NewReader(content), info: info{entry: found.Entry, size: int64(len(content)), sized: true}}, nil
}

// ReadFile returns the content of a file, of at most Options.MaxFileBytes.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	found, err := t.resolve("read", name, true)
	if err != nil {
		return nil, err
	}
	if found.Mode == ModeDir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	content, err := found.tree.blob("read", name, found)
	// The cache keeps its own copy.
	return slices.Clone(content), err
}

// ReadDir returns the entries of a folder, sorted by name. Symbolic links show as such.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	found, err := t.resolve("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if found.Mode != ModeDir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	entries, err := found.list()
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return entries, nil
}

// list reads a folder.
func (p place) list() ([]fs.DirEntry, error) {
	t := p.tree
	tree, err := t.folder(p.ID)
	if err != nil {
		return nil, err
	}
	t.note(fact{path: p.real, kind: factListing, id: tree.listing})
	entries := make([]fs.DirEntry, len(tree.entries))
	for i, entry := range tree.entries {
		if entry.Mode == ModeSubmodule {
			followed, err := t.followsSubmodules()
			if err != nil {
				return nil, err
			}
			if followed {
				entry.Mode = ModeDir
			}
		}
		entries[i] = dirEntry{tree: t, parent: p.real, entry: entry}
	}
	return entries, nil
}

// Stat describes what is at a path, following symbolic links.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat describes what is at a path; a symbolic link at its end is described itself.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *Tree) stat(op, name string, follow bool) (fs.FileInfo, error) {
	found, err := t.resolve(op, name, follow)
	if err != nil {
		return nil, err
	}
	return info{entry: found.Entry, size: found.tree.size(found), sized: true}, nil
}

// size costs a read; the content is most likely wanted next, and stays in the cache. A file over the bound has size -1.
func (t *Tree) size(found place) int64 {
	if !found.Mode.IsFile() && found.Mode != ModeLink {
		return 0
	}
	content, err := t.content(found.ID)
	if err != nil {
		return -1
	}
	if p, ok := t.pointer(content); ok && found.Mode.IsFile() {
		return p.size
	}
	return int64(len(content))
}

// ReadLink returns the target of a symbolic link, as it is written there.
func (t *Tree) ReadLink(name string) (string, error) {
	found, err := t.resolve("readlink", name, false)
	if err != nil {
		return "", err
	}
	if found.Mode != ModeLink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := found.tree.content(found.ID)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(target), nil
}

func (t *Tree) blob(op, name string, found place) ([]byte, error) {
	if found.Mode == ModeSubmodule {
		return nil, &fs.PathError{Op: op, Path: name, Err: errNotFollowed(found.real)}
	}
	content, err := t.content(found.ID)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if p, ok := t.pointer(content); ok {
		if content, err = t.large(p); err != nil {
			if !errors.Is(err, ErrTooLarge) {
				t.note(fact{kind: factUnreadable})
			}
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return content, nil
}

// folder and content read objects of the mirror; a failure that says nothing of the commit is noted as such.
func (t *Tree) folder(id ID) (*treeObject, error) {
	tree, err := t.repository.tree(id)
	if err != nil {
		t.note(fact{kind: factUnreadable})
	}
	return tree, err
}

func (t *Tree) content(id ID) ([]byte, error) {
	content, err := t.repository.blob(id)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		t.note(fact{kind: factUnreadable})
	}
	return content, err
}

func (t *Tree) note(f fact) {
	if t.observe != nil {
		t.observe(f)
	}
}

// tree reads and parses a tree object.
func (r *mirror) tree(id ID) (*treeObject, error) {
	if tree, ok := r.store.trees.Get(id); ok {
		return tree, nil
	}
	content, err := r.read(id, "tree")
	if err != nil {
		return nil, err
	}
	tree, err := parseTree(content)
	if err != nil {
		return nil, err
	}
	r.store.trees.Put(id, tree, tree.bytes())
	return tree, nil
}

// blob reads the content of a file. The caller must not change it.
func (r *mirror) blob(id ID) ([]byte, error) {
	if content, ok := r.store.blobs.Get(id); ok {
		return content, nil
	}
	content, err := r.read(id, "blob")
	if err != nil {
		return nil, err
	}
	r.store.blobs.Put(id, content, int64(len(content))+64)
	return content, nil
}

// read gets an object that must exist, because a commit of the mirror refers to it.
func (r *mirror) read(id ID, want string) ([]byte, error) {
	kind, content, err := r.objects.read(id.String())
	if errors.Is(err, errMissing) {
		err = fmt.Errorf("%w: object %s is missing", ErrDamaged, id)
	}
	if err == nil && kind != want {
		err = fmt.Errorf("%w: object %s is a %s, not a %s", ErrDamaged, id, kind, want)
	}
	if err != nil {
		r.markDamaged(err)
		return nil, err
	}
	return content, nil
}

// info is an Entry as fs.FileInfo. Sys returns the Entry, with its ID.
type info struct {
	entry Entry
	size  int64
	sized bool
}

func (i info) Name() string      { return path.Base(i.entry.Name) }
func (i info) Size() int64       { return i.size }
func (i info) Mode() fs.FileMode { return i.entry.Mode.FileMode() }
func (i info) IsDir() bool       { return i.entry.Mode == ModeDir }
func (i info) Sys() any          { return i.entry }

// ModTime is zero: Git doesn't keep times of files.
func (i info) ModTime() time.Time { return time.Time{} }

type dirEntry struct {
	tree   *Tree
	parent string
	entry  Entry
}

func (d dirEntry) Name() string      { return d.entry.Name }
func (d dirEntry) IsDir() bool       { return d.entry.Mode == ModeDir }
func (d dirEntry) Type() fs.FileMode { return d.entry.Mode.FileMode().Type() }
func (d dirEntry) Info() (fs.FileInfo, error) {
	return d.tree.Lstat(path.Join(d.parent, d.entry.Name))
}
func (d dirEntry) String() string { return fs.FormatDirEntry(d) }

type openFile struct {
	*bytes.Reader
	info info
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info    info
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}

// ReadDir follows the contract of fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		rest := d.entries
		d.entries = nil
		return rest, nil
	}
	if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	part := d.entries[:n:n]
	d.entries = d.entries[n:]
	return part, nil
}

// isBelow tells whether a relative, clean path stays where it starts.
func isBelow(clean string) bool {
	return clean != ".." && !strings.HasPrefix(clean, "../") && !strings.HasPrefix(clean, "/")
}
