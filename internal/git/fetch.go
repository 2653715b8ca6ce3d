package git

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const (
	// headRef is where the mirror keeps the remote's HEAD.
	headRef = "refs/fairlead/HEAD"
	// extraRefs is where single revisions go that are on no branch and no tag, such as refs/pull/7/head.
	extraRefs = "refs/fairlead/extra/"
	// fetchedMark is a file in the mirror that says that a fetch has succeeded at least once.
	fetchedMark = "fairlead-fetched"
	// tidyEvery is after how many fetches the mirror is packed. Each fetch leaves a pack, and each pack makes looking up an
	// object slower; git itself would look at each fetch, which would double a small fetch's time.
	tidyEvery = 50
)

// flight is one fetch that any number of callers wait for.
type flight struct {
	done    chan struct{}
	err     error
	waiters int
	cancel  context.CancelFunc
	ctx     context.Context
}

// Fetch brings the mirror up to the remote: branches, tags, and HEAD; what is gone there goes here. Calls coalesce: a call
// while a fetch runs waits for one that starts after it, because the running one may have asked the host too early.
// A damaged mirror is cloned again. Errors are ErrAuthentication, ErrRepositoryNotFound, ErrUnreachable or others.
func (r *Repository) Fetch(ctx context.Context) error {
	if r.invalid != nil {
		return r.invalid
	}
	f := r.join()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		r.leave(f)
		return fmt.Errorf("fetching repository %q: %w", r.URL(), context.Cause(ctx))
	}
}

func (r *Repository) join() *flight {
	r.flights.Lock()
	defer r.flights.Unlock()
	switch {
	case r.next != nil:
		r.next.waiters++
		return r.next
	case r.running != nil:
		r.next = r.newFlight()
		return r.next
	default:
		r.running = r.newFlight()
		go r.fly(r.running)
		return r.running
	}
}

func (r *Repository) newFlight() *flight {
	f := &flight{done: make(chan struct{}), waiters: 1}
	f.ctx, f.cancel = context.WithCancel(r.store.alive)
	return f
}

// leave ends a fetch that nobody waits for any more.
func (r *Repository) leave(f *flight) {
	r.flights.Lock()
	defer r.flights.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
	}
}

func (r *Repository) fly(f *flight) {
	f.err = r.fetch(f.ctx)
	f.cancel()
	r.flights.Lock()
	defer r.flights.Unlock()
	r.running, r.next = r.next, nil
	if r.running != nil {
		go r.fly(r.running)
	}
	close(f.done)
}

func (r *Repository) fetch(ctx context.Context) error {
	err := r.fetchRefs(ctx, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+HEAD:"+headRef)
	if err != nil {
		return fmt.Errorf("fetching repository %q: %w", r.URL(), err)
	}
	r.fetched.Store(true)
	return nil
}

// fetchRefs fetches by refspecs, and once more into a new mirror if this one turns out to be damaged.
func (r *Repository) fetchRefs(ctx context.Context, refspecs ...string) error {
	if err := acquire(ctx, r.transport); err != nil {
		return err
	}
	defer func() { <-r.transport }()
	err := r.fetchOnce(ctx, refspecs)
	if errors.Is(err, ErrDamaged) {
		slog.WarnContext(ctx, "Git mirror is damaged, cloning it again", "repository", r.URL(), "error", err)
		r.markDamaged(err)
		err = r.fetchOnce(ctx, refspecs)
	}
	return err
}

func (r *Repository) fetchOnce(ctx context.Context, refspecs []string) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	url, env, err := r.access(ctx)
	if err != nil {
		return err
	}
	run := func(refspecs []string) error {
		// As one pack, whose name appears when it is complete: unpacked into loose objects, a killed fetch would leave a commit
		// without its files.
		args := []string{"-c", "fetch.unpackLimit=1", "fetch", "--quiet", "--prune", "--no-tags", "--force", "--no-write-fetch-head", "--no-auto-maintenance",
			"--no-show-forced-updates", "--no-recurse-submodules", "--", url}
		_, err := r.store.gitIn(ctx, r.store.placesAt(r.where), r.dir, env, append(args, refspecs...)...)
		return err
	}
	err = run(refspecs)
	if err != nil && strings.Contains(err.Error(), "couldn't find remote ref HEAD") {
		// An empty repository, or one whose HEAD is on a branch that doesn't exist.
		err = run(refspecs[:len(refspecs)-1])
	}
	// Even a failed fetch may have moved some refs.
	r.mu.Lock()
	r.refs = nil
	r.fetches++
	tidy := err == nil && r.fetches%tidyEvery == 0
	r.mu.Unlock()
	if err != nil {
		r.logOff(err)
		return err
	}
	r.granted.Store(true)
	if err := os.WriteFile(filepath.Join(r.dir, fetchedMark), nil, 0o644); err != nil {
		return fmt.Errorf("marking the mirror as fetched: %w", err)
	}
	if tidy {
		go r.tidy()
	}
	return nil
}

// tidy joins the packs of the last fetches (each pack becomes at least twice as large as all smaller ones together), and the
// refs into one file. Readers may go on meanwhile. Unreachable objects stay, because a rollback may want a commit that a
// force-push took away.
func (r *mirror) tidy() {
	ctx := r.store.alive
	if err := acquire(ctx, r.transport); err != nil {
		return
	}
	defer func() { <-r.transport }()
	for _, args := range [][]string{
		{"-c", "pack.threads=1", "-c", "pack.windowMemory=64m", "repack", "--geometric=2", "-d", "--quiet"},
		{"pack-refs", "--all"},
	} {
		if _, err := r.store.git(ctx, r.dir, nil, args...); err != nil {
			if ctx.Err() == nil {
				slog.Warn("packing a Git mirror", "repository", r.url, "error", err)
			}
			return
		}
	}
}

// fetchExtra gets one revision that is on no branch or tag: a commit by its full ID, or a full ref name.
func (r *Repository) fetchExtra(ctx context.Context, revision string) (string, error) {
	local := extraRefs + strings.TrimPrefix(revision, "refs/")
	err := r.fetchRefs(ctx, "+"+revision+":"+local)
	if err != nil {
		return "", fmt.Errorf("fetching revision %q of repository %q: %w", revision, r.URL(), err)
	}
	return local, nil
}
