package server

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
)

// setChanges are the application sets that a stream has still to tell of, the newest state of each. It is an informer's handler.
type setChanges struct {
	// initial takes those that there are at the beginning, too.
	initial bool
	wake    chan struct{}

	mu      sync.Mutex
	pending map[client.ObjectKey]setChange
	order   []client.ObjectKey
}

// setChange is one change. The set is shared: it must not be modified.
type setChange struct {
	kind string
	set  *argo.ApplicationSet
}

// OnAdd is called by the informer.
func (s *setChanges) OnAdd(obj any, initial bool) {
	if s.initial || !initial {
		s.put(added, obj)
	}
}

// OnUpdate is called by the informer.
func (s *setChanges) OnUpdate(old, obj any) {
	before, ok := old.(*argo.ApplicationSet)
	if after, isSet := obj.(*argo.ApplicationSet); ok && isSet && before.ResourceVersion == after.ResourceVersion {
		return
	}
	s.put(modified, obj)
}

// OnDelete is called by the informer.
func (s *setChanges) OnDelete(obj any) {
	if missed, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = missed.Obj
	}
	s.put(deleted, obj)
}

func (s *setChanges) put(kind string, obj any) {
	set, ok := obj.(*argo.ApplicationSet)
	if !ok {
		return
	}
	key := client.ObjectKeyFromObject(set)
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, waits := s.pending[key]
	if !waits {
		s.order = append(s.order, key)
	} else if waiting.kind == added && kind == modified {
		kind = added // who hasn't heard of it yet hears of it as new
	}
	s.pending[key] = setChange{kind, set}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next waits for a change; the error is ctx's.
func (s *setChanges) next(ctx context.Context) (setChange, error) {
	for {
		s.mu.Lock()
		if len(s.order) > 0 {
			change := s.pending[s.order[0]]
			delete(s.pending, s.order[0])
			s.order = s.order[1:]
			s.mu.Unlock()
			return change, nil
		}
		s.mu.Unlock()
		select {
		case <-s.wake:
		case <-ctx.Done():
			return setChange{}, ctx.Err()
		}
	}
}

// watchSets sends every change; where the query has a name, how it is now comes first.
func (s *Server) watchSets(ctx context.Context, c *call, q *protocol.ApplicationSetWatchQuery, send func(*protocol.ApplicationSetWatchEvent) error) error {
	selector, err := labels.Parse(q.Selector)
	if err != nil {
		return fmt.Errorf("error parsing labels with selectors: %w", err)
	}
	since := ""
	if digits(q.ResourceVersion) {
		since = q.ResourceVersion
	}
	changes := &setChanges{initial: q.Name != "", wake: make(chan struct{}, 1), pending: map[client.ObjectKey]setChange{}}
	informer, err := s.options.Informers.GetInformer(ctx, &argo.ApplicationSet{})
	if err != nil {
		return fmt.Errorf("watching ApplicationSets: %w", err)
	}
	registration, err := informer.AddEventHandler(changes)
	if err != nil {
		return fmt.Errorf("watching ApplicationSets: %w", err)
	}
	defer func() { _ = informer.RemoveEventHandler(registration) }()
	c.checked = true // of each set below
	for {
		change, err := changes.next(ctx)
		if err != nil {
			return nil // the client has gone
		}
		if err := s.renew(ctx, c); err != nil {
			return err
		}
		set, project := change.set, change.set.Spec.Template.Spec.Project
		if (q.Name == "" || q.Name == set.Name) && (q.AppSetNamespace == "" || q.AppSetNamespace == set.Namespace) &&
			(since == "" || !newer(since, set.ResourceVersion)) && (len(q.Projects) == 0 || slices.Contains(q.Projects, project)) &&
			selector.Matches(labels.Set(set.Labels)) && s.serves(ctx, set.Namespace) &&
			c.user.Allowed(access.ApplicationSets, access.Get, s.setObject(set, project)) {
			if err := send(&protocol.ApplicationSetWatchEvent{Type: change.kind, ApplicationSet: *set}); err != nil {
				return err
			}
		}
	}
}
