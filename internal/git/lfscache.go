package git

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// lfsCache is the objects of Git LFS of one mirror, on disk beside it: who may read the one may read the other, and nobody
// else, even if he knows the name of an object.
type lfsCache struct {
	dir    string
	flying singleflight.Group
}

func (c *lfsCache) path(oid string) string { return filepath.Join(c.dir, oid[:2], oid) }

// get reads an object, and makes it if it isn't there.
func (c *lfsCache) get(store *Store, p lfsPointer, download func() ([]byte, error)) ([]byte, error) {
	if content, ok := c.read(p); ok {
		return content, nil
	}
	made, err, _ := c.flying.Do(p.oid, func() (any, error) {
		if content, ok := c.read(p); ok {
			return content, nil
		}
		content, err := download()
		if err != nil {
			return nil, err
		}
		if err := c.write(p.oid, content); err != nil {
			// A full disk is no reason not to deploy.
			slog.Warn("keeping an object of Git LFS", "error", err)
		}
		store.large.grown(int64(len(content)))
		return content, nil
	})
	if err != nil {
		return nil, err
	}
	return made.([]byte), nil
}

// read returns an object if it is there, and still what its name says.
func (c *lfsCache) read(p lfsPointer) ([]byte, bool) {
	path := c.path(p.oid)
	info, err := os.Stat(path)
	if err != nil || info.Size() != p.size {
		return nil, false
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != p.oid {
		os.Remove(path)
		return nil, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > time.Hour {
		_ = os.Chtimes(path, now, now) // when it was last used, which only the cleaning wants to know
	}
	return content, true
}

func (c *lfsCache) write(oid string, content []byte) error {
	path := c.path(oid)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making a folder for Git LFS: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "tmp_")
	if err != nil {
		return fmt.Errorf("writing object %s of Git LFS: %w", oid, err)
	}
	_, err = file.Write(content)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
		return fmt.Errorf("writing object %s of Git LFS: %w", oid, err)
	}
	return nil
}

// lfsSpace bounds what all caches take on disk.
type lfsSpace struct {
	mirrors string
	most    int64

	mu sync.Mutex
	// used is about what there is; -1 means that it hasn't been counted yet.
	used int64
}

// grown notes new objects, and if there are too many deletes those that were used longest ago, down to four fifths.
func (s *lfsSpace) grown(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used >= 0 {
		if s.used += bytes; s.used <= s.most {
			return
		}
	}
	type object struct {
		path string
		info fs.FileInfo
	}
	var objects []object
	s.used = 0
	folders, err := filepath.Glob(filepath.Join(s.mirrors, "*"+lfsSuffix))
	if err != nil {
		return
	}
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return nil // another may be deleting it
			}
			if info, err := entry.Info(); err == nil {
				objects = append(objects, object{path, info})
				s.used += info.Size()
			}
			return nil
		})
	}
	if s.used <= s.most {
		return
	}
	slices.SortFunc(objects, func(a, b object) int { return cmp.Compare(a.info.ModTime().UnixNano(), b.info.ModTime().UnixNano()) })
	for _, o := range objects {
		if s.used <= s.most/5*4 {
			break
		}
		if strings.HasPrefix(o.info.Name(), "tmp_") && time.Since(o.info.ModTime()) < time.Hour {
			continue // being written
		}
		if os.Remove(o.path) == nil {
			s.used -= o.info.Size()
		}
	}
}

const lfsSuffix = ".lfs"
