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
	"time"
)

// mirror is the local copy of a repository, for all who share its scope.
type mirror struct {
	store *Store
	// url is the address without secrets, for messages; dir is where the mirror is.
	url, dir string
	objects  *reader
	// transport is a lock (of capacity one) held while git or we change the mirror's refs. A channel, so that waiting ends
	// with a context.
	transport chan struct{}
	// committing is a lock held through a whole Commit: two writers of this process would only reject each other's push.
	committing chan struct{}
	// lfs are the objects of Git LFS.
	lfs lfsCache

	mu      sync.Mutex
	opened  bool
	damaged bool
	// refs are the mirror's; nil means that they must be read.
	refs    map[string]ref
	fetches int
	// users are the repositories that share the mirror, by what they are reached with.
	users map[Remote]*Repository
}

func newMirror(s *Store, key, url string) *mirror {
	dir := filepath.Join(s.options.Dir, "mirrors", folderName(key)+".git")
	return &mirror{
		store:      s,
		url:        url,
		dir:        dir,
		objects:    &reader{store: s, dir: dir},
		transport:  make(chan struct{}, 1),
		committing: make(chan struct{}, 1),
		lfs:        lfsCache{dir: strings.TrimSuffix(dir, ".git") + lfsSuffix},
		users:      map[Remote]*Repository{},
	}
}

// maxUsers bounds what is remembered of the credentials that come and go for one mirror. Whoever is forgotten asks the host
// once more.
const maxUsers = 64

// user is the mirror as these credentials see it.
func (r *mirror) user(remote Remote, where address) *Repository {
	r.mu.Lock()
	defer r.mu.Unlock()
	repository, ok := r.users[remote]
	if !ok {
		if len(r.users) >= maxUsers {
			for _, user := range r.users {
				r.forget(user)
			}
		}
		keys := filepath.Join(r.store.options.Dir, "keys", remote.fingerprint())
		repository = &Repository{mirror: r, remote: remote, where: where, keys: keys}
		r.users[remote] = repository
		if len(r.users) > 1 {
			// Others have probably been rotated away. No git command takes as long as this.
			time.AfterFunc(2*r.store.options.Timeout, r.forgetUnused)
		}
	}
	repository.used = r.store.options.Clock.Now()
	return repository
}

// forgetUnused forgets the credentials with which nobody came for longer than a git command takes.
func (r *mirror) forgetUnused() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.store.options.Clock.Now()
	for _, user := range r.users {
		if now.Sub(user.used) >= 2*r.store.options.Timeout {
			r.forget(user)
		}
	}
}

// forget removes the files of credentials too; whoever still has the Repository writes them again when it needs them. The
// caller holds mu.
func (r *mirror) forget(user *Repository) {
	delete(r.users, user.remote)
	if err := os.RemoveAll(user.keys); err != nil {
		slog.Warn("removing the keys of a repository", "repository", r.url, "error", err)
	}
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

// open makes sure that there is a mirror that git can use. The caller holds transport.
func (r *mirror) open(ctx context.Context) error {
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
		slog.WarnContext(ctx, "Git mirror is unusable, cloning it again", "repository", r.url, "error", err)
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
func (r *mirror) create(ctx context.Context) error {
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
func (r *mirror) markDamaged(err error) {
	if !errors.Is(err, ErrDamaged) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.damaged = true
}

// usable tells whether the mirror was opened and is still there.
func (r *mirror) usable() bool {
	r.mu.Lock()
	usable := r.opened && !r.damaged
	r.mu.Unlock()
	if !usable {
		return false
	}
	_, err := os.Stat(filepath.Join(r.dir, "HEAD"))
	return err == nil
}

func (r *mirror) isDamaged() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.damaged
}
