package build

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	genericevent "sigs.k8s.io/controller-runtime/pkg/event"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// jobs are the attempts that run in this hub.
type jobs struct {
	deps Deps
	// wake names Builds to be looked at again.
	wake chan genericevent.GenericEvent
	// alive is the context of all jobs; stop ends it.
	alive context.Context
	stop  context.CancelCauseFunc
	wait  sync.WaitGroup

	mu     sync.Mutex
	byName map[types.NamespacedName]*job
	rests  map[types.NamespacedName]rest
}

// rest is the time between two attempts.
type rest struct {
	until time.Time
	// failures counts the attempts that couldn't reach something, one after the other.
	failures int
}

func newJobs(deps Deps) *jobs {
	alive, stop := context.WithCancelCause(context.Background())
	return &jobs{
		deps: deps, wake: make(chan genericevent.GenericEvent, 1024), alive: alive, stop: stop,
		byName: map[types.NamespacedName]*job{}, rests: map[types.NamespacedName]rest{},
	}
}

// run waits for the hub's end and stops all jobs.
func (s *jobs) run(ctx context.Context) error {
	<-ctx.Done()
	s.stop(errShutdown)
	s.wait.Wait()
	return nil
}

// notify asks for a look at a Build.
func (s *jobs) notify(b *v1alpha1.Build) {
	select {
	case s.wake <- genericevent.GenericEvent{Object: b}:
	case <-s.alive.Done():
	}
}

// begin starts an attempt at a build that has none.
func (s *jobs) begin(b *v1alpha1.Build) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(b)
	if s.byName[key] != nil || s.alive.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(s.alive)
	j := &job{build: b.DeepCopy(), deps: s.deps, cancel: cancel}
	j.changed = func() { s.notify(j.build) }
	s.byName[key] = j
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		defer cancel(nil)
		j.run(ctx)
	}()
}

// look tells of a build's job, and of the time until its next attempt.
func (s *jobs) look(b *v1alpha1.Build) (*snapshot, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(b)
	if j := s.byName[key]; j != nil {
		if j.build.UID == b.UID {
			return j.snapshot(), 0
		}
		// A Build of that name was deleted and made again.
		j.cancel(errDeleted)
		delete(s.byName, key)
	}
	return nil, max(0, s.rests[key].until.Sub(s.deps.Clock.Now()))
}

func (s *jobs) cancel(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.byName[key]; j != nil {
		j.cancel(errCancelled)
	}
}

// abandon stops the job of a Build that is gone.
func (s *jobs) abandon(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.byName[key]; j != nil {
		j.cancel(errDeleted)
		delete(s.byName, key)
	}
	delete(s.rests, key)
}

// maxRest bounds the pause between two attempts: what a person waits who has just mended the builder.
const maxRest = 15 * time.Second

// forget removes a job whose outcome is recorded in b's status. One that is to be tried again gets a rest first.
func (s *jobs) forget(b *v1alpha1.Build) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(b)
	delete(s.byName, key)
	if b.Status.Phase != v1alpha1.BuildPending {
		delete(s.rests, key)
		return
	}
	failures := s.rests[key].failures + 1
	pause := min(maxRest, 250*time.Millisecond<<min(failures, 10))
	pause += time.Duration(rand.Int64N(int64(pause) / 4))
	s.rests[key] = rest{until: s.deps.Clock.Now().Add(pause), failures: failures}
}

// drop closes the books of a build that was ended without a last attempt.
func (s *jobs) drop(b *v1alpha1.Build) {
	s.forget(b)
	b = b.DeepCopy()
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		if log, err := s.deps.Logs.Writer(b, nil); err == nil {
			fmt.Fprintln(log, b.Status.Message)
			log.Close()
		}
		closeLog(s.deps, b)
	}()
}

func (s *jobs) places() places {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := places{running: map[types.NamespacedName]bool{}, resting: map[types.NamespacedName]bool{}, parallel: s.deps.Options.Parallel}
	for key := range s.byName {
		p.running[key] = true
	}
	now := s.deps.Clock.Now()
	for key, rest := range s.rests {
		p.resting[key] = rest.until.After(now)
	}
	return p
}
