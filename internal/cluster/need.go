package cluster

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// needs tells which kinds applications need. What nobody needs for a while is no longer watched.
type needs struct {
	// of are the kinds of each application; applications with the same kinds share the list.
	of    map[string][]schema.GroupKind
	lists map[string][]schema.GroupKind
	count map[schema.GroupKind]int
	// last is when a kind was last needed by an application, or looked at by a person.
	last map[schema.GroupKind]time.Time
}

func newNeeds() needs {
	return needs{
		of: map[string][]schema.GroupKind{}, lists: map[string][]schema.GroupKind{},
		count: map[schema.GroupKind]int{}, last: map[schema.GroupKind]time.Time{},
	}
}

// set makes these the kinds that an application needs.
func (n *needs) set(instance string, gvks []schema.GroupVersionKind, now time.Time) {
	kinds := make([]schema.GroupKind, 0, len(gvks))
	for _, gvk := range gvks {
		kinds = append(kinds, gvk.GroupKind())
	}
	slices.SortFunc(kinds, func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	kinds = slices.Compact(kinds)
	before := n.of[instance]
	if slices.Equal(before, kinds) {
		return
	}
	for _, kind := range kinds {
		n.count[kind]++
	}
	n.drop(before, now)
	if len(kinds) == 0 {
		delete(n.of, instance)
		return
	}
	n.of[instance] = n.share(kinds)
}

func (n *needs) drop(kinds []schema.GroupKind, now time.Time) {
	for _, kind := range kinds {
		if n.count[kind]--; n.count[kind] <= 0 {
			delete(n.count, kind)
			n.last[kind] = now
		}
	}
}

func (n *needs) share(kinds []schema.GroupKind) []schema.GroupKind {
	var key strings.Builder
	for _, kind := range kinds {
		key.WriteString(kind.String() + "\n")
	}
	if known, ok := n.lists[key.String()]; ok {
		return known
	}
	if len(n.lists) > 1000 {
		clear(n.lists) // lists in use stay with who uses them
	}
	n.lists[key.String()] = kinds
	return kinds
}

// idle tells that nobody has needed a kind since then.
func (n *needs) idle(kind schema.GroupKind, since time.Time) bool {
	return n.count[kind] == 0 && n.last[kind].Before(since)
}

func (c *Cluster) need(instance string, gvks []schema.GroupVersionKind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.needs.set(instance, gvks, time.Now())
}

// look notes that somebody looks at kinds that no application needs.
func (c *Cluster) look(gvks []schema.GroupVersionKind) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, gvk := range gvks {
		c.needs.last[gvk.GroupKind()] = now
	}
}

// Release says that an application needs nothing of this cluster any more.
func (c *Cluster) Release(instance string) {
	c.need(instance, nil)
	c.need(orphansOf+instance, nil)
	c.store.monitor(instance, "")
}

// sweep stops now and then what nobody needs.
func (c *Cluster) sweep() {
	for pause(c.ctx, c.options.Idle/2) {
		c.sweepOnce(time.Now().Add(-c.options.Idle))
	}
}

func (c *Cluster) sweepOnce(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, w := range c.watches {
		if !c.needs.idle(key.kind, since) && !c.Excluded(key.kind) {
			continue
		}
		w.stop()
		delete(c.watches, key)
		c.store.drop(key) // under the lock, so that who needs it again finds either everything or nothing
	}
}

// pause waits a random time around d; false when the context ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
