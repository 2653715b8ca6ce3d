package login

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// maxFailures within failureWindow shut an account's door until the window has passed; both are upstream's.
	maxFailures   = 5
	failureWindow = 5 * time.Minute
	// maxNames bounds the names that are remembered.
	maxNames = 10_000
	// maxChecks bounds the passwords that are checked at a time: each takes a processor for some 60 ms.
	maxChecks = 4
)

// attempts counts the failed logins of each name, and limits how many passwords are checked at once.
type attempts struct {
	clock  clock.Clock
	checks chan struct{}

	mu     sync.Mutex
	failed map[string]failures
}

type failures struct {
	count int
	last  time.Time
}

func newAttempts(clock clock.Clock) *attempts {
	return &attempts{clock: clock, checks: make(chan struct{}, maxChecks), failed: map[string]failures{}}
}

// begin waits for a place to check a password of a name, and counts the attempt as failed until done says otherwise:
// attempts at the same time don't slip through together. The error is ErrCredentials if there were too many.
func (a *attempts) begin(ctx context.Context, name string) (done func(success bool), err error) {
	select {
	case a.checks <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	f := a.failed[name]
	if now.Sub(f.last) > failureWindow {
		f = failures{}
	}
	if f.count >= maxFailures {
		<-a.checks
		return nil, ErrCredentials
	}
	a.forget(now)
	a.failed[name] = failures{count: f.count + 1, last: now}
	return func(success bool) {
		<-a.checks
		if success {
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.failed, name)
		}
	}, nil
}

// forget makes room: names whose time is over first, then any but the admin, whose counter nobody shall flush.
func (a *attempts) forget(now time.Time) {
	if len(a.failed) < maxNames {
		return
	}
	for name, f := range a.failed {
		if now.Sub(f.last) > failureWindow {
			delete(a.failed, name)
		}
	}
	for name := range a.failed {
		if len(a.failed) < maxNames {
			return
		}
		if name != AdminName {
			delete(a.failed, name)
		}
	}
}
