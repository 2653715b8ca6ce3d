package application

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/settings"
)

// lookAround is how often the poller sees whether somebody changed its interval; an operator who does doesn't wait longer.
const lookAround = 10 * time.Second

// poll asks each repository from time to time whether something moved, in case that no webhook tells: one question a
// repository, however many applications it has.
func (r *Reconciler) poll(ctx context.Context) {
	p := poller{known: map[way]map[string]string{}, due: map[way]time.Time{}}
	for {
		wait := r.pollDue(ctx, &p)
		select {
		case <-r.clock.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// poller is what polling knows between rounds.
type poller struct {
	settings.Polling
	// known are the refs of last time, due is when to ask again.
	known map[way]map[string]string
	due   map[way]time.Time
}

// pollDue asks the repositories whose time has come, and returns how long to wait for the next.
func (r *Reconciler) pollDue(ctx context.Context, p *poller) time.Duration {
	if now := r.polling(ctx); now != p.Polling {
		p.Polling = now
		clear(p.due)
	}
	if p.Interval == 0 {
		return lookAround
	}
	now := r.clock.Now()
	next := now.Add(lookAround)
	repositories := r.repositories(ctx)
	for key, use := range repositories {
		at, scheduled := p.due[key]
		if !scheduled {
			at = now.Add(p.wait()) // it was looked at a moment ago, when its first application came
		} else if !at.After(now) {
			r.ask(ctx, key, use, p.known)
			at = r.clock.Now().Add(p.wait())
		}
		p.due[key] = at
		if at.Before(next) {
			next = at
		}
	}
	maps.DeleteFunc(p.due, func(key way, _ time.Time) bool { _, ok := repositories[key]; return !ok })
	maps.DeleteFunc(p.known, func(key way, _ map[string]string) bool { _, ok := repositories[key]; return !ok })
	return max(next.Sub(r.clock.Now()), time.Millisecond)
}

// polling is what the operator wants now, else what the hub was started with.
func (r *Reconciler) polling(ctx context.Context) settings.Polling {
	standard := settings.Polling{Interval: r.options.Poll, Jitter: r.options.PollJitter}
	if r.configuredPolling == nil {
		return standard
	}
	configured, err := r.configuredPolling(ctx, standard)
	if err != nil {
		r.log.Warn("reading how often to poll", "error", err)
	}
	return configured
}

func (p *poller) wait() time.Duration {
	if p.Jitter <= 0 {
		return p.Interval
	}
	return p.Interval + rand.N(p.Jitter)
}

// ask compares a repository's refs with those of last time. The first time there is nothing to compare with, and what
// moved since the start is fetched.
func (r *Reconciler) ask(ctx context.Context, key way, use use, known map[way]map[string]string) {
	end := r.metrics.ask("ls-remote", key.repository, "")
	refs, err := r.changes.Refs(ctx, use.project, use.sources)
	end(err)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("polling a repository", "repository", key.repository, "error", err)
			r.pushed(ctx, key.repository) // which repeats, and tells the applications if it goes on failing
		}
		return
	}
	before, ok := known[key]
	known[key] = refs
	if !ok || !maps.Equal(before, refs) {
		r.pushed(ctx, key.repository)
	}
}

// way is a repository (normalised) and the access that some projects have to it.
type way struct{ repository, access string }

// use is what is wanted of a repository, by applications of a project that reaches it in the same way as all others.
type use struct {
	project string
	sources v1alpha1.ApplicationSources
}

// repositories are those of all applications, one for each way in which projects reach it.
func (r *Reconciler) repositories(ctx context.Context) map[way]use {
	type scope struct{ repository, project string }
	scopes := map[scope]map[v1alpha1.ApplicationSource]bool{}
	r.sessions.find(func(s *session) bool {
		for i, repository := range s.repositories {
			at := scope{repository, s.project}
			if scopes[at] == nil {
				scopes[at] = map[v1alpha1.ApplicationSource]bool{}
			}
			scopes[at][pollable(s.watched[i])] = true
		}
		return false
	})
	all := map[way]use{}
	for at, sources := range scopes {
		for source := range sources {
			key := way{at.repository, r.accessOf(ctx, at.project, source)}
			all[key] = use{at.project, append(all[key].sources, source)}
		}
	}
	return all
}

// pollable is what of a source makes a difference to a question about its repository: of Git nothing but the URL.
func pollable(source v1alpha1.ApplicationSource) v1alpha1.ApplicationSource {
	if source.IsChart() || source.IsOCI() {
		return v1alpha1.ApplicationSource{RepoURL: source.RepoURL, Chart: source.Chart, TargetRevision: source.TargetRevision}
	}
	return v1alpha1.ApplicationSource{RepoURL: source.RepoURL}
}
