package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Tree is the content of an archive as a read-only file system. It implements fs.FS, fs.ReadFileFS, fs.ReadDirFS and
// fs.StatFS, and is safe for concurrent use.
type Tree struct {
	digest string
	bytes  int64
	nodes  map[string]*node
}

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
)

// node is a file or folder. It is its own fs.FileInfo and fs.DirEntry.
type node struct {
	name string
	data []byte
	// children are a folder's, sorted by name; nil for files.
	children []fs.DirEntry
	folder   bool
}

func newTree(digest string) *Tree {
	return &Tree{digest: digest, nodes: map[string]*node{".": {name: ".", folder: true}}}
}

func (t *Tree) addFolder(name string) error {
	if existing, ok := t.nodes[name]; ok {
		if !existing.isDir() {
			return fmt.Errorf("%s is a file and a folder", quoted(name))
		}
		return nil
	}
	if err := t.addFolder(path.Dir(name)); err != nil {
		return err
	}
	t.nodes[name] = &node{name: path.Base(name), folder: true}
	return nil
}

// addFile adds a file; of several of the same name, the last counts, as with tar.
func (t *Tree) addFile(name string, data []byte) error {
	if existing, ok := t.nodes[name]; ok {
		if existing.isDir() {
			return fmt.Errorf("%s is a file and a folder", quoted(name))
		}
		t.bytes -= int64(len(existing.data))
	} else if err := t.addFolder(path.Dir(name)); err != nil {
		return err
	}
	t.nodes[name] = &node{name: path.Base(name), data: data}
	t.bytes += int64(len(data))
	return nil
}

// seal lists the folders.
func (t *Tree) seal() {
	for name, n := range t.nodes {
		if name != "." {
			parent := t.nodes[path.Dir(name)]
			parent.children = append(parent.children, n)
		}
	}
	for _, n := range t.nodes {
		slices.SortFunc(n.children, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
}

// Digest identifies the content.
func (t *Tree) Digest() string { return t.digest }

// Bytes is about what the tree takes in memory.
func (t *Tree) Bytes() int64 { return t.bytes + int64(len(t.nodes))*256 }

// WithoutTop is the tree without the one folder at its top in which everything else is, as charts are packed. A tree of
// another form is returned as it is.
func (t *Tree) WithoutTop() *Tree {
	top := t.nodes["."].children
	if len(top) != 1 || !top[0].IsDir() {
		return t
	}
	prefix := top[0].Name()
	moved := &Tree{digest: t.digest, bytes: t.bytes, nodes: make(map[string]*node, len(t.nodes)-1)}
	for name, n := range t.nodes {
		if name == prefix {
			moved.nodes["."] = &node{name: ".", folder: true, children: n.children}
		} else if inside, ok := strings.CutPrefix(name, prefix+"/"); ok {
			moved.nodes[inside] = n
		}
	}
	return moved
}

func (t *Tree) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	found, ok := t.nodes[name]
	if !ok {
		return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
	}
	return found, nil
}

// Open opens a file or folder.
func (t *Tree) Open(name string) (fs.File, error) {
	found, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if found.isDir() {
		return &openFolder{node: found, left: found.children}, nil
	}
	return &openFile{Reader: bytes.NewReader(found.data), node: found}, nil
}

// ReadFile returns a copy of a file's content.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	found, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	if found.isDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsFolder}
	}
	return bytes.Clone(found.data), nil
}

// ReadDir lists a folder, sorted by name.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	found, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !found.isDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return slices.Clone(found.children), nil
}

// Stat describes a file or folder.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	found, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return found, nil
}

var errIsFolder = errors.New("is a directory")

func (n *node) isDir() bool                { return n.folder }
func (n *node) Name() string               { return n.name }
func (n *node) IsDir() bool                { return n.folder }
func (n *node) Size() int64                { return int64(len(n.data)) }
func (n *node) Sys() any                   { return nil }
func (n *node) Type() fs.FileMode          { return n.Mode().Type() }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }
func (n *node) Mode() fs.FileMode {
	if n.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// ModTime is zero: the time says nothing of the content.
func (n *node) ModTime() time.Time { return time.Time{} }

type openFile struct {
	*bytes.Reader
	node *node
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	node *node
	left []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFolder) Close() error               { return nil }
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.node.name, Err: errIsFolder}
}

// ReadDir follows the contract of fs.ReadDirFile.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.left)
	} else if len(f.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.left))
	part := slices.Clone(f.left[:n])
	f.left = f.left[n:]
	return part, nil
}
