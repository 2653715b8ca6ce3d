package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings/live"
	"fairlead.dev/fairlead/internal/syncplan"
)

// strays are applications that objects in a cluster name and of which no session is known, by where they were seen: those
// whose first reconcile is yet to come, and those that were deleted while no hub ran.
type strays struct {
	mu      sync.Mutex
	servers map[types.NamespacedName]string
}

func (s *strays) note(name types.NamespacedName, server string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers == nil {
		s.servers = map[types.NamespacedName]string{}
	}
	s.servers[name] = server
}

// take returns and forgets where a stray was seen; empty if it is none.
func (s *strays) take(name types.NamespacedName) (server string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	server = s.servers[name]
	delete(s.servers, name)
	return server
}

// letStrayHooksGo takes the finalizer from what is left of the hooks of an application that was deleted while no hub ran, as
// far as somebody deletes them: nobody else would. The error is that of a cluster that isn't known yet.
func (r *Reconciler) letStrayHooksGo(ctx context.Context, name types.NamespacedName) error {
	server := r.strays.take(name)
	if server == "" {
		return nil
	}
	connection, err := r.settings.Destination(ctx, v1alpha1.ApplicationDestination{Server: server})
	var unknown *live.UnknownClusterError
	if errors.As(err, &unknown) || errors.Is(err, live.ErrDisabled) {
		return nil
	}
	var c Cluster
	if err == nil {
		c, err = r.clusters.Get(ctx, connection)
	}
	if errors.Is(err, cluster.ErrUnreachable) {
		return nil // its objects are listed anew when it is reached
	}
	if err != nil {
		r.strays.note(name, server)
		return fmt.Errorf("looking for hooks that application %s has left: %w", name, err)
	}
	for _, u := range c.Managed(object.InstanceName(name.Name, name.Namespace, r.options.Namespace), nil) {
		ours := u.GetAnnotations()[syncplan.OperationAnnotation] != "" && slices.Contains(u.GetFinalizers(), object.HookFinalizer)
		if !ours || u.GetDeletionTimestamp() == nil {
			continue
		}
		if err := c.RemoveFinalizer(ctx, u, object.HookFinalizer); err != nil {
			r.strays.note(name, server)
			return fmt.Errorf("letting a hook go that application %s has left: %w", name, err)
		}
	}
	return nil
}
