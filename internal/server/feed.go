package server

import (
	"context"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// The types of events, Kubernetes'.
const (
	added    = "ADDED"
	modified = "MODIFIED"
	deleted  = "DELETED"
)

// change is an application that changed. The application is shared: it must not be modified.
type change struct {
	kind string
	app  *argo.Application
}

// feed hands the changes of applications to any number of subscribers. One that is slow misses states in between, but
// never the newest of an application, and takes no more memory than there are applications.
type feed struct {
	mu          sync.Mutex
	subscribers map[*subscription]bool
}

// feed is an informer's handler.
var _ toolscache.ResourceEventHandler = (*feed)(nil)

func newFeed() *feed { return &feed{subscribers: map[*subscription]bool{}} }

// OnAdd is called by the informer.
func (f *feed) OnAdd(obj any, _ bool) { f.publish(added, obj) }

// OnUpdate is called by the informer.
func (f *feed) OnUpdate(old, obj any) {
	before, ok := old.(*argo.Application)
	if after, isApp := obj.(*argo.Application); ok && isApp && before.ResourceVersion == after.ResourceVersion {
		return
	}
	f.publish(modified, obj)
}

// OnDelete is called by the informer.
func (f *feed) OnDelete(obj any) {
	if missed, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = missed.Obj
	}
	f.publish(deleted, obj)
}

func (f *feed) publish(kind string, obj any) {
	app, ok := obj.(*argo.Application)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subscribers {
		s.put(change{kind, app})
	}
}

// subscribe begins to collect changes; end it with close. Of which applications, concerns tells; nil means all.
func (f *feed) subscribe(concerns func(*argo.Application) bool) *subscription {
	s := &subscription{feed: f, concerns: concerns, pending: map[client.ObjectKey]change{}, wake: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers[s] = true
	return s
}

type subscription struct {
	feed     *feed
	concerns func(*argo.Application) bool
	wake     chan struct{}

	mu      sync.Mutex
	pending map[client.ObjectKey]change
	order   []client.ObjectKey
}

func (s *subscription) close() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	delete(s.feed.subscribers, s)
}

func (s *subscription) put(c change) {
	if s.concerns != nil && !s.concerns(c.app) {
		return
	}
	key := client.ObjectKeyFromObject(c.app)
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, waits := s.pending[key]
	if !waits {
		s.order = append(s.order, key)
	} else if waiting.kind == added && c.kind == modified {
		c.kind = added // who hasn't heard of it yet hears of it as new
	}
	s.pending[key] = c
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next waits for a change; the error is ctx's.
func (s *subscription) next(ctx context.Context) (change, error) {
	for {
		s.mu.Lock()
		if len(s.order) > 0 {
			key := s.order[0]
			s.order = s.order[1:]
			c := s.pending[key]
			delete(s.pending, key)
			s.mu.Unlock()
			return c, nil
		}
		s.mu.Unlock()
		select {
		case <-s.wake:
		case <-ctx.Done():
			return change{}, ctx.Err()
		}
	}
}
