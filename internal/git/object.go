package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// ID names an object of Git by its content (SHA-1).
type ID [20]byte

// String is the ID in 40 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero tells whether the ID is the one that Git uses for "none".
func (id ID) IsZero() bool { return id == ID{} }

// ParseID reads 40 hexadecimal digits.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != 2*len(id) {
		return ID{}, fmt.Errorf("%q is not the name of a Git object: it needs 40 hexadecimal digits", text)
	}
	if _, err := hex.Decode(id[:], []byte(text)); err != nil {
		return ID{}, fmt.Errorf("%q is not the name of a Git object: %w", text, err)
	}
	return id, nil
}

// Mode is Git's mode of a tree entry, of which there are six.
type Mode uint32

// The modes; see gitformat-tree and git-fast-import(1).
const (
	ModeDir        Mode = 0o040000
	ModeFile       Mode = 0o100644
	ModeExecutable Mode = 0o100755
	modeGroupWrite Mode = 0o100664 // written by very old versions of Git
	ModeLink       Mode = 0o120000
	ModeSubmodule  Mode = 0o160000
)

// IsFile tells whether the mode is that of a regular file.
func (m Mode) IsFile() bool {
	return m == ModeFile || m == ModeExecutable || m == modeGroupWrite
}

// FileMode is the mode in Go's terms. A submodule shows as an irregular file, so that nobody takes it for an empty folder.
func (m Mode) FileMode() fs.FileMode {
	switch m {
	case ModeDir:
		return fs.ModeDir | 0o755
	case ModeLink:
		return fs.ModeSymlink | 0o777
	case ModeSubmodule:
		return fs.ModeIrregular
	case ModeExecutable:
		return 0o755
	default:
		return 0o644
	}
}

// Entry is one name in a folder of a commit.
type Entry struct {
	Name string
	Mode Mode
	ID   ID
}

// treeObject is a parsed tree. It is shared and never changed.
type treeObject struct {
	// entries are sorted by name (Git itself sorts folders as if they ended in a slash).
	entries []Entry
	// listing is the ID that a tree of the same names and modes, but without contents, would have.
	listing ID
}

func (t *treeObject) find(name string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(t.entries, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return Entry{}, false
	}
	return t.entries[i], true
}

// bytes is about what the tree holds in memory.
func (t *treeObject) bytes() int64 {
	n := int64(64)
	for _, entry := range t.entries {
		n += 48 + int64(len(entry.Name))
	}
	return n
}

var errBadTree = errors.New("malformed tree object")

// parseTree reads Git's form of a tree: "<octal mode> <name>\x00<20 bytes>" for each entry.
func parseTree(data []byte) (*treeObject, error) {
	tree := &treeObject{entries: make([]Entry, 0, len(data)/36)}
	var listing []byte
	for len(data) > 0 {
		space := bytes.IndexByte(data, ' ')
		if space < 1 || space > 6 {
			return nil, errBadTree
		}
		var mode Mode
		for _, digit := range data[:space] {
			if digit < '0' || digit > '7' {
				return nil, errBadTree
			}
			mode = mode<<3 | Mode(digit-'0')
		}
		end := bytes.IndexByte(data, 0)
		if end < space+2 || len(data) < end+21 {
			return nil, errBadTree
		}
		entry := Entry{Name: string(data[space+1 : end]), Mode: mode, ID: ID(data[end+1 : end+21])}
		if entry.Name == "." || entry.Name == ".." || strings.Contains(entry.Name, "/") {
			return nil, errBadTree
		}
		listing = append(listing, data[:end+1]...)
		tree.entries = append(tree.entries, entry)
		data = data[end+21:]
	}
	slices.SortFunc(tree.entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	tree.listing = hashObject("tree", listing)
	return tree, nil
}

// encodeTree is the inverse of parseTree.
func encodeTree(entries []Entry) []byte {
	sorted := slices.Clone(entries)
	gitName := func(e Entry) string {
		if e.Mode == ModeDir {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(sorted, func(a, b Entry) int { return strings.Compare(gitName(a), gitName(b)) })
	var data []byte
	for _, entry := range sorted {
		data = fmt.Appendf(data, "%o %s\x00", uint32(entry.Mode), entry.Name)
		data = append(data, entry.ID[:]...)
	}
	return data
}
