package application

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
)

// fetches keeps one fetch going per repository: pushes that arrive meanwhile are served by one more.
type fetches struct {
	mu      sync.Mutex
	running map[string]bool
	again   map[string]time.Time
}

// listen wakes the applications that pushes concern, until ctx ends.
func (r *Reconciler) listen(ctx context.Context) {
	pushes, cancel := r.bus.SubscribePush()
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case push, open := <-pushes:
			if !open {
				return
			}
			r.pushed(ctx, push.Repository)
		}
	}
}

// pushed has a repository looked at, because something moved in it.
func (r *Reconciler) pushed(ctx context.Context, repository string) {
	now := r.clock.Now()
	repository = event.NormalizeURL(repository)
	f := &r.fetches
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[repository] {
		if f.again == nil {
			f.again = map[string]time.Time{}
		}
		if f.again[repository].IsZero() {
			f.again[repository] = now
		}
		return
	}
	f.running[repository] = true
	go r.lookAt(ctx, repository, now)
}

// lookAt fetches and wakes, until no further push has come meanwhile. A fetch that fails is repeated with growing waits.
func (r *Reconciler) lookAt(ctx context.Context, repository string, seen time.Time) {
	failures := 0
	for {
		err := r.wakeConcerned(ctx, repository, seen)
		if err != nil && ctx.Err() == nil {
			wait := min(r.options.RetryMin<<min(failures, 20), r.options.RetryMax)
			wait = wait/2 + rand.N(wait)
			failures++
			r.log.Warn("fetching a repository", "repository", repository, "error", err, "again", wait)
			if failures == patience {
				r.tellOutage(ctx, repository, err)
			}
			select {
			case <-r.clock.After(wait):
				continue
			case <-ctx.Done():
			}
		}
		f := &r.fetches
		f.mu.Lock()
		seen = f.again[repository]
		delete(f.again, repository)
		if seen.IsZero() || ctx.Err() != nil {
			delete(f.running, repository)
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		failures = 0
	}
}

// patience is how many fetches in a row fail before applications are told. A short outage of a Git host concerns nobody.
const patience = 3

// wakeConcerned fetches a repository once for each way in which projects reach it, and wakes those of its applications whose
// rendering changes. All others hear nothing of it. A way that fails keeps only those who use it waiting.
func (r *Reconciler) wakeConcerned(ctx context.Context, repository string, seen time.Time) error {
	var failures []error
	var concerned []*session
	for _, interested := range r.interestedIn(ctx, repository) {
		began := r.clock.Now()
		first := interested[0]
		if err := r.manifests.Fetch(ctx, first.project, allOf(repository, interested)); err != nil {
			failures = append(failures, outage{first.access, err})
			continue
		}
		r.log.Info("repository fetched", "repository", repository, "fetchMs", r.clock.Since(began).Milliseconds(), "sincePushMs", r.clock.Since(seen).Milliseconds())
		look := desired.Together(ctx) // of all at the same commit
		for _, i := range interested {
			if r.concerns(look, i) {
				i.session.markStale(false, seen)
				concerned = append(concerned, i.session)
			}
		}
	}
	// None begins before all know of the commit: what depends on another has to see that the other isn't up to date.
	for _, s := range concerned {
		r.wake(s.name)
	}
	return errors.Join(failures...)
}

// concerns tells whether what was fetched may change what an application desires.
func (r *Reconciler) concerns(ctx context.Context, i interest) bool {
	if i.session.setOutage(nil) {
		r.wake(i.session.name)
	}
	if i.manifests == nil || i.failing {
		return true
	}
	revisions, err := r.manifests.Resolve(ctx, i.project, i.targets, nil)
	same := slices.Equal(revisions, i.manifests.Revisions) && len(i.manifests.Bases) == 0
	return err != nil || !same && !r.changes.Unchanged(ctx, i.manifests, revisions)
}

// outage is why one way to a repository fails.
type outage struct {
	access string
	error
}

func (o outage) Unwrap() error { return o.error }

// tellOutage has every application that reaches the repository in a way that fails say in a condition what is wrong.
func (r *Reconciler) tellOutage(ctx context.Context, repository string, err error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return
	}
	for _, failure := range joined.Unwrap() {
		var found outage
		if !errors.As(failure, &found) {
			continue
		}
		for _, i := range slices.Concat(r.interestedIn(ctx, repository)...) {
			if i.access == found.access && i.session.setOutage(found.error) {
				r.wake(i.session.name)
			}
		}
	}
}

// interest is an application, as far as a push concerns it.
type interest struct {
	session *session
	// project's credentials are used; access is the same for those whose are the same.
	project, access string
	targets         v1alpha1.ApplicationSources
	// watched are the targets and the bases of kustomizations.
	watched   v1alpha1.ApplicationSources
	manifests *desired.Manifests
	failing   bool
}

// interestedIn are the applications that use a repository, grouped by the way in which they reach it.
func (r *Reconciler) interestedIn(ctx context.Context, repository string) [][]interest {
	var all []interest
	r.sessions.find(func(s *session) bool {
		if slices.Contains(s.repositories, repository) {
			all = append(all, interest{session: s, project: s.project, targets: s.targets, watched: s.watched, manifests: s.known, failing: s.failing})
		}
		return false
	})
	access := map[string]string{}
	for i := range all {
		project := all[i].project
		if _, ok := access[project]; !ok {
			access[project] = r.accessOf(ctx, project, onlyOf(repository, all[i].watched)[0])
		}
		all[i].access = access[project]
	}
	slices.SortFunc(all, func(a, b interest) int {
		return cmp.Or(strings.Compare(a.access, b.access), strings.Compare(a.session.name.String(), b.session.name.String()))
	})
	return slices.Collect(chunkBy(all, func(a, b interest) bool { return a.access == b.access }))
}

// accessOf names the way in which a project reaches a repository. Where that can't be told, it is taken for the project's own;
// the fetch will tell why.
func (r *Reconciler) accessOf(ctx context.Context, project string, source v1alpha1.ApplicationSource) string {
	access, err := r.changes.Access(ctx, project, source)
	if err != nil {
		return "project " + project
	}
	return access
}

// chunkBy cuts a slice where neighbours differ.
func chunkBy[T any](all []T, same func(a, b T) bool) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && same(all[from], all[to]) {
				to++
			}
			if !yield(all[from:to]) {
				return
			}
			from = to
		}
	}
}

// allOf are the sources of one repository that the applications have: charts and artifacts are asked for one by one.
func allOf(repository string, interested []interest) v1alpha1.ApplicationSources {
	var all v1alpha1.ApplicationSources
	for _, i := range interested {
		all = append(all, onlyOf(repository, i.watched)...)
	}
	return all
}

func onlyOf(repository string, sources v1alpha1.ApplicationSources) v1alpha1.ApplicationSources {
	return slices.DeleteFunc(slices.Clone(sources), func(s v1alpha1.ApplicationSource) bool {
		return event.NormalizeURL(s.RepoURL) != repository
	})
}
