package render

import (
	"io/fs"

	"fairlead.dev/fairlead/internal/archive"
	"fairlead.dev/fairlead/internal/git"
)

// Tree is the files of a source at one revision. It doesn't change. FromGit and FromArchive make one.
type Tree interface {
	fs.FS
	// Revision is what the application's status shows: a commit, a chart's version, a digest.
	Revision() string
	// Record returns the same files with a fresh note of what is read of them.
	Record() Recording
}

// Recording is a tree that notes what is read.
type Recording interface {
	fs.FS
	// ReadSet is what was learned until now.
	ReadSet() ReadSet
}

// ReadSet is what a rendering learned from a tree.
type ReadSet interface {
	// Holds tells whether a reader would learn the same from the other tree.
	Holds(other Tree) bool
	// Bytes is about what the set takes in memory.
	Bytes() int64
}

// FromGit is a commit as a tree. What is read is known by file, so that a rendering outlives commits that don't touch it.
func FromGit(tree *git.Tree) Tree { return gitTree{tree} }

type gitTree struct{ *git.Tree }

func (t gitTree) Revision() string  { return t.Commit() }
func (t gitTree) Record() Recording { return gitRecording{t.Tree.Record()} }

type gitRecording struct{ *git.Recorder }

func (r gitRecording) ReadSet() ReadSet { return gitReads{r.Recorder.ReadSet()} }

type gitReads struct{ *git.ReadSet }

func (s gitReads) Holds(other Tree) bool {
	tree, ok := other.(gitTree)
	return ok && s.ReadSet.Holds(tree.Tree)
}

// FromArchive is an unpacked archive as a tree: a chart, or an artifact of a registry. It is known as a whole, by its digest.
func FromArchive(tree *archive.Tree, revision string) Tree { return archiveTree{tree, revision} }

type archiveTree struct {
	*archive.Tree
	revision string
}

func (t archiveTree) Revision() string  { return t.revision }
func (t archiveTree) Record() Recording { return t }
func (t archiveTree) ReadSet() ReadSet  { return archiveReads(t.Digest()) }

// archiveReads is a digest.
type archiveReads string

func (s archiveReads) Holds(other Tree) bool {
	tree, ok := other.(archiveTree)
	return ok && tree.Digest() == string(s)
}

func (s archiveReads) Bytes() int64 { return int64(len(s)) + 16 }
