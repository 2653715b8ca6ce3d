package jsonnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/google/go-jsonnet"
)

const (
	// maxFileBytes bounds each file: the largest libraries in use, made of all of Kubernetes' API, have 3 MB.
	maxFileBytes = 8 << 20
	// maxImports bounds how many files one application imports.
	maxImports = 5000
)

// importer reads what Jsonnet imports from the repository.
type importer struct {
	ctx   context.Context
	files fs.FS
	// libraries are where a path is looked for that isn't beside the importing file; the last one wins.
	libraries []string
	// known are the files that were read, because Jsonnet wants the same value for the same file.
	known map[string]jsonnet.Contents
	// reason is why reading failed, if it did for a reason other than the file's absence.
	reason error
}

// Import finds a file: beside the one that imports it, else in a library.
func (i *importer) Import(from, name string) (jsonnet.Contents, string, error) {
	if path.IsAbs(name) {
		return i.refuse(fmt.Errorf("%s imports %q: give the path relative to the file or to a library folder", from, name))
	}
	for n := -1; n < len(i.libraries); n++ {
		folder := path.Dir(from)
		if n >= 0 {
			folder = i.libraries[len(i.libraries)-1-n]
		}
		file := path.Join(folder, name)
		if !fs.ValidPath(file) {
			return i.refuse(fmt.Errorf("%s imports %q: it leads out of the repository", from, name))
		}
		contents, err := i.read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return i.refuse(err)
		}
		return contents, file, nil
	}
	return jsonnet.Contents{}, "", fmt.Errorf("couldn't open import %q: no match beside the file or in %s", name, strings.Join(i.libraries, ", "))
}

func (i *importer) refuse(err error) (jsonnet.Contents, string, error) {
	i.reason = err
	return jsonnet.Contents{}, "", err
}

func (i *importer) read(file string) (jsonnet.Contents, error) {
	if contents, ok := i.known[file]; ok {
		return contents, nil
	}
	if i.ctx.Err() != nil {
		return jsonnet.Contents{}, context.Cause(i.ctx)
	}
	if info, err := fs.Stat(i.files, file); err == nil && info.IsDir() {
		return jsonnet.Contents{}, fs.ErrNotExist
	}
	data, err := fs.ReadFile(i.files, file)
	if err != nil {
		return jsonnet.Contents{}, err
	}
	if len(data) > maxFileBytes {
		return jsonnet.Contents{}, fmt.Errorf("%s has %d bytes, and %d are allowed for a file of Jsonnet", file, len(data), maxFileBytes)
	}
	if len(i.known) >= maxImports {
		return jsonnet.Contents{}, fmt.Errorf("more than %d files are imported", maxImports)
	}
	// It may be imported as text, which isn't parsed; but that isn't known here.
	if err := checkNesting(string(data)); err != nil {
		return jsonnet.Contents{}, fmt.Errorf("%s: %w", file, err)
	}
	contents := jsonnet.MakeContentsRaw(data)
	i.known[file] = contents
	return contents, nil
}
