package application

import (
	"context"
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
				r.tellOutage(repository, err)
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

// wakeConcerned fetches a repository once and wakes those of its applications whose rendering changes. All others hear
// nothing of it.
func (r *Reconciler) wakeConcerned(ctx context.Context, repository string, seen time.Time) error {
	interested := r.interestedIn(repository)
	if len(interested) == 0 {
		return nil
	}
	began := r.clock.Now()
	if err := r.manifests.Fetch(ctx, onlyOf(repository, interested[0].targets)); err != nil {
		return err
	}
	r.log.Info("repository fetched", "repository", repository, "fetchMs", r.clock.Since(began).Milliseconds(), "sincePushMs", r.clock.Since(seen).Milliseconds())
	var concerned []*session
	for _, i := range interested {
		if i.session.setOutage(nil) {
			r.wake(i.session.name)
		}
		if i.manifests != nil && !i.failing {
			revisions, err := r.manifests.Resolve(ctx, i.targets, nil)
			if err == nil && (slices.Equal(revisions, i.manifests.Revisions) || r.changes.Unchanged(ctx, i.manifests, revisions)) {
				continue
			}
		}
		i.session.markStale(false, seen)
		concerned = append(concerned, i.session)
	}
	// None begins before all know of the commit: what depends on another has to see that the other isn't up to date.
	for _, s := range concerned {
		r.wake(s.name)
	}
	return nil
}

// tellOutage has every application of a repository say in a condition what is wrong.
func (r *Reconciler) tellOutage(repository string, err error) {
	for _, i := range r.interestedIn(repository) {
		if i.session.setOutage(err) {
			r.wake(i.session.name)
		}
	}
}

// interest is an application, as far as a push concerns it.
type interest struct {
	session   *session
	targets   v1alpha1.ApplicationSources
	manifests *desired.Manifests
	failing   bool
}

func (r *Reconciler) interestedIn(repository string) []interest {
	var all []interest
	r.sessions.find(func(s *session) bool {
		if slices.Contains(s.repositories, repository) {
			all = append(all, interest{s, s.targets, s.known, s.failing})
		}
		return false
	})
	slices.SortFunc(all, func(a, b interest) int { return strings.Compare(a.session.name.String(), b.session.name.String()) })
	return all
}

func onlyOf(repository string, sources v1alpha1.ApplicationSources) v1alpha1.ApplicationSources {
	return slices.DeleteFunc(slices.Clone(sources), func(s v1alpha1.ApplicationSource) bool {
		return event.NormalizeURL(s.RepoURL) != repository
	})
}
