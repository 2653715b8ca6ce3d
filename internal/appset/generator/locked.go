package generator

import (
	"maps"
	"sync"
)

// locked is a map for concurrent use. Its zero value is empty.
type locked[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]V
}

func (l *locked[K, V]) get(key K) (V, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	value, ok := l.values[key]
	return value, ok
}

// put keeps at most most values: with one more, it starts anew.
func (l *locked[K, V]) put(key K, value V, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.values == nil || len(l.values) >= most {
		l.values = map[K]V{}
	}
	l.values[key] = value
}

func (l *locked[K, V]) drop(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.values, key)
}

func (l *locked[K, V]) dropAll(which func(V) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.values, func(_ K, value V) bool { return which(value) })
}
