package kustomize

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"fairlead.dev/fairlead/internal/render/helm"
)

// Fetched is what was got for a build from elsewhere: nothing is fetched while it runs.
type Fetched struct {
	Bases  map[Base]fs.FS
	Charts map[helm.Dependency]fs.FS
	// Files are manifests, by their URLs.
	Files map[string][]byte
}

// fetchedFolder is where Kustomize sees what was fetched: each tree in a folder of its own, which hides nothing, since a
// repository has no folder of that name.
const fetchedFolder = ".fairlead-fetched"

// mountOf is the folder of the tree that a path is in; empty for the application's own repository.
func mountOf(name string) string {
	rest, ok := strings.CutPrefix(name, fetchedFolder+"/")
	if !ok {
		return ""
	}
	tree, _, _ := strings.Cut(rest, "/")
	return path.Join(fetchedFolder, tree)
}

func mountName(what any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%T%q", what, what))
	return path.Join(fetchedFolder, hex.EncodeToString(sum[:8]))
}

// mounted is a repository with the fetched trees in it.
type mounted struct {
	fs.FS
	trees map[string]fs.FS
}

// withFetched lays what was fetched beside the repository's own files, and names what is in which folder, for errors.
func withFetched(files fs.FS, fetched Fetched) (all fs.FS, names map[string]string) {
	if len(fetched.Bases) == 0 && len(fetched.Charts) == 0 && len(fetched.Files) == 0 {
		return files, nil
	}
	m := mounted{files, map[string]fs.FS{}}
	names = map[string]string{}
	for base, tree := range fetched.Bases {
		m.trees[mountName(base)] = tree
		names[mountName(base)] = public(base.URL)
	}
	for chart, tree := range fetched.Charts {
		m.trees[mountName(chart)] = tree
		names[mountName(chart)] = chart.Name
	}
	for address := range fetched.Files {
		names[mountName(address)] = public(address)
	}
	return m, names
}

func (m mounted) in(name string) (fs.FS, string) {
	at := mountOf(name)
	tree, ok := m.trees[at]
	if at == "" || !ok {
		return m.FS, name
	}
	return tree, path.Join(".", strings.TrimPrefix(strings.TrimPrefix(name, at), "/"))
}

// Open opens a file or folder.
func (m mounted) Open(name string) (fs.File, error) {
	tree, rest := m.in(name)
	return tree.Open(rest)
}

// Stat describes a file or folder.
func (m mounted) Stat(name string) (fs.FileInfo, error) {
	tree, rest := m.in(name)
	return fs.Stat(tree, rest)
}

// ReadFile reads a file.
func (m mounted) ReadFile(name string) ([]byte, error) {
	tree, rest := m.in(name)
	return fs.ReadFile(tree, rest)
}

// ReadDir lists a folder.
func (m mounted) ReadDir(name string) ([]fs.DirEntry, error) {
	tree, rest := m.in(name)
	return fs.ReadDir(tree, rest)
}
