package applicationset

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// longestLag is for how long a cache may lag behind our own writes. If one still seems to then, it is not late: the API server
// has gone back in time, as one does that was restored from a backup.
const longestLag = 10 * time.Second

// lastWrites are the versions that our last writes gave to the sets. A status that is worked out from an older one, which the cache
// may still have, would lack in its patch what both have in common.
type lastWrites struct {
	mu   sync.Mutex
	sets map[types.NamespacedName]lastWrite
}

type lastWrite struct {
	version string
	at      time.Time
}

// note remembers what a visit has written, if anything.
func (w *lastWrites) note(v *visit, now time.Time) {
	if v.set.ResourceVersion == v.read || v.operator.DryRun {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sets == nil {
		w.sets = map[types.NamespacedName]lastWrite{}
	}
	w.sets[types.NamespacedName{Namespace: v.set.Namespace, Name: v.set.Name}] = lastWrite{version: v.set.ResourceVersion, at: now}
}

// lag tells whether a set that the cache gave is older than our last write of it.
func (w *lastWrites) lag(set *v1alpha1.ApplicationSet, now time.Time) bool {
	name := types.NamespacedName{Namespace: set.Namespace, Name: set.Name}
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.sets[name]
	if !ok {
		return false
	}
	if order, err := resourceversion.CompareResourceVersion(set.ResourceVersion, last.version); err == nil && order < 0 && now.Sub(last.at) < longestLag {
		return true
	}
	delete(w.sets, name)
	return false
}

// forget lets go of a set that is gone.
func (w *lastWrites) forget(name types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sets, name)
}
