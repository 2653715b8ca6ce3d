package generator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/event"
)

// Bounds of what one generator takes from a repository.
const (
	maxEntries   = 1_000_000
	maxFileBytes = 64 << 20 // of all files together
)

// Repositories have the files of repositories.
type Repositories interface {
	// Files are those at what a source's target is now, and the revision. Fresh asks the host first. A project, unless it is
	// empty, has to allow it its credentials.
	Files(ctx context.Context, project string, source v1alpha1.ApplicationSource, fresh bool) (fs.FS, string, error)
	// Verify tells why a project takes nothing from a revision: what isn't signed as it demands. Nil if it does.
	Verify(ctx context.Context, project string, source v1alpha1.ApplicationSource, revision string) error
}

// RepositoryOptions tune what reads repositories.
type RepositoryOptions struct {
	// Requeue is how often hosts are asked when the generator doesn't say.
	Requeue func() time.Duration
	// NewGlobbing tells whether globs of files are read as doublestar's, not as Git's.
	NewGlobbing func(context.Context) bool
	Now         func() time.Time
}

// Repository finds parameters in the directories and files of Git repositories and OCI artifacts.
type Repository struct {
	repositories Repositories
	options      RepositoryOptions
	mu           sync.Mutex
	// asked is when the host of each source was last asked.
	asked map[string]time.Time
}

// NewRepository makes the generators "git" and "oci", which are one.
func NewRepository(repositories Repositories, options RepositoryOptions) *Repository {
	return &Repository{repositories: repositories, options: options, asked: map[string]time.Time{}}
}

// Pushed has the host asked again the next time, because something moved there.
func (r *Repository) Pushed(repository string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.asked {
		if strings.HasPrefix(key, event.NormalizeURL(repository)+"\x00") {
			delete(r.asked, key)
		}
	}
}

// place is what a generator wants of a repository.
type place struct {
	source             v1alpha1.ApplicationSource
	directories, files []appset.Path
	prefix             string
	values             map[string]string
	requeue            *int64
	kind               string
}

func placeOf(g *v1alpha1.ApplicationSetGenerator) place {
	if g.Oci != nil && g.Git == nil {
		o := g.Oci
		p := place{prefix: o.PathParamPrefix, values: o.Values, requeue: o.RequeueAfterSeconds, kind: "oci"}
		p.source.RepoURL, p.source.TargetRevision = o.RepoURL, o.Revision
		for _, d := range o.Directories {
			p.directories = append(p.directories, appset.Path{Pattern: d.Path, Exclude: d.Exclude})
		}
		for _, f := range o.Files {
			p.files = append(p.files, appset.Path{Pattern: f.Path, Exclude: f.Exclude})
		}
		return p
	}
	p := place{prefix: g.Git.PathParamPrefix, values: g.Git.Values, requeue: g.Git.RequeueAfterSeconds, kind: "git"}
	p.source.RepoURL, p.source.TargetRevision = g.Git.RepoURL, g.Git.Revision
	for _, d := range g.Git.Directories {
		p.directories = append(p.directories, appset.Path{Pattern: d.Path, Exclude: d.Exclude})
	}
	for _, f := range g.Git.Files {
		p.files = append(p.files, appset.Path{Pattern: f.Path, Exclude: f.Exclude})
	}
	return p
}

// Params reads the repository. Files are ignored where there are directories, as upstream has it.
func (r *Repository) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	p := placeOf(g)
	if len(p.directories)+len(p.files) == 0 {
		return nil, ErrEmpty
	}
	tree, err := r.tree(ctx, p, set)
	if err == nil {
		var all []Params
		if len(p.directories) > 0 {
			all, err = directoryParams(tree, p, set)
		} else {
			all, err = r.fileParams(ctx, tree, p, set)
		}
		if err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("error generating params from %s: %w", p.kind, err)
}

// tree opens the repository, asking its host when that is due.
func (r *Repository) tree(ctx context.Context, p place, set *v1alpha1.ApplicationSet) (fs.FS, error) {
	project := set.Spec.Template.Spec.Project
	if strings.Contains(project, "{{") {
		project = "" // which it becomes is not known yet
	}
	now := r.options.Now()
	key := event.NormalizeURL(p.source.RepoURL) + "\x00" + project
	_, refresh := set.Annotations[v1alpha1.ApplicationSetRefreshAnnotation]
	tree, revision, err := r.repositories.Files(ctx, project, p.source, refresh || r.due(key, now, r.every(p)))
	if err != nil {
		r.forget(key)
		return nil, err
	}
	if project != "" {
		if err := r.repositories.Verify(ctx, project, p.source, revision); err != nil {
			return nil, err
		}
	}
	return tree, nil
}

func (r *Repository) every(p place) time.Duration { return After(p.requeue, r.options.Requeue()) }

// due tells whether the host was not asked for a while, and notes that it is now.
func (r *Repository) due(key string, now time.Time, every time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.asked[key]
	// A little early counts: who is called every minute must not be asked every other.
	if ok && every > 0 && now.Sub(last) < every-every/10 && !now.Before(last) {
		return false
	}
	r.asked[key] = now
	return true
}

func (r *Repository) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.asked, key)
}

// RequeueAfter is the generator's requeueAfterSeconds, else the operator's.
func (r *Repository) RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	return r.every(placeOf(g))
}

func directoryParams(tree fs.FS, p place, set *v1alpha1.ApplicationSet) ([]Params, error) {
	wanted := appset.Directories(p.directories)
	all := []Params{}
	err := walk(tree, func(name string, entry fs.DirEntry) error {
		if !entry.IsDir() {
			return nil
		}
		if strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if !wanted.Takes(name) {
			return nil
		}
		params := appset.DirectoryParams(name, p.prefix, set.Spec.GoTemplate)
		if err := appset.AddValues(params, p.values, set); err != nil {
			return fmt.Errorf("error generating params from apps: failed to append templated values: %w", err)
		}
		all = append(all, params)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (r *Repository) fileParams(ctx context.Context, tree fs.FS, p place, set *v1alpha1.ApplicationSet) ([]Params, error) {
	wanted, err := appset.Files(p.files, r.options.NewGlobbing != nil && r.options.NewGlobbing(ctx))
	if err != nil {
		return nil, err
	}
	all, size := []Params{}, 0
	err = walk(tree, func(name string, entry fs.DirEntry) error {
		if entry.IsDir() || !wanted.Takes(name) {
			return nil
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return fmt.Errorf("reading file %q: %w", name, err)
		}
		if size += len(content); size > maxFileBytes {
			return fmt.Errorf("the files that match have more than %d MiB: narrow the patterns", maxFileBytes>>20)
		}
		found, err := appset.FileParams(name, content, p.prefix, set.Spec.GoTemplate)
		if err != nil {
			return fmt.Errorf("unable to process file '%s' from repository '%s': %w", name, event.NormalizeURL(p.source.RepoURL), err)
		}
		for _, params := range found {
			if err := appset.AddValues(params, p.values, set); err != nil {
				return fmt.Errorf("failed to append templated values: %w", err)
			}
		}
		all = append(all, found...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

var errManyFiles = errors.New("the repository has too many files for a generator")

// walk visits what is in a tree, in the order of names, without the top itself.
func walk(tree fs.FS, visit func(name string, entry fs.DirEntry) error) error {
	n := 0
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("reading %q of the repository: %w", name, err)
		case name == ".":
			return nil
		}
		if n++; n > maxEntries {
			return errManyFiles
		}
		return visit(name, entry)
	})
}
