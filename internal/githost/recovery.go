package githost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// asidePrefix starts the names of folders in which repositories are made.
const asidePrefix = ".new-"

// maintenanceInterval is how often repositories are packed. A busy repository gets some hundred loose objects an hour.
const maintenanceInterval = time.Hour

// mend removes what git commands that were killed left behind. No git command may be at work in the folder.
func (h *Host) mend() error {
	entries, err := os.ReadDir(h.repositories())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), asidePrefix) {
			if err := os.RemoveAll(filepath.Join(h.repositories(), e.Name())); err != nil {
				return fmt.Errorf("removing a repository that was never finished: %w", err)
			}
		}
	}
	names, err := h.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := removeLeftovers(h.repository(name).dir); err != nil {
			return fmt.Errorf("mending repository %q: %w", name, err)
		}
	}
	return nil
}

// removeLeftovers removes lock files, which would refuse every later change of what they lock, and the quarantine of
// pushes that were never accepted.
func removeLeftovers(dir string) error {
	objects := filepath.Join(dir, "objects")
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && p == objects:
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(d.Name(), ".lock"):
			return os.Remove(p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	patterns := []string{"incoming-*", "tmp_objdir-*", "*.lock", "*/*.lock"} // receive-pack's quarantine, by git's version
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(objects, pattern))
		if err != nil {
			return err
		}
		for _, p := range found {
			if err := os.RemoveAll(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// maintain packs repositories now and then, those that need it.
func (h *Host) maintain(ctx context.Context) {
	tick := time.NewTicker(maintenanceInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		names, err := h.names()
		if err != nil {
			h.log.Warn("maintenance is skipped", "error", err)
			continue
		}
		for _, name := range names {
			if _, err := h.git(ctx, h.repository(name).dir, nil, "gc", "--auto", "--quiet"); err != nil && ctx.Err() == nil {
				h.log.Warn("maintenance of a repository failed", "repository", name, "error", err)
			}
		}
	}
}
