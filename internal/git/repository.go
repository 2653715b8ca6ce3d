package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Repository is one remote repository and its mirror. It is safe for concurrent use; get it from Store.Repository.
type Repository struct {
	store *Store
	// invalid is why nothing can be done with this repository: its URL is none.
	invalid error
	// dir is the mirror; keys is where key files for git go.
	dir, keys string
	objects   *reader
	// transport is a lock (of capacity one) held while git or we change the mirror's refs. A channel, so that waiting ends
	// with a context.
	transport chan struct{}
	// committing is a lock held through a whole Commit: two writers of this process would only reject each other's push.
	committing chan struct{}

	mu      sync.Mutex
	remote  Remote
	where   address
	opened  bool
	damaged bool
	// refs are the mirror's; nil means that they must be read.
	refs map[string]ref
	// running is the fetch under way, next the one that starts when it ends.
	running, next *flight
	fetches       int
}

func newRepository(s *Store, key string) *Repository {
	name := folderName(key)
	dir := filepath.Join(s.options.Dir, "mirrors", name+".git")
	return &Repository{
		store:      s,
		dir:        dir,
		keys:       filepath.Join(s.options.Dir, "keys", name),
		objects:    &reader{store: s, dir: dir},
		transport:  make(chan struct{}, 1),
		committing: make(chan struct{}, 1),
	}
}

// URL is the repository's address, without secrets.
func (r *Repository) URL() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.where.text
}

func (r *Repository) setRemote(remote Remote, where address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remote, r.where = remote, where
}

// acquire takes a lock of the repository, or gives up when ctx ends.
func acquire(ctx context.Context, lock chan struct{}) error {
	select {
	case lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// access is what a transport command needs: the URL for the command line and the environment with the credentials.
func (r *Repository) access() (url string, env []string, err error) {
	r.mu.Lock()
	remote, where := r.remote, r.where
	defer r.mu.Unlock()
	env, err = remote.environment(where, r.keys)
	return where.text, env, err
}

// open makes sure that there is a mirror that git can use. The caller holds transport.
func (r *Repository) open(ctx context.Context) error {
	r.mu.Lock()
	opened, damaged := r.opened, r.damaged
	r.mu.Unlock()
	_, err := os.Stat(filepath.Join(r.dir, "HEAD"))
	if err == nil && opened && !damaged {
		return nil
	}
	if damaged || err != nil {
		if err := r.create(ctx); err != nil {
			return err
		}
	} else if err := removeLeftovers(r.dir); err != nil {
		return err
	} else if _, err := r.store.git(ctx, r.dir, nil, "rev-parse", "--git-dir"); err != nil {
		slog.WarnContext(ctx, "Git mirror is unusable, cloning it again", "repository", r.URL(), "error", err)
		if err := r.create(ctx); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened, r.damaged, r.refs = true, false, nil
	return nil
}

// create makes an empty mirror in place of whatever is there.
func (r *Repository) create(ctx context.Context) error {
	r.objects.stop()
	if err := os.RemoveAll(r.dir); err != nil {
		return fmt.Errorf("removing a damaged mirror: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(r.dir), 0o700); err != nil {
		return fmt.Errorf("making a mirror: %w", err)
	}
	// The HEAD of the mirror is on a branch that no repository has; ours is refs/fairlead/HEAD.
	if _, err := r.store.git(ctx, r.dir, nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=fairlead-mirror"); err != nil {
		return fmt.Errorf("making a mirror: %w", err)
	}
	return nil
}

// removeLeftovers deletes what a killed git leaves behind: locks, which would block the next one for ever, and half-written
// packs and objects. The caller is the only user of the mirror.
func removeLeftovers(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && strings.HasPrefix(name, "tmp_objdir-"):
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		case entry.IsDir():
			return nil
		case strings.HasSuffix(name, ".lock"), strings.HasPrefix(name, "tmp_"), strings.HasPrefix(name, ".tmp-"), name == "gc.pid":
			return os.Remove(path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cleaning a mirror: %w", err)
	}
	return nil
}

// markDamaged lets the next fetch clone the mirror again if err says that it is unreadable.
func (r *Repository) markDamaged(err error) {
	if !errors.Is(err, ErrDamaged) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.damaged = true
}

// ready makes the mirror usable for reading: it fetches if there is none yet, or if it proved damaged.
func (r *Repository) ready(ctx context.Context) error {
	if r.invalid != nil {
		return r.invalid
	}
	r.mu.Lock()
	usable := r.opened && !r.damaged
	r.mu.Unlock()
	if usable {
		if _, err := os.Stat(filepath.Join(r.dir, "HEAD")); err == nil {
			return nil
		}
	}
	if _, err := os.Stat(filepath.Join(r.dir, fetchedMark)); err == nil && !r.isDamaged() {
		if err := acquire(ctx, r.transport); err != nil {
			return err
		}
		defer func() { <-r.transport }()
		return r.open(ctx)
	}
	return r.Fetch(ctx)
}

func (r *Repository) isDamaged() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.damaged
}
