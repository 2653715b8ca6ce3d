package application

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"
)

// poll asks each repository from time to time whether something moved, in case that no webhook tells: one question a
// repository, however many applications it has.
func (r *Reconciler) poll(ctx context.Context) {
	if r.options.Poll == 0 {
		return
	}
	known := map[string]map[string]string{}
	due := map[string]time.Time{}
	for {
		now := r.clock.Now()
		next := now.Add(r.options.Poll)
		repositories := r.repositories()
		for repository, url := range repositories {
			at, scheduled := due[repository]
			if !scheduled {
				at = now.Add(r.pollWait()) // it was looked at a moment ago, when its first application came
				due[repository] = at
			}
			if !at.After(now) {
				r.ask(ctx, repository, url, known)
				at = r.clock.Now().Add(r.pollWait())
				due[repository] = at
			}
			if at.Before(next) {
				next = at
			}
		}
		maps.DeleteFunc(due, func(repository string, _ time.Time) bool { _, ok := repositories[repository]; return !ok })
		maps.DeleteFunc(known, func(repository string, _ map[string]string) bool { _, ok := repositories[repository]; return !ok })
		select {
		case <-r.clock.After(next.Sub(r.clock.Now())):
		case <-ctx.Done():
			return
		}
	}
}

func (r *Reconciler) pollWait() time.Duration {
	wait := r.options.Poll
	if r.options.PollJitter > 0 {
		wait += rand.N(r.options.PollJitter)
	}
	return wait
}

// ask compares a repository's refs with those of last time. The first time there is nothing to compare with, and what
// moved since the start is fetched.
func (r *Reconciler) ask(ctx context.Context, repository, url string, known map[string]map[string]string) {
	refs, err := r.changes.Refs(ctx, url)
	r.metrics.asked(err)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("polling a repository", "repository", repository, "error", err)
			r.pushed(ctx, repository) // which repeats, and tells the applications if it goes on failing
		}
		return
	}
	before, ok := known[repository]
	known[repository] = refs
	if !ok || !maps.Equal(before, refs) {
		r.pushed(ctx, repository)
	}
}

// repositories are those of all applications, normalised, with a URL for each.
func (r *Reconciler) repositories() map[string]string {
	all := map[string]string{}
	r.sessions.find(func(s *session) bool {
		for i, repository := range s.repositories {
			if s.targets[i].Chart == "" {
				all[repository] = s.targets[i].RepoURL
			}
		}
		return false
	})
	return all
}
