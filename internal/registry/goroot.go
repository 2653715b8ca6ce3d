package registry

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// goFile is a file or folder of the Go distribution that goes into the image.
type goFile struct {
	// name is the path below GOROOT, with slashes.
	name string
	mode fs.FileMode
	// size is 0 for folders and links.
	size int64
}

// inGoImage says whether a path below GOROOT is needed to build, vet and test programs. What isn't: the tests of Go itself,
// its documentation, and the sources of its tools, which are there as binaries. (go tool names without a binary, such as
// pprof, don't work in the image.)
func inGoImage(name string, folder bool) bool {
	parts := strings.Split(name, "/")
	last := parts[len(parts)-1]
	switch parts[0] {
	case "api", "doc", "misc", "test", "blog":
		return false
	case "pkg":
		if len(parts) > 1 && parts[1] != "tool" && parts[1] != "include" {
			return false
		}
	case "src":
		if len(parts) > 1 && parts[1] == "cmd" {
			return false
		}
	}
	if folder {
		return last != "testdata" && last != ".git"
	}
	return !strings.HasSuffix(last, "_test.go")
}

// goFiles lists what goes into the image, sorted, folders before what is in them.
func (b *BaseImages) goFiles() ([]goFile, error) {
	var files []goFile
	root, err := filepath.EvalSymlinks(b.GOROOT)
	if err != nil {
		return nil, fmt.Errorf("reading the Go distribution: %w", err)
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if !inGoImage(name, d.IsDir()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		// Packaged distributions (Debian's) link parts of GOROOT to other folders: what a link leads to is meant.
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0 && info.IsDir():
			return fmt.Errorf("%s is a link to a folder, which can't be put into an image; use a Go from https://go.dev/dl", path)
		case info.IsDir():
			files = append(files, goFile{name: name, mode: fs.ModeDir | 0o755})
		case info.Mode().IsRegular():
			// Nobody's own permissions matter in the image.
			files = append(files, goFile{name: name, mode: 0o644 | info.Mode().Perm()&0o111, size: info.Size()})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the Go distribution: %w", err)
	}
	return files, nil
}
