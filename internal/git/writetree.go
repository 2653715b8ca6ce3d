package git

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// writeTree stores a tree that is like the given one but for some files (nil deletes), and returns its ID. Only the
// folders on the way to those files are read and written.
func (r *mirror) writeTree(root ID, files map[string][]byte) (ID, error) {
	for name := range files {
		if !fs.ValidPath(name) || name == "." {
			return ID{}, fmt.Errorf("writing %q: not a path in a repository", name)
		}
		for part := range strings.SplitSeq(name, "/") {
			if strings.EqualFold(part, ".git") {
				return ID{}, fmt.Errorf("writing %q: Git keeps the name .git for itself", name)
			}
		}
	}
	id, err := r.writeFolder(root, "", files)
	if err != nil {
		return ID{}, err
	}
	if id.IsZero() {
		// Everything is deleted; the root is the one folder that may be empty.
		return writeObject(r.dir, "tree", nil)
	}
	return id, nil
}

// writeFolder writes one folder and those below it; files are relative to it. The ID is zero if nothing is left in it.
func (r *mirror) writeFolder(old ID, parent string, files map[string][]byte) (ID, error) {
	var entries []Entry
	if !old.IsZero() {
		tree, err := r.tree(old)
		if err != nil {
			return ID{}, fmt.Errorf("reading folder %q: %w", parent, err)
		}
		entries = slices.Clone(tree.entries)
	}
	here := map[string]bool{}
	below := map[string]map[string][]byte{}
	for name := range files {
		first, rest, nested := strings.Cut(name, "/")
		if !nested {
			here[name] = true
			continue
		}
		if below[first] == nil {
			below[first] = map[string][]byte{}
		}
		below[first][rest] = files[name]
	}
	for _, name := range slices.Sorted(maps.Keys(below)) {
		if here[name] {
			return ID{}, fmt.Errorf("writing %q: it can't be both a file and a folder", parent+name)
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
		entry := Entry{Name: name, Mode: ModeDir}
		if i >= 0 {
			entry = entries[i]
			entries = slices.Delete(entries, i, i+1)
		}
		if entry.Mode != ModeDir {
			return ID{}, fmt.Errorf("writing into %q: it is not a folder: write to where it leads instead", parent+name)
		}
		id, err := r.writeFolder(entry.ID, parent+name+"/", below[name])
		if err != nil {
			return ID{}, err
		}
		if entry.ID = id; !id.IsZero() {
			entries = append(entries, entry)
		}
	}
	for name := range here {
		var err error
		if entries, err = r.writeFile(entries, parent, name, files[name]); err != nil {
			return ID{}, err
		}
	}
	if len(entries) == 0 {
		return ID{}, nil
	}
	return writeObject(r.dir, "tree", encodeTree(entries))
}

// writeFile replaces, adds or deletes one file among the entries of its folder. An executable stays one.
func (r *mirror) writeFile(entries []Entry, parent, name string, content []byte) ([]Entry, error) {
	entry := Entry{Name: name, Mode: ModeFile}
	if i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name }); i >= 0 {
		entry = entries[i]
		if !entry.Mode.IsFile() {
			return nil, fmt.Errorf("writing %q: it is not a regular file", parent+name)
		}
		entries = slices.Delete(entries, i, i+1)
	}
	if content == nil {
		return entries, nil
	}
	id, err := writeObject(r.dir, "blob", content)
	if err != nil {
		return nil, err
	}
	entry.ID = id
	return append(entries, entry), nil
}
