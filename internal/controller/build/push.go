package build

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	genericevent "sigs.k8s.io/controller-runtime/pkg/event"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/event"
)

// pushListener wakes the rules that a push concerns. What it misses, the next poll finds.
type pushListener struct {
	client client.Reader
	deps   Deps
	heard  *heard
	tell   chan<- genericevent.GenericEvent
}

func (l *pushListener) run(ctx context.Context) error {
	pushes, cancel := l.deps.Bus.SubscribePush()
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case push := <-pushes:
			l.heard.note(push)
			for _, rule := range l.concerned(ctx, push) {
				select {
				case l.tell <- genericevent.GenericEvent{Object: &rule}:
				case <-ctx.Done():
					return nil
				}
			}
		}
	}
}

func (l *pushListener) concerned(ctx context.Context, push event.Push) []v1alpha1.BuildRule {
	var rules v1alpha1.BuildRuleList
	if err := l.client.List(ctx, &rules, client.InNamespace(l.deps.Options.Namespace)); err != nil {
		l.deps.Logger.Warn("listing build rules for a push; the next poll will find it", "repository", push.Repository, "error", err)
		return nil
	}
	var concerned []v1alpha1.BuildRule
	for _, rule := range rules.Items {
		if event.NormalizeURL(rule.Spec.Source.RepoURL) != push.Repository {
			continue
		}
		if compiled, err := build.Compile(&rule); err == nil && compiled.Matches(push.Ref) {
			concerned = append(concerned, rule)
		}
	}
	return concerned
}

// heardFor is how long the time of a push is remembered: longer than from a push to the Builds that it leads to.
const heardFor = 10 * time.Minute

// heard remembers when the hub learned of pushes, so that a Build can tell how long it took to be made.
type heard struct {
	clock clock.PassiveClock
	mu    sync.Mutex
	at    map[heardKey]time.Time
}

type heardKey struct{ repository, ref, commit string }

func newHeard(clock clock.PassiveClock) *heard {
	return &heard{clock: clock, at: map[heardKey]time.Time{}}
}

func (h *heard) note(push event.Push) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock.Now()
	for key, at := range h.at {
		if now.Sub(at) > heardFor {
			delete(h.at, key)
		}
	}
	h.at[heardKey{push.Repository, push.Ref, push.After}] = now
}

// when is the time at which the hub heard that the ref moved to the commit; now if nobody told.
func (h *heard) when(url, ref, commit string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, ok := h.at[heardKey{event.NormalizeURL(url), ref, commit}]; ok {
		return at
	}
	return h.clock.Now()
}

// since tells whether the hub heard, at that time or later, that the ref moved to the commit.
func (h *heard) since(url, ref, commit string, start time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.at[heardKey{event.NormalizeURL(url), ref, commit}]
	return ok && !at.Before(start)
}
