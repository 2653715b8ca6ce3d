package githost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ErrPattern says that a pattern of protected branches can't be used.
var ErrPattern = errors.New("a protected branch is named like main or release/*: letters, digits, '-', '_', '.', '/', and '*' and '?' as wildcards")

var protectPattern = regexp.MustCompile(`^[A-Za-z0-9_*?][A-Za-z0-9_.*?/-]{0,199}$`)

// maxProtections bounds the patterns of one repository.
const maxProtections = 100

// guardVariable tells the guard how the protection is lifted.
const guardVariable = "FAIRLEAD_REPOSITORY_API"

// guardScript is git's update hook: it runs once per pushed ref, in the repository's folder, with the ref as first
// argument. It reads patterns as the shell does, where * matches / too.
const guardScript = `#!/bin/sh
# Written by Fairlead's Git host at each start; refuses pushes to the branches that the file protected-branches names.
case $1 in
refs/heads/*) branch=${1#refs/heads/} ;;
*) exit 0 ;;
esac
while IFS= read -r pattern; do
	[ -n "$pattern" ] || continue
	case $branch in
	$pattern)
		echo "fairlead: the branch $branch is protected, so this push is refused." >&2
		echo "Push to another branch, or lift the protection:" >&2
		echo "DELETE $` + guardVariable + `/branch_protections/$pattern" >&2
		exit 1
		;;
	esac
done <protected-branches
exit 0
`

// writeGuard puts the hook into its folder. Repositories without protected branches don't run it.
func writeGuard(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, "update"), []byte(guardScript), 0o755)
}

// Protect refuses pushes to the branches of a repository that match the pattern, by whomever. Everything else goes on.
// Protecting twice is no error.
func (h *Host) Protect(name, pattern string) error {
	return h.changeProtection(name, pattern, func(patterns []string) ([]string, error) {
		if slices.Contains(patterns, pattern) {
			return patterns, nil
		}
		if len(patterns) == maxProtections {
			return nil, fmt.Errorf("there are %d patterns already", maxProtections)
		}
		return append(patterns, pattern), nil
	})
}

// Unprotect takes a pattern back. An unknown one is no error.
func (h *Host) Unprotect(name, pattern string) error {
	return h.changeProtection(name, pattern, func(patterns []string) ([]string, error) {
		return slices.DeleteFunc(patterns, func(p string) bool { return p == pattern }), nil
	})
}

// Protections lists the patterns of protected branches of a repository.
func (h *Host) Protections(name string) ([]string, error) {
	r, err := h.existing(name)
	if err != nil {
		return nil, fmt.Errorf("listing the protected branches of %q: %w", name, err)
	}
	return r.protections()
}

func (h *Host) changeProtection(name, pattern string, edit func([]string) ([]string, error)) error {
	r, err := h.existing(name)
	if err == nil && !protectPattern.MatchString(pattern) {
		err = fmt.Errorf("%q: %w", pattern, ErrPattern)
	}
	if err == nil {
		h.creating.Lock()
		defer h.creating.Unlock()
		err = r.editProtections(edit)
	}
	if err != nil {
		return fmt.Errorf("changing the protected branches of %q: %w", name, err)
	}
	return nil
}

// ErrNotFound says that there is no such repository.
var ErrNotFound = errors.New("there is no such repository")

func (h *Host) existing(name string) (*repository, error) {
	if !validName(name) || !h.repository(name).exists() {
		return nil, ErrNotFound
	}
	return h.repository(name), nil
}

func (r *repository) protectionFile() string { return filepath.Join(r.dir, "protected-branches") }

func (r *repository) protected() bool {
	_, err := os.Stat(r.protectionFile())
	return err == nil
}

func (r *repository) protections() ([]string, error) {
	data, err := os.ReadFile(r.protectionFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading protected branches: %w", err)
	}
	return strings.Fields(string(data)), nil
}

func (r *repository) editProtections(edit func([]string) ([]string, error)) error {
	patterns, err := r.protections()
	if err != nil {
		return err
	}
	if patterns, err = edit(patterns); err != nil {
		return err
	}
	if len(patterns) == 0 {
		if err := os.Remove(r.protectionFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	return replaceFile(r.protectionFile(), []byte(strings.Join(patterns, "\n")+"\n"), 0o644)
}

// replaceFile writes a file so that a reader, or a start after a crash, sees the old or the new one.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
