package git

import (
	"path"
	"slices"
	"strings"
	"sync"
)

type factKind uint8

const (
	// factEntry: there is an entry of this mode and ID. For a folder only the mode counts; the ID is a shortcut.
	factEntry factKind = iota
	// factAbsent: there is nothing.
	factAbsent
	// factListing: the folder has entries of just these names and modes.
	factListing
	// factPresent: there is a file, whatever it contains.
	factPresent
	// factUnreadable: the mirror couldn't be read, so nothing was learned; what follows from it mustn't be remembered.
	factUnreadable
)

// fact is something that a reader of a tree has learned about a path without symbolic links.
type fact struct {
	path string
	kind factKind
	mode Mode
	id   ID
}

// Recorder notes everything that is learned through its tree.
type Recorder struct {
	*Tree
	mu    sync.Mutex
	facts map[string]*readNode
	root  *readNode
	// unreadable says that the mirror failed.
	unreadable bool
}

// readNode is what is known about one path; its children are what is known below it.
type readNode struct {
	name string
	// absent says that there was nothing; mode and id are what there was.
	absent bool
	mode   Mode
	id     ID
	// present says that there was a file whose content doesn't matter, unless mode is set.
	present bool
	// listed says that the folder's names were read; listing is their ID.
	listed  bool
	listing ID
	// children are sorted by name.
	children []*readNode
}

// ReadSet is what a computation has learned from a tree: files, listings, and names that weren't there, with Git's object
// IDs. It doesn't change, and holds no contents.
type ReadSet struct {
	root       *readNode
	bytes      int64
	unreadable bool
}

// Record returns the tree with a fresh recorder around it. The tree itself goes on unrecorded.
func (t *Tree) Record() *Recorder {
	recorder := &Recorder{root: &readNode{name: ".", mode: ModeDir, id: t.root}}
	recorder.facts = map[string]*readNode{".": recorder.root}
	observed := *t
	observed.observe = recorder.note
	recorder.Tree = &observed
	return recorder
}

func (r *Recorder) note(f fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.kind == factUnreadable {
		r.unreadable = true
		return
	}
	node := r.node(f.path)
	switch f.kind {
	case factEntry:
		node.mode, node.id = f.mode, f.id
	case factAbsent:
		node.absent = true
	case factPresent:
		node.present = true
		if node.mode == ModeDir {
			node.mode = 0 // it was new
		}
	case factListing:
		node.listed, node.listing = true, f.id
	}
}

// node returns the node of a path; those on the way are folders, since there is something to know below them.
func (r *Recorder) node(p string) *readNode {
	if node, ok := r.facts[p]; ok {
		return node
	}
	parent := r.node(path.Dir(p))
	node := &readNode{name: path.Base(p), mode: ModeDir}
	i, _ := slices.BinarySearchFunc(parent.children, node.name, compareName)
	parent.children = slices.Insert(parent.children, i, node)
	r.facts[p] = node
	return node
}

func compareName(n *readNode, name string) int { return strings.Compare(n.name, name) }

// ReadSet returns what was learned until now.
func (r *Recorder) ReadSet() *ReadSet {
	r.mu.Lock()
	defer r.mu.Unlock()
	set := &ReadSet{unreadable: r.unreadable}
	set.root = r.freeze(r.root, r.Tree.root, &set.bytes)
	return set
}

// freeze copies the nodes, and adds the IDs of folders on the way, which let Holds skip what didn't change.
func (r *Recorder) freeze(node *readNode, id ID, bytes *int64) *readNode {
	frozen := *node
	frozen.children = make([]*readNode, len(node.children))
	*bytes += int64(112 + len(node.name))
	isDir := !node.absent && node.mode == ModeDir
	if isDir {
		frozen.id = id
	}
	for i, child := range node.children {
		var childID ID
		if isDir && !id.IsZero() {
			if tree, err := r.Tree.repository.tree(id); err == nil {
				entry, _ := tree.find(child.name)
				childID = entry.ID
			}
		}
		frozen.children[i] = r.freeze(child, childID, bytes)
	}
	return &frozen
}

// Holds tells whether a reader would learn the same from the other tree. Folders whose ID is the same are not looked into,
// so a commit that touches something else costs a few comparisons. If the other tree can't be read, nothing holds.
func (s *ReadSet) Holds(other *Tree) bool {
	return !s.unreadable && s.root.holds(other, Entry{Name: ".", Mode: ModeDir, ID: other.root}, true)
}

// Bytes is about what the set takes in memory.
func (s *ReadSet) Bytes() int64 { return s.bytes }

// Paths lists the real paths of all files that were read or looked at, for people and tests.
func (s *ReadSet) Paths() []string {
	var paths []string
	s.root.paths("", &paths)
	return paths
}

func (n *readNode) paths(parent string, paths *[]string) {
	at := path.Join(parent, n.name)
	if !n.absent && n.mode != ModeDir {
		*paths = append(*paths, at)
	}
	for _, child := range n.children {
		child.paths(at, paths)
	}
}

// holds compares with the entry of the same path; exists is false if there is none.
func (n *readNode) holds(other *Tree, entry Entry, exists bool) bool {
	if n.absent || !exists {
		return n.absent && !exists
	}
	if n.present && n.mode == 0 {
		return entry.Mode.IsFile()
	}
	if entry.Mode != n.mode {
		return false
	}
	if entry.ID == n.id {
		return true
	}
	if n.mode != ModeDir {
		return false
	}
	if !n.listed && len(n.children) == 0 {
		return true
	}
	tree, err := other.repository.tree(entry.ID)
	if err != nil || n.listed && tree.listing != n.listing {
		return false
	}
	for _, child := range n.children {
		found, ok := tree.find(child.name)
		if !child.holds(other, found, ok) {
			return false
		}
	}
	return true
}
