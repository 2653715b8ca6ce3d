package artifact

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// store keeps downloads on disk: archives under their digests, and under names what a version or an index was. All of it
// may be deleted at any time. Without a folder it keeps nothing.
type store struct {
	dir      string
	maxBytes int64

	mu sync.Mutex // one writer at a time counts and deletes
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// blob reads an archive; what no longer fits its digest is as good as absent.
func (s *store) blob(digest string) ([]byte, bool) {
	if s.dir == "" || digest == "" {
		return nil, false
	}
	content, err := os.ReadFile(s.blobPath(digest))
	if err != nil || digestOf(content) != digest {
		return nil, false
	}
	return content, true
}

// putBlob keeps an archive, and deletes the oldest ones if there is no more room.
func (s *store) putBlob(content []byte) (digest string, err error) {
	digest = digestOf(content)
	if s.dir == "" {
		return digest, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(s.blobPath(digest), content); err != nil {
		return digest, err
	}
	return digest, s.makeRoom()
}

func (s *store) blobPath(digest string) string {
	return filepath.Join(s.dir, "blobs", strings.ReplaceAll(digest, ":", "-"))
}

// note remembers a small fact under a name of any form; recall finds it.
func (s *store) note(name string, fact any) error {
	if s.dir == "" {
		return nil
	}
	text, err := json.Marshal(fact)
	if err != nil {
		return err
	}
	return s.write(s.notePath(name), text)
}

func (s *store) recall(name string, fact any) bool {
	if s.dir == "" {
		return false
	}
	text, err := os.ReadFile(s.notePath(name))
	return err == nil && json.Unmarshal(text, fact) == nil
}

func (s *store) notePath(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(s.dir, "notes", hex.EncodeToString(sum[:16]))
}

// write replaces a file in one step, so that a process that dies leaves no half.
func (s *store) write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keeping a download: %w", err), os.Remove(file.Name()))
	}
	return nil
}

func (s *store) makeRoom() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "blobs"))
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	total := int64(0)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	for _, file := range files {
		if total <= s.maxBytes || time.Since(file.ModTime()) < time.Minute { // somebody may be about to read it
			break
		}
		if err := os.Remove(filepath.Join(s.dir, "blobs", file.Name())); err != nil {
			return err
		}
		total -= file.Size()
	}
	return nil
}
