// Package git is the hub's only way to Git repositories: it mirrors them, resolves revisions, reads trees without a
// checkout, and commits and pushes.
//
// There is one bare mirror per repository in a cache folder that may be deleted at any time; a broken mirror is cloned
// again. Git's own binary does the transport (fetch, ls-remote, push) and serves objects through `git cat-file --batch`;
// objects that a commit needs are written by this package itself, as loose objects. Reading by cat-file rather than a Go
// library was measured: the same speed for a whole tree of 3,000 objects, a tenth of the allocations, no pack index in our
// memory, and the format is Git's own business.
//
// A Tree is an fs.FS over one commit. A Recorder reads through a Tree and notes what was looked at; the resulting ReadSet
// tells of any other tree whether the same reads would give the same answers. That is what lets a rendering be reused at a
// new commit.
//
// The package doesn't know Applications, Secrets, or hosts' web APIs; it doesn't decide when to fetch. Start with Store and
// Repository; then tree.go, readset.go, commit.go.
package git
