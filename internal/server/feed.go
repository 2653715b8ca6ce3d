package server

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

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
	// number counts the changes of a feed.
	number uint64
}

// feed knows all applications, and hands their changes to any number of subscribers. One that is slow misses states in
// between, but never the newest of an application, and takes no more memory than there are applications. The applications are
// the informer's own.
type feed struct {
	mu          sync.Mutex
	subscribers map[*subscription]bool
	apps        map[client.ObjectKey]*argo.Application
	// sorted are the applications by name, then namespace; nil where one changed since. It isn't changed once it is made.
	sorted []*argo.Application
	// newest is the highest resource version that was seen, number that of the last change.
	newest string
	number uint64
	// gone are the applications that were deleted last, the latest at the end.
	gone []departure
	now  func() time.Time
}

// departure is an application as it was when it was deleted.
type departure struct {
	app *argo.Application
	at  time.Time
}

const (
	// farewell is for how long who begins to watch an application that was just deleted is told so: argocd app delete --wait
	// asks after the deletion, which may be over by then.
	farewell = time.Minute
	// maxGone bounds how many of them are remembered.
	maxGone = 256
)

// feed is an informer's handler.
var _ toolscache.ResourceEventHandler = (*feed)(nil)

func newFeed(now func() time.Time) *feed {
	return &feed{now: now, subscribers: map[*subscription]bool{}, apps: map[client.ObjectKey]*argo.Application{}}
}

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
	key := client.ObjectKeyFromObject(app)
	f.mu.Lock()
	defer f.mu.Unlock()
	if kind == deleted {
		delete(f.apps, key)
		f.gone = append(f.gone, departure{app, f.now()})
		if len(f.gone) > maxGone {
			f.gone = slices.Delete(f.gone, 0, len(f.gone)-maxGone)
		}
	} else {
		f.apps[key] = app
	}
	f.sorted = nil
	if newer(app.ResourceVersion, f.newest) {
		f.newest = app.ResourceVersion
	}
	f.number++
	for s := range f.subscribers {
		s.put(change{kind, app, f.number})
	}
}

// all are the applications, by name and then namespace, with the newest resource version that was seen. The list and what is
// in it are shared: neither must be modified.
func (f *feed) all() ([]*argo.Application, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list(), f.newest
}

// application is the one of a name; nil if there is none. It is shared, and must not be modified.
func (f *feed) application(key client.ObjectKey) *argo.Application {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.apps[key]
}

// departed is an application that was deleted a moment ago; nil if there is none, or another one in its place.
func (f *feed) departed(key client.ObjectKey) *argo.Application {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.apps[key] != nil {
		return nil
	}
	for _, d := range slices.Backward(f.gone) {
		if client.ObjectKeyFromObject(d.app) == key && f.now().Sub(d.at) < farewell {
			return d.app
		}
	}
	return nil
}

// last is the number of the last change.
func (f *feed) last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.number
}

func (f *feed) list() []*argo.Application {
	if f.sorted == nil {
		f.sorted = slices.SortedFunc(maps.Values(f.apps), func(a, b *argo.Application) int {
			if byName := strings.Compare(a.Name, b.Name); byName != 0 {
				return byName
			}
			return strings.Compare(a.Namespace, b.Namespace)
		})
	}
	return f.sorted
}

// subscribe begins to collect changes; end it with close. Of which applications, concerns tells; nil means all. It also
// returns those that there are, of which every later change is told.
func (f *feed) subscribe(concerns func(*argo.Application) bool) (*subscription, []*argo.Application) {
	s := &subscription{feed: f, concerns: concerns, pending: map[client.ObjectKey]change{}, wake: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers[s] = true
	return s, f.list()
}

// reach waits until the feed has a version of an application, a newer one, or none any more.
func (f *feed) reach(ctx context.Context, app *argo.Application) {
	key := client.ObjectKeyFromObject(app)
	subscription, _ := f.subscribe(func(other *argo.Application) bool { return client.ObjectKeyFromObject(other) == key })
	defer subscription.close()
	f.mu.Lock()
	current := f.apps[key]
	f.mu.Unlock()
	for current == nil || newer(app.ResourceVersion, current.ResourceVersion) {
		change, err := subscription.next(ctx)
		if err != nil || change.kind == deleted && change.app.UID == app.UID {
			return
		}
		current = change.app
	}
}

// newer compares resource versions, which Kubernetes has declared to be numbers that grow.
func newer(a, b string) bool {
	return len(a) > len(b) || (len(a) == len(b) && a > b)
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
