package cluster

import (
	"slices"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/object"
)

// place is where an object is within its kind.
type place struct{ namespace, name string }

// store is the cache of one cluster: objects by kind and name, by application, and by owner.
type store struct {
	maker
	changed func(telling)
	// quiet is Options.Quiet.
	quiet func(before, after *unstructured.Unstructured) bool
	// events counts what watches told; byKind's lock guards told.
	events atomic.Int64
	told   map[schema.GroupKind]int64

	mu         sync.RWMutex
	byKind     map[schema.GroupKind]map[place]*node
	byUID      map[types.UID]*node
	byInstance map[string][]*node
	byOwner    map[types.UID][]*node
	// monitors are the applications that want to know of a namespace's orphans.
	monitors map[string]map[string]bool
}

func newStore(m maker, changed func(telling)) *store {
	return &store{
		maker: m, changed: changed,
		byKind: map[schema.GroupKind]map[place]*node{}, byUID: map[types.UID]*node{},
		told:       map[schema.GroupKind]int64{},
		byInstance: map[string][]*node{}, byOwner: map[types.UID][]*node{}, monitors: map[string]map[string]bool{},
	}
}

// find is the node of an object; nil if there is none. The caller holds mu.
func (s *store) find(key object.Key) *node {
	return s.byKind[key.GroupKind()][place{key.Namespace, key.Name}]
}

// put takes in an object, seen by a watch or answered to a write, unless something newer is known.
func (s *store) put(n *node) {
	s.events.Add(1)
	before := s.known(n)
	quiet := s.isQuiet(before, n)
	s.mu.Lock()
	s.told[n.kind.GroupKind]++
	old := s.byKind[n.kind.GroupKind][place{n.namespace, n.name}]
	if !n.replaces(old) {
		s.mu.Unlock()
		return
	}
	s.unlink(old)
	s.link(n)
	var told map[telling]bool
	if !quiet || old != before {
		told = s.concerned(old, n)
	}
	s.mu.Unlock()
	s.tell(told)
}

// putWritten takes in the answer to a write of ours. It tells nobody but those that the object was taken from: who wrote
// knows.
func (s *store) putWritten(n *node) {
	var told map[telling]bool
	s.mu.Lock()
	old := s.byKind[n.kind.GroupKind][place{n.namespace, n.name}]
	if n.replaces(old) {
		if old != nil && old.instance != n.instance {
			told = s.concerned(old, nil)
			delete(told, telling{instance: n.instance})
		}
		s.unlink(old)
		s.link(n)
	}
	s.mu.Unlock()
	s.tell(told)
}

// replaces tells that a node says more than what is known: it is newer, or whole where that is partial.
func (n *node) replaces(old *node) bool {
	if old == nil {
		return true
	}
	if old.uid != n.uid && old.resourceVersion != n.resourceVersion {
		return newer(n.resourceVersion, old.resourceVersion)
	}
	return newer(n.resourceVersion, old.resourceVersion) ||
		n.resourceVersion == old.resourceVersion && (old.partial && !n.partial || old.summary.less(n.summary))
}

// remove takes out an object that is gone.
func (s *store) remove(kind schema.GroupKind, meta metav1.Object) {
	s.events.Add(1)
	s.mu.Lock()
	s.told[kind]++
	old := s.byKind[kind][place{meta.GetNamespace(), meta.GetName()}]
	if old == nil || old.uid != meta.GetUID() {
		s.mu.Unlock()
		return // another object of the same name is there already
	}
	told := s.concerned(old, nil)
	s.unlink(old)
	s.mu.Unlock()
	s.tell(told)
}

// replace makes the objects all there were of a kind at a resource version. What is newer than the list, because a write
// of ours was answered meanwhile, stays; unless time went back (a restored backup): then the list is the truth.
func (s *store) replace(key watchKey, list []*node, at string, wentBack bool) {
	nodes := make(map[place]*node, len(list))
	for _, n := range list {
		nodes[place{n.namespace, n.name}] = n
	}
	told := map[telling]bool{}
	note := func(more map[telling]bool) {
		for t := range more {
			told[t] = true
		}
	}
	s.mu.Lock()
	for p, old := range s.byKind[key.kind] {
		if key.namespace != metav1.NamespaceAll && p.namespace != key.namespace {
			continue
		}
		if nodes[p] == nil && (wentBack || !newer(old.resourceVersion, at)) {
			note(s.concerned(old, nil))
			s.unlink(old)
		}
	}
	for p, n := range nodes {
		old := s.byKind[key.kind][p]
		if !n.replaces(old) && !wentBack {
			continue
		}
		s.unlink(old)
		s.link(n)
		note(s.concerned(old, n))
	}
	s.mu.Unlock()
	s.tell(told)
}

// drop forgets the objects of a watch. It returns whom that concerns: nobody, where no application needs the kind.
func (s *store) drop(key watchKey) (told map[telling]bool) {
	told = map[telling]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, old := range s.byKind[key.kind] {
		if key.namespace == metav1.NamespaceAll || p.namespace == key.namespace {
			for t := range s.concerned(old, nil) {
				told[t] = true
			}
			s.unlink(old)
		}
	}
	return told
}

func (s *store) link(n *node) {
	objects := s.byKind[n.kind.GroupKind]
	if objects == nil {
		objects = map[place]*node{}
		s.byKind[n.kind.GroupKind] = objects
	}
	objects[place{n.namespace, n.name}] = n
	s.byUID[n.uid] = n
	if n.instance != "" {
		s.byInstance[n.instance] = append(s.byInstance[n.instance], n)
	}
	for _, owner := range n.owners {
		s.byOwner[owner] = append(s.byOwner[owner], n)
	}
}

func (s *store) unlink(n *node) {
	if n == nil {
		return
	}
	objects := s.byKind[n.kind.GroupKind]
	delete(objects, place{n.namespace, n.name})
	if len(objects) == 0 {
		delete(s.byKind, n.kind.GroupKind)
	}
	if s.byUID[n.uid] == n {
		delete(s.byUID, n.uid)
	}
	cut(s.byInstance, n.instance, n)
	for _, owner := range n.owners {
		cut(s.byOwner, owner, n)
	}
}

// cut takes a node out of an index; the last one moves into its place.
func cut[K comparable](index map[K][]*node, at K, n *node) {
	list := index[at]
	i := slices.Index(list, n)
	if i < 0 {
		return
	}
	if len(list) == 1 {
		delete(index, at)
		return
	}
	last := len(list) - 1
	list[i], list[last] = list[last], nil
	index[at] = list[:last]
}

// telling is whom a change is told, and what of it: see Change.
type telling struct {
	instance      string
	child, orphan bool
}

// concerned are the applications that a change of a node is of interest to.
func (s *store) concerned(old, new *node) map[telling]bool {
	told := map[telling]bool{}
	for _, n := range []*node{old, new} {
		if n == nil {
			continue
		}
		if n.instance != "" {
			told[telling{instance: n.instance}] = true
		} else if instance := s.rootInstance(n, maxDepth); instance != "" {
			told[telling{instance: instance, child: true}] = true
		} else {
			s.tellMonitors(told, n, old, new)
		}
	}
	return told
}

// maxDepth bounds how far owners are followed; it bounds circles too.
const maxDepth = 8

// rootInstance climbs from owner to owner to what an application manages.
func (s *store) rootInstance(n *node, depth int) string {
	if depth == 0 {
		return ""
	}
	for _, owner := range s.parents(n) {
		if owner.instance != "" {
			return owner.instance
		}
		if instance := s.rootInstance(owner, depth-1); instance != "" {
			return instance
		}
	}
	return ""
}

func (s *store) tell(told map[telling]bool) {
	for t := range told {
		s.changed(t)
	}
}

func (s *store) size() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byUID)
}

// Live is what the cache knows of an object: whether it exists, and its trimmed state, which is nil if no application
// manages it. The state is a copy. Of kinds that may not be watched nothing is known, and objects count as existing: Get
// tells.
func (c *Cluster) Live(key object.Key) (u *unstructured.Unstructured, exists bool) {
	c.store.mu.RLock()
	n := c.store.find(key)
	c.store.mu.RUnlock()
	switch {
	case n == nil:
		return nil, c.isBlind(key.GroupKind())
	case n.partial:
		return nil, true
	}
	return n.object(), true
}

// Managed are the objects that say that they belong to the application, without those that another object owns: they
// are copies made by a controller. Of kinds that the application doesn't Watch there may be metadata only. Those in but,
// which may be nil, are left out, which saves the work of decoding them.
func (c *Cluster) Managed(instance string, but map[object.Key]bool) []*unstructured.Unstructured {
	var nodes []*node
	c.store.mu.RLock()
	for _, n := range c.store.byInstance[instance] {
		if len(n.owners) == 0 && !but[n.key()] && c.store.inferParent(n) == nil {
			nodes = append(nodes, n)
		}
	}
	c.store.mu.RUnlock()
	objects := make([]*unstructured.Unstructured, len(nodes)) // decoded outside of the lock: nodes never change
	for i, n := range nodes {
		objects[i] = n.object()
	}
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int { return object.KeyOf(a).Compare(object.KeyOf(b)) })
	return objects
}
