package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// removeCgroups removes a group and all below it, in each of the hierarchies: there is one with version 2, and one for
// each controller with version 1.
func removeCgroups(group string) error {
	hierarchies, err := filepath.Glob("/sys/fs/cgroup/*")
	if err != nil {
		return err
	}
	var errs []error
	for _, h := range append(hierarchies, "/sys/fs/cgroup") {
		errs = append(errs, removeTree(filepath.Join(h, group)))
	}
	return errors.Join(errs...)
}

// removeTree removes folders only, the deepest first: the files of a control group go with its folder.
func removeTree(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
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
