package git

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// errNoEntry is fs.ErrNotExist in the words that a folder on disk would use.
const errNoEntry = syscall.ENOENT

// maxLinks is how many symbolic links one path may take; the same as Linux.
const maxLinks = 40

// place is where a path ends: its entry, and the path that leads there without symbolic links, in the tree that it is in: that
// of the repository, or of a submodule.
type place struct {
	Entry
	tree *Tree
	real string
}

// resolve walks a path from the root of the tree. Symbolic links on the way are followed, and the last one too if asked.
// What it sees is noted: every link, the final entry, or the first name that doesn't exist. Folders on the way need no note,
// because a note on a path implies them.
func (t *Tree) resolve(op, name string, follow bool) (place, error) {
	if !fs.ValidPath(name) {
		return place{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	found, err := t.walk(name, follow)
	if err != nil {
		return place{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return found, nil
}

func (t *Tree) walk(name string, follow bool) (place, error) {
	links := 0
	rest := strings.Split(name, "/")
	if name == "." {
		rest = nil
	}
	at := t.top()
	for len(rest) > 0 {
		component := rest[0]
		rest = rest[1:]
		real := path.Join(at.real, component)
		tree, err := t.folder(at.ID)
		if err != nil {
			return place{}, err
		}
		entry, ok := tree.find(component)
		if !ok {
			t.note(fact{path: real, kind: factAbsent})
			return place{}, errNoEntry
		}
		switch {
		case entry.Mode == ModeDir:
			at = place{Entry: entry, tree: t, real: real}
		case entry.Mode == ModeLink && (follow || len(rest) > 0):
			t.note(fact{path: real, kind: factEntry, mode: entry.Mode, id: entry.ID})
			if links++; links > maxLinks {
				return place{}, fmt.Errorf("too many symbolic links (more than %d)", maxLinks)
			}
			target, err := t.target(real, entry.ID)
			if err != nil {
				return place{}, err
			}
			// Start again from the root: the target may itself pass through links.
			rest = append(target, rest...)
			at = t.top()
		case entry.Mode == ModeSubmodule:
			t.note(fact{path: real, kind: factEntry, mode: entry.Mode, id: entry.ID})
			return t.walkSubmodule(place{Entry: entry, tree: t, real: real}, rest, follow)
		case len(rest) > 0:
			t.note(fact{path: real, kind: factEntry, mode: entry.Mode, id: entry.ID})
			return place{}, errNoEntry
		default:
			t.note(fact{path: real, kind: factEntry, mode: entry.Mode, id: entry.ID})
			return place{Entry: entry, tree: t, real: real}, nil
		}
	}
	t.note(fact{path: at.real, kind: factEntry, mode: ModeDir, id: at.ID})
	return at, nil
}

// top is the root of the tree.
func (t *Tree) top() place {
	return place{Entry: Entry{Name: ".", Mode: ModeDir, ID: t.root}, tree: t, real: "."}
}

// walkSubmodule goes on inside a submodule.
func (t *Tree) walkSubmodule(at place, rest []string, follow bool) (place, error) {
	followed, err := t.followsSubmodules()
	if err != nil {
		return place{}, err
	}
	if !followed {
		if len(rest) > 0 {
			return place{}, errNotFollowed(at.real)
		}
		return at, nil
	}
	inside, err := t.submodule(at.real, at.ID)
	if err != nil {
		return place{}, err
	}
	if len(rest) > 0 {
		return inside.walk(path.Join(rest...), follow)
	}
	found := inside.top()
	found.Name = at.Name
	return found, nil
}

func errNotFollowed(at string) error {
	return fmt.Errorf("%s is a Git submodule, and those are not fetched: they are switched off, or the repository has no .gitmodules", at)
}

// target returns where a symbolic link leads, as path components from the root of the repository.
func (t *Tree) target(link string, id ID) ([]string, error) {
	content, err := t.content(id)
	if errors.Is(err, ErrTooLarge) {
		return nil, fmt.Errorf("symbolic link %s: its target %w", link, err)
	}
	if err != nil {
		return nil, err
	}
	text := string(content)
	if text == "" || len(text) > 4096 || strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("symbolic link %s has no usable target", link)
	}
	clean := path.Join(path.Dir(link), text)
	if path.IsAbs(text) || !isBelow(clean) {
		return nil, fmt.Errorf("symbolic link %s to %q: %w", link, text, ErrOutsideRepository)
	}
	if clean == "." {
		return nil, nil
	}
	return strings.Split(clean, "/"), nil
}
