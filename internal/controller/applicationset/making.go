package applicationset

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Making tells of the sets that make many applications at this moment, so that those can wait that are made already: half of what
// an API server has to do for a new application is its first status. The zero value is ready.
type Making struct {
	mu sync.Mutex
	// sets has those that do, and for each the applications that wait for it, with what wakes them.
	sets map[types.NamespacedName]map[types.NamespacedName]func()
}

// Wait has an application wait until its set has made what it is making, and calls wake then. False means that there is nothing to
// wait for.
func (m *Making) Wait(set, application types.NamespacedName, wake func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting, busy := m.sets[set]
	if busy {
		waiting[application] = wake
	}
	return busy
}

// begin says that a set makes many applications until end is called; nil is told nothing.
func (m *Making) begin(set types.NamespacedName) (end func()) {
	if m == nil {
		return func() {}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sets == nil {
		m.sets = map[types.NamespacedName]map[types.NamespacedName]func(){}
	}
	m.sets[set] = map[types.NamespacedName]func(){}
	return func() {
		m.mu.Lock()
		waiting := m.sets[set]
		delete(m.sets, set)
		m.mu.Unlock()
		for _, wake := range waiting {
			wake()
		}
	}
}
