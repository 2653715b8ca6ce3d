package application

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// ownWrites tells the echo of our own writes of an application from what others change. A watch may tell of a write before
// it is answered, so what is heard during one is parked until the answer says which version is ours.
type ownWrites struct {
	underway bool
	parked   []string
	// awaited are the versions that we wrote and haven't heard of yet, oldest first.
	awaited []string
}

// mostAwaited bounds what is kept while no watch tells anything. A write that is forgotten costs a look.
const mostAwaited = 16

// hear takes a version that the watch tells of, and says whether it is nothing to look at now.
func (w *ownWrites) hear(version string) (echo bool) {
	if at := slices.Index(w.awaited, version); at >= 0 {
		w.awaited = slices.Clone(w.awaited[at+1:]) // the watch has skipped those before, or lists anew
		return true
	}
	if w.underway {
		w.parked = append(w.parked, version)
	}
	return w.underway
}

// end takes the version that a write made, empty if it failed. It says whether the watch has told of it already, and
// whether it told of what others did.
func (w *ownWrites) end(version string) (heard, others bool) {
	heard = slices.Contains(w.parked, version)
	others = slices.ContainsFunc(w.parked, func(parked string) bool { return parked != version })
	w.underway, w.parked = false, nil
	if !heard && version != "" {
		w.awaited = append(w.awaited, version)
		w.awaited = w.awaited[max(0, len(w.awaited)-mostAwaited):]
	}
	return heard, others
}

// patch writes an application, whose new state it leaves in written. What others changed meanwhile is looked at next.
func (r *Reconciler) patch(ctx context.Context, s *session, written *v1alpha1.Application, patch client.Patch) error {
	s.mu.Lock()
	s.own.underway = true
	s.mu.Unlock()
	err := r.client.Patch(ctx, written, patch)
	s.mu.Lock()
	defer s.mu.Unlock()
	version := ""
	if err == nil {
		version = written.ResourceVersion
	}
	heard, others := s.own.end(version)
	if others {
		r.wake(s.name)
	}
	if err == nil {
		s.written = written
	}
	if heard {
		s.written = nil
	}
	return err
}

// echoes tells whether an object of that version, which the cache has now, is nothing to look at: what we wrote ourselves.
func (s *session) echoes(resourceVersion string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	echo := s.own.hear(resourceVersion)
	if s.written != nil && s.written.ResourceVersion == resourceVersion {
		s.written = nil
	}
	return echo
}
