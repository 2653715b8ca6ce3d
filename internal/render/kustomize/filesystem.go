package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where the repository's root is in the paths that Kustomize sees. It isn't "/", so that a path with too many ".."
// is noticed instead of ending at the root.
const mount = "/repository"

// maxReads bounds how often one build reads files: a kustomization whose bases multiply ends here.
const maxReads = 50000

var errReadOnly = errors.New("the repository is read-only")

// repository is a tree of Git as Kustomize's file system. It can't be written; the overlay holds edited files.
type repository struct {
	ctx     context.Context
	files   fs.FS
	overlay map[string][]byte
	reads   int
	options buildOptions
	// kubeVersion and apiVersions are for charts; charts counts those that were rendered. namespaces are those that kustomizations
	// got, as bases, for their charts.
	kubeVersion string
	apiVersions []string
	charts      int
	namespaces  map[string]string
	// ownSchema says that this build has Kustomize's OpenAPI schema for itself; wantsOwnSchema that it must.
	ownSchema, wantsOwnSchema bool
	// plugins says that a kustomization uses generators, transformers or validators, so that any file may configure one.
	plugins bool
	// refusal is the first thing that we refused.
	refusal error
	// fetched is what came from elsewhere, names are its folders' for errors, and localized the entries that stand for it.
	fetched   Fetched
	names     map[string]string
	localized map[localEntry]bool
}

// localEntry is a path in a kustomization.
type localEntry struct{ file, entry string }

var _ filesys.FileSystem = (*repository)(nil)

func newRepository(ctx context.Context, files fs.FS, fetched Fetched) *repository {
	all, names := withFetched(files, fetched)
	return &repository{
		ctx: ctx, files: all, overlay: map[string][]byte{}, fetched: fetched, names: names,
		localized: map[localEntry]bool{}, namespaces: map[string]string{},
	}
}

// relative turns a path of Kustomize's into one of the repository.
func (r *repository) relative(name string) (string, error) {
	clean := filepath.ToSlash(filepath.Clean(name))
	if clean == mount {
		return ".", nil
	}
	relative, ok := strings.CutPrefix(clean, mount+"/")
	if !ok {
		return "", r.refuse(fmt.Errorf("%s: leads out of the repository", clean))
	}
	return relative, nil
}

// refuse remembers the reason, since Kustomize may go on and fail with another.
func (r *repository) refuse(err error) error {
	if r.refusal == nil {
		r.refusal = err
	}
	return err
}

func (r *repository) stat(name string) (relative string, info fs.FileInfo, err error) {
	if r.ctx.Err() != nil {
		return "", nil, r.refuse(context.Cause(r.ctx))
	}
	if relative, err = r.relative(name); err != nil {
		return "", nil, err
	}
	if info, err = fs.Stat(r.files, relative); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.refuse(err)
	}
	return relative, info, err
}

// ReadFile reads a file, and looks at kustomizations for charts and for what is refused.
func (r *repository) ReadFile(name string) ([]byte, error) {
	relative, err := r.relative(name)
	if err != nil {
		return nil, err
	}
	content, err := r.raw(relative)
	if err != nil {
		return nil, err
	}
	if slices.Contains(FileNames, path.Base(relative)) {
		if r.options.helm {
			if content, err = r.inflate(relative, content); err != nil {
				return nil, r.refuse(err)
			}
		}
		if content, err = r.localize(relative, content); err != nil {
			return nil, r.refuse(err)
		}
		if r.options.helm {
			r.passOn(relative, content)
		}
	}
	if err := r.inspect(relative, content); err != nil {
		return nil, r.refuse(err)
	}
	return content, nil
}

// raw reads a file as it is, or as it was edited.
func (r *repository) raw(relative string) ([]byte, error) {
	if r.reads++; r.reads > maxReads {
		return nil, r.refuse(fmt.Errorf("the kustomization reads more than %d files", maxReads))
	}
	content, edited := r.overlay[relative]
	if !edited {
		_, info, err := r.stat(path.Join(mount, relative))
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return nil, fmt.Errorf("'%s' is a directory", relative)
		}
		if content, err = fs.ReadFile(r.files, relative); err != nil {
			return nil, r.refuse(err)
		}
	}
	if err := checkAliases(r.shown(relative), content, r.plugins || slices.Contains(FileNames, path.Base(relative))); err != nil {
		return nil, r.refuse(err)
	}
	return content, nil
}

// IsDir tells whether there is a folder.
func (r *repository) IsDir(name string) bool {
	_, info, err := r.stat(name)
	return err == nil && info.IsDir()
}

// Exists tells whether there is anything.
func (r *repository) Exists(name string) bool {
	_, _, err := r.stat(name)
	return err == nil
}

// ReadDir lists the names in a folder.
func (r *repository) ReadDir(name string) ([]string, error) {
	relative, err := r.relative(name)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(r.files, relative)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// CleanedAbs splits a path into its folder and, if it is a file, its name.
func (r *repository) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	relative, info, err := r.stat(name)
	if err != nil {
		return "", "", fmt.Errorf("'%s' doesn't exist", name)
	}
	absolute := path.Join(mount, relative)
	if info.IsDir() {
		return filesys.ConfirmedDir(absolute), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(absolute)), path.Base(absolute), nil
}

// Glob lists the paths that match a pattern in the last component.
func (r *repository) Glob(pattern string) ([]string, error) {
	relative, err := r.relative(pattern)
	if err != nil {
		return nil, err
	}
	matches, err := fs.Glob(r.files, relative)
	for i, match := range matches {
		matches[i] = path.Join(mount, match)
	}
	return matches, err
}

// Walk visits a folder and all below it.
func (r *repository) Walk(root string, visit filepath.WalkFunc) error {
	relative, err := r.relative(root)
	if err != nil {
		return err
	}
	return fs.WalkDir(r.files, relative, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return visit(path.Join(mount, name), nil, err)
		}
		info, err := entry.Info()
		return visit(path.Join(mount, name), info, err)
	})
}

// Open opens a file for reading.
func (r *repository) Open(name string) (filesys.File, error) {
	content, err := r.ReadFile(name)
	if err != nil {
		return nil, err
	}
	memory := filesys.MakeFsInMemory()
	if err := memory.WriteFile("/file", slices.Clone(content)); err != nil {
		return nil, err
	}
	return memory.Open("/file")
}

// Create refuses: see repository.
func (r *repository) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir refuses: see repository.
func (r *repository) Mkdir(string) error { return errReadOnly }

// MkdirAll refuses: see repository.
func (r *repository) MkdirAll(string) error { return errReadOnly }

// RemoveAll refuses: see repository.
func (r *repository) RemoveAll(string) error { return errReadOnly }

// WriteFile refuses: see repository.
func (r *repository) WriteFile(string, []byte) error { return errReadOnly }
