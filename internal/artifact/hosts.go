package artifact

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// hosts keeps a host that hangs or fails from holding up others: only so many questions to it at a time, and after a
// failure none at all for a while that grows.
type hosts struct {
	clock    clock.Clock
	parallel int
	// first and longest are the pauses after failures.
	first, longest time.Duration

	mu  sync.Mutex
	all map[string]*host
}

type host struct {
	places chan struct{}
	// failures are those in a row; until then, err is the answer.
	failures int
	until    time.Time
	err      error
	// probing says that somebody is finding out whether the host is back.
	probing bool
}

// errOutage marks failures that say that a host is not well, rather than that the question was wrong.
var errOutage = errors.New("the repository is not well")

// outage marks an error as one.
type outage struct{ error }

func (o outage) Is(target error) bool { return target == errOutage }
func (o outage) Unwrap() error        { return o.error }

// ask runs a question to a host, or repeats the failure of a moment ago.
func (h *hosts) ask(ctx context.Context, name string, question func() error) error {
	at, err := h.enter(name)
	if err != nil {
		return err
	}
	select {
	case at.places <- struct{}{}:
		defer func() { <-at.places }()
	case <-ctx.Done():
		h.leave(at, context.Canceled) // nothing was learned
		return fmt.Errorf("waiting for earlier questions to %s: %w", name, context.Cause(ctx))
	}
	err = question()
	h.leave(at, err)
	return err
}

func (h *hosts) enter(name string) (*host, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[string]*host{}
	}
	at := h.all[name]
	if at == nil {
		if len(h.all) > 1000 {
			clear(h.all) // applications name hosts, and must not fill the memory with them
		}
		at = &host{places: make(chan struct{}, h.parallel)}
		h.all[name] = at
	}
	if at.failures == 0 {
		return at, nil
	}
	if wait := at.until.Sub(h.clock.Now()); wait > 0 || at.probing {
		return nil, outage{fmt.Errorf("%w (asked again in %s)", at.err, max(wait, time.Second).Round(time.Second))}
	}
	at.probing = true
	return at, nil
}

func (h *hosts) leave(at *host, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at.probing = false
	if !errors.Is(err, errOutage) {
		if err == nil || !errors.Is(err, context.Canceled) {
			at.failures, at.err = 0, nil
		}
		return
	}
	at.err = err
	at.until = h.clock.Now().Add(min(h.first<<min(at.failures, 20), h.longest))
	at.failures++
}
