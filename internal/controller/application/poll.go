package application

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/settings"
)

// lookAround is how often the poller sees whether somebody changed its interval; an operator who does doesn't wait longer.
const lookAround = 10 * time.Second

// poll asks each repository from time to time whether something moved, in case that no webhook tells: one question a
// repository, however many applications it has.
func (r *Reconciler) poll(ctx context.Context) {
	p := poller{known: map[way]map[string]string{}, due: map[way]time.Time{}, asking: map[way]bool{}, busy: map[string]int{}}
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
	mu sync.Mutex
	// known are the refs of last time, due is when to ask again.
	known map[way]map[string]string
	due   map[way]time.Time
	// asking are those that are asked now; busy counts them for each host.
	asking map[way]bool
	busy   map[string]int
}

const (
	// pollsOfHost is how many repositories of one host are asked at a time, so that a host that hangs delays its own only.
	pollsOfHost = 4
	// pollsAtOnce bounds all questions; with fewer than 32 hosts that hang, there is always room for the others.
	pollsAtOnce = 32 * pollsOfHost
	// pollsAgain is when a host that had no room is looked at again: a look goes through all applications.
	pollsAgain = 250 * time.Millisecond
)

// enter takes a place for a question, if there is one. The caller holds mu.
func (p *poller) enter(key way) bool {
	host := hostOf(key.repository)
	if len(p.asking) >= pollsAtOnce || p.busy[host] >= pollsOfHost {
		return false
	}
	p.asking[key] = true
	p.busy[host]++
	return true
}

// leave gives the place back, and says when to ask again.
func (p *poller) leave(key way, refs map[string]string, due time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asking, key)
	host := hostOf(key.repository)
	if p.busy[host]--; p.busy[host] == 0 {
		delete(p.busy, host)
	}
	if _, wanted := p.due[key]; wanted {
		p.due[key] = due
		if refs != nil {
			p.known[key] = refs
		}
	}
}

// pollDue has the repositories asked whose time has come, and returns how long to wait for the next.
func (r *Reconciler) pollDue(ctx context.Context, p *poller) time.Duration {
	repositories := r.repositories(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := r.polling(ctx); now != p.Polling {
		p.Polling = now
		clear(p.due)
	}
	if p.Interval == 0 {
		return lookAround
	}
	now := r.clock.Now()
	next := now.Add(min(lookAround, p.Interval))
	for key, use := range repositories {
		at, scheduled := p.due[key]
		if !scheduled {
			at = now.Add(p.wait()) // it was looked at a moment ago, when its first application came
			p.due[key] = at
		}
		if !at.After(now) {
			before, again := p.known[key], p.wait()
			switch {
			case p.asking[key]:
				at = now.Add(again)
			case p.enter(key):
				at = now.Add(again)
				go func() { p.leave(key, r.ask(ctx, key, use, before), r.clock.Now().Add(again)) }()
			default:
				at = now.Add(pollsAgain)
			}
		}
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

// ask compares a repository's refs with those of last time, and returns them; nil if there is no answer. The first time there
// is nothing to compare with, and what moved since the start is fetched.
func (r *Reconciler) ask(ctx context.Context, key way, use use, before map[string]string) map[string]string {
	end := r.metrics.ask("ls-remote", key.repository, "")
	refs, err := r.changes.Refs(ctx, use.project, use.sources)
	end(err)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("polling a repository", "repository", key.repository, "error", err)
			r.pushed(ctx, key.repository) // which repeats, and tells the applications if it goes on failing
		}
		return nil
	}
	if before == nil || !maps.Equal(before, refs) {
		r.pushed(ctx, key.repository)
	}
	return refs
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
