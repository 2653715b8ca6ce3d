// Package lru is a map that forgets what was used least recently, bounded by the bytes that its values say they hold.
//
// It is for values that can always be made again (objects of Git, renderings); it knows no time and no eviction hooks.
// Start with New.
package lru

import (
	"container/list"
	"sync"
)

// Cache maps keys to values within a budget of bytes. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu     sync.Mutex
	budget int64
	used   int64
	order  *list.List // of *entry[K, V]; the front was used last
	byKey  map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
	bytes int64
}

// New makes a cache of at most budget bytes; with a budget of zero or less it remembers nothing.
func New[K comparable, V any](budget int64) *Cache[K, V] {
	return &Cache[K, V]{budget: budget, order: list.New(), byKey: map[K]*list.Element{}}
}

// Get returns the value of key and whether there is one.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byKey[key]
	if !ok {
		var none V
		return none, false
	}
	c.order.MoveToFront(element)
	return element.Value.(*entry[K, V]).value, true
}

// Put remembers value, which holds about that many bytes, in place of what key had. A value larger than a quarter of the
// budget is not kept, so that one giant doesn't drive out all others.
func (c *Cache[K, V]) Put(key K, value V, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.byKey[key]; ok {
		c.drop(element)
	}
	if bytes > c.budget/4 {
		return
	}
	c.byKey[key] = c.order.PushFront(&entry[K, V]{key, value, bytes})
	c.used += bytes
	for c.used > c.budget {
		c.drop(c.order.Back())
	}
}

// Delete forgets key.
func (c *Cache[K, V]) Delete(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.byKey[key]; ok {
		c.drop(element)
	}
}

// Len is the number of values held.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byKey)
}

// Bytes is what the held values say they take.
func (c *Cache[K, V]) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

func (c *Cache[K, V]) drop(element *list.Element) {
	dropped := c.order.Remove(element).(*entry[K, V])
	delete(c.byKey, dropped.key)
	c.used -= dropped.bytes
}
