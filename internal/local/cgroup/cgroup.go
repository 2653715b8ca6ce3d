// Package cgroup keeps the control groups of a fleet: one group for all of it, one below for each node.
//
// It limits nothing; the groups are there so that a node's containers can be told from others and cleared away. Both
// versions of control groups are dealt with: version 2 has one hierarchy, version 1 one for each controller. Start
// reading at Ensure.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// root is where control groups are mounted.
const root = "/sys/fs/cgroup"

// Hierarchies are the folders that hierarchies are mounted at.
func Hierarchies() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // no Linux, no control groups
	}
	if err != nil {
		return nil, fmt.Errorf("listing control group hierarchies: %w", err)
	}
	return parseMounts(string(mounts)), nil
}

// parseMounts reads the format of fstab(5).
func parseMounts(mounts string) []string {
	var all []string
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[2] != "cgroup" && fields[2] != "cgroup2" {
			continue
		}
		if target := fields[1]; target == root || strings.HasPrefix(target, root+"/") {
			all = append(all, target)
		}
	}
	return all
}

// Ensure makes the group, such as "/fairlead/dev", in every hierarchy, ready to have groups with processes below it.
func Ensure(group string) error {
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, h := range hierarchies {
		for _, part := range ancestors(group) {
			if err := ensure(h, part); err != nil {
				return fmt.Errorf("making control group %s: %w", filepath.Join(h, part), err)
			}
		}
	}
	return nil
}

// ancestors of "/a/b" are "/a" and "/a/b".
func ancestors(group string) []string {
	var all []string
	for g := filepath.Clean("/" + group); g != "/"; g = filepath.Dir(g) {
		all = append([]string{g}, all...)
	}
	return all
}

func ensure(hierarchy, group string) error {
	dir := filepath.Join(hierarchy, group)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// Version 2: a controller works in a group only if the one above hands it on.
	if available, err := os.ReadFile(filepath.Join(dir, "..", "cgroup.controllers")); err == nil {
		for _, controller := range strings.Fields(string(available)) {
			// One at a time, because one that can't be handed on would keep the others back.
			_ = os.WriteFile(filepath.Join(dir, "..", "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		}
	}
	// Version 1: a new group may use no processor and no memory until it is told which.
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		own, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || strings.TrimSpace(string(own)) != "" || filepath.Base(hierarchy) != "cpuset" {
			continue
		}
		above, err := os.ReadFile(filepath.Join(dir, "..", file))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), above, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Join moves this process into the group, in every hierarchy.
func Join(group string) error {
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, h := range hierarchies {
		// Zero is the writer, whatever its number in the reader's PID namespace.
		if err := os.WriteFile(filepath.Join(h, group, "cgroup.procs"), []byte("0"), 0o644); err != nil {
			return fmt.Errorf("joining control group %s: %w", filepath.Join(h, group), err)
		}
	}
	return nil
}

// Remove removes the group and all below it from every hierarchy. It fails while there are processes in them.
func Remove(group string) error {
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	var errs []error
	for _, h := range hierarchies {
		errs = append(errs, removeTree(filepath.Join(h, group)))
	}
	return errors.Join(errs...)
}

// removeTree removes folders only, the deepest first: the files of a control group go with its folder.
func removeTree(top string) error {
	var folders []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && d.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("listing control groups: %w", err)
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if err := syscall.Rmdir(folders[i]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing control group %s: %w", folders[i], err)
		}
	}
	return nil
}
