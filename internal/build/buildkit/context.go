package buildkit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"fairlead.dev/fairlead/internal/git"
)

// files is a folder of a commit in the form in which BuildKit's session sends it.
//
// The daemon asks for the content of a file if size or time of modification differ from what it got last time. Git knows
// no such time, so each file gets one that stands for its content: what didn't change isn't sent again, and a change that
// keeps the size is not missed.
type files struct {
	fsys fs.FS
	// times remembers what was derived from contents where the file system isn't a Git tree, which knows their hashes.
	times sync.Map
}

var _ fsutil.FS = (*files)(nil)

// Walk calls fn for everything below target but the root, in lexical order, without following symbolic links. A
// target that doesn't exist is empty.
func (f *files) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	target = strings.TrimPrefix(path.Clean("/"+target), "/")
	if target == "" {
		target = "."
	}
	return fs.WalkDir(f.fsys, target, func(name string, entry fs.DirEntry, err error) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err != nil {
			if name == target && errors.Is(err, fs.ErrNotExist) {
				return fs.SkipDir
			}
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if name == "." {
			return nil
		}
		// Git's submodules are listed but not fetched, as after a clone that doesn't ask for them.
		if entry.Type()&fs.ModeIrregular != 0 {
			return nil
		}
		stat, err := f.stat(name, entry)
		if err != nil {
			return err
		}
		return fn(name, &fsutil.DirEntryInfo{Stat: stat}, nil)
	})
}

// stat describes a file as if a person with umask 022 had checked it out as root. The daemon may change what it gets, so
// each call makes a new value.
func (f *files) stat(name string, entry fs.DirEntry) (*types.Stat, error) {
	stat := &types.Stat{Path: name, ModTime: origin.UnixNano()}
	switch kind := entry.Type(); {
	case kind.IsDir():
		stat.Mode = uint32(fs.ModeDir | 0o755)
	case kind&fs.ModeSymlink != 0:
		target, err := fs.ReadLink(f.fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading the symbolic link %s: %w", name, err)
		}
		stat.Mode, stat.Linkname = uint32(fs.ModeSymlink|0o777), target
	default:
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		// A negative size means that the file is too large to be read. Whether that matters is seen when the daemon asks
		// for its content: .dockerignore may leave it out.
		stat.Mode, stat.Size = 0o644, max(0, info.Size())
		if info.Mode()&0o111 != 0 {
			stat.Mode = 0o755
		}
		if stat.ModTime, err = f.modTime(name, info); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return stat, nil
}

// origin is the time of everything whose content doesn't count.
var origin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// modTime derives a time from the content: within eighteen hours after origin, so that to programs in the build all files
// are about equally old; 46 bits of a hash, so that two contents of the same size practically never share one.
func (f *files) modTime(name string, info fs.FileInfo) (int64, error) {
	if entry, ok := info.Sys().(git.Entry); ok {
		return timeOf(entry.ID[:]), nil
	}
	if known, ok := f.times.Load(name); ok {
		return known.(int64), nil
	}
	file, err := f.fsys.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return 0, err
	}
	t := timeOf(sum.Sum(nil))
	f.times.Store(name, t)
	return t, nil
}

func timeOf(hash []byte) int64 {
	seconds := time.Duration(binary.BigEndian.Uint16(hash)) * time.Second
	nanoseconds := time.Duration(binary.BigEndian.Uint32(hash[2:]) % 1e9)
	return origin.Add(seconds + nanoseconds).UnixNano()
}

// Open never fails: BuildKit takes a file that can't be opened for an empty one and would build an image of it, while an
// error of reading ends the build.
func (f *files) Open(name string) (io.ReadCloser, error) {
	file, err := f.fsys.Open(strings.TrimPrefix(path.Clean("/"+name), "/"))
	if err != nil {
		return io.NopCloser(failingReader{fmt.Errorf("reading %s: %w", name, err)}), nil
	}
	return file, nil
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// maxDockerfile bounds what is read here of a Dockerfile to see its first lines.
const maxDockerfile = 1 << 20

// head reads the beginning of a Dockerfile.
func head(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, io.LimitReader(file, maxDockerfile))
	return b.Bytes(), err
}
