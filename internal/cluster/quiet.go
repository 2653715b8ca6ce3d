package cluster

import (
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

func (s *store) known(n *node) *node {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byKind[n.kind.GroupKind][place{n.namespace, n.name}]
}

// isQuiet tells whether a change of an object is nothing that its application has to be looked at for: the object does as
// well as before, and what changed doesn't matter. Hooks are watched to their end by the sync that runs them, so that every
// change of theirs is told.
func (s *store) isQuiet(before, after *node) bool {
	if s.quiet == nil || before == nil || before.uid != after.uid || before.instance != after.instance ||
		before.body == "" || after.body == "" || before.partial || after.partial || !sameHealth(before.summary.status(), after.summary.status()) {
		return false
	}
	u := after.object()
	if _, hook := object.Hooks(u); hook {
		return false
	}
	return s.quiet(before.object(), u)
}

func sameHealth(a, b *health.Status) bool {
	return a == b || a != nil && b != nil && *a == *b
}
