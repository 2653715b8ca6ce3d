package git

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Repository is one remote repository as one set of credentials sees it. It is safe for concurrent use; get it from
// Store.Repository.
//
// Those who come with different credentials share the mirror, if they are of the same scope (Remote.Scope), but none of
// them reads it before the host has answered to their own.
type Repository struct {
	*mirror
	// invalid is why nothing can be done with this repository: its URL is none.
	invalid error
	remote  Remote
	where   address
	// keys is where key files for git go.
	keys string
	// used is when somebody last came with these credentials; the mirror's mu guards it.
	used time.Time
	// granted says that the host has answered to these credentials, fetched that they brought the mirror up to date; both in
	// the life of this process.
	granted, fetched atomic.Bool

	flights sync.Mutex
	// running is the fetch under way, next the one that starts when it ends.
	running, next *flight
}

// URL is the repository's address, without secrets.
func (r *Repository) URL() string { return r.where.text }

// access is what a transport command needs: the URL for the command line and the environment with the credentials.
func (r *Repository) access(ctx context.Context) (url string, env []string, err error) {
	remote, err := r.loggedOn(ctx)
	if err != nil {
		return "", nil, err
	}
	env, err = remote.environment(r.where, r.keys, r.store.options.Tunnel)
	return r.where.text, env, err
}

// Current is like Fetch if these credentials have never fetched in the life of this process, and else does nothing.
func (r *Repository) Current(ctx context.Context) error {
	if r.fetched.Load() {
		return nil
	}
	return r.Fetch(ctx)
}

// ready makes the mirror usable for reading: it fetches if there is none yet, if it proved damaged, or if the host hasn't
// answered to these credentials yet.
func (r *Repository) ready(ctx context.Context) error {
	if r.invalid != nil {
		return r.invalid
	}
	if !r.granted.Load() {
		return r.Fetch(ctx)
	}
	if r.usable() {
		return nil
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

// Access names the mirror and the credentials, without telling anything of them; it is the same for the same remote.
func (r *Repository) Access() string {
	if r.invalid != nil {
		return "invalid"
	}
	return filepath.Base(r.keys)
}
