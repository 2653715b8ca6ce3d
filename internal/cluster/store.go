package cluster

import (
	"cmp"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

// lastApplied is kubectl's annotation that repeats the whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// node is what the cache knows of one object.
type node struct {
	key             object.Key
	version         string // API version without group
	uid             types.UID
	resourceVersion string
	owners          []types.UID
	created         metav1.Time
	// instance is the application that manages it; empty for none.
	instance string
	// full is the trimmed object; nil unless an application manages it.
	full *unstructured.Unstructured
	// summary is what the resource tree shows of kinds that are children.
	summary *summary
}

// store is the cache of one cluster: objects by key, by application, and by owner.
type store struct {
	tracking object.Tracking
	changed  func(instance string, child bool)

	mu         sync.RWMutex
	byKey      map[object.Key]*node
	byUID      map[types.UID]*node
	byInstance map[string]map[object.Key]*node
	byOwner    map[types.UID]map[object.Key]*node
}

func newStore(tracking object.Tracking, changed func(instance string, child bool)) *store {
	return &store{
		tracking: tracking, changed: changed,
		byKey: map[object.Key]*node{}, byUID: map[types.UID]*node{},
		byInstance: map[string]map[object.Key]*node{}, byOwner: map[types.UID]map[object.Key]*node{},
	}
}

// trim takes out of an object what nobody here reads. It may be called again on what it trimmed.
func (s *store) trim(u *unstructured.Unstructured) {
	fields := u.GetManagedFields()
	ours := slices.DeleteFunc(fields, func(e metav1.ManagedFieldsEntry) bool { return !diff.Ours(e) })
	if len(ours) == 0 {
		unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
	} else {
		u.SetManagedFields(ours)
	}
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", lastApplied)
	if object.Owner(u, s.tracking) != "" || summarized(u.GroupVersionKind().GroupKind()) {
		return
	}
	for field := range u.Object {
		if field != "apiVersion" && field != "kind" && field != "metadata" {
			delete(u.Object, field)
		}
	}
}

func (s *store) newNode(u *unstructured.Unstructured) *node {
	gvk := u.GroupVersionKind()
	n := &node{
		key: object.KeyOf(u), version: gvk.Version, uid: u.GetUID(), resourceVersion: u.GetResourceVersion(),
		created: u.GetCreationTimestamp(), instance: object.Owner(u, s.tracking),
	}
	for _, owner := range u.GetOwnerReferences() {
		n.owners = append(n.owners, owner.UID)
	}
	if n.instance != "" {
		n.full = u
	}
	if summarized(gvk.GroupKind()) {
		n.summary = summarize(u)
	}
	return n
}

// put takes in an object, seen by a watch or answered to a write, unless something newer is known.
func (s *store) put(u *unstructured.Unstructured) {
	s.trim(u)
	n := s.newNode(u)
	s.mu.Lock()
	old := s.byKey[n.key]
	if old != nil && old.uid == n.uid && !newer(n.resourceVersion, old.resourceVersion) {
		s.mu.Unlock()
		return
	}
	s.unlink(old)
	s.link(n)
	told := s.concerned(old, n)
	s.mu.Unlock()
	s.tell(told)
}

// putWritten takes in the answer to a write of ours. It tells nobody: who wrote knows.
func (s *store) putWritten(u *unstructured.Unstructured) {
	s.trim(u)
	n := s.newNode(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.byKey[n.key]
	if old != nil && old.uid == n.uid && !newer(n.resourceVersion, old.resourceVersion) {
		return
	}
	s.unlink(old)
	s.link(n)
}

func (s *store) remove(u *unstructured.Unstructured) {
	key := object.KeyOf(u)
	s.mu.Lock()
	old := s.byKey[key]
	if old == nil || old.uid != u.GetUID() {
		s.mu.Unlock()
		return // another object of the same name is there already
	}
	told := s.concerned(old, nil)
	s.unlink(old)
	s.mu.Unlock()
	s.tell(told)
}

// replace makes the objects all there were of a kind at a resource version. What is newer than the list, because a write
// of ours was answered meanwhile, stays. An empty version is the end of the kind.
func (s *store) replace(key watchKey, objects []*unstructured.Unstructured, at string) {
	nodes := make(map[object.Key]*node, len(objects))
	for _, u := range objects {
		s.trim(u)
		n := s.newNode(u)
		nodes[n.key] = n
	}
	told := map[telling]bool{}
	s.mu.Lock()
	for k, old := range s.byKey {
		if k.GroupKind() != key.kind || key.namespace != metav1.NamespaceAll && k.Namespace != key.namespace {
			continue
		}
		if nodes[k] == nil && (at == "" || !newer(old.resourceVersion, at)) {
			for t := range s.concerned(old, nil) {
				told[t] = true
			}
			s.unlink(old)
		}
	}
	for k, n := range nodes {
		old := s.byKey[k]
		if old != nil && !newer(n.resourceVersion, old.resourceVersion) {
			continue
		}
		s.unlink(old)
		s.link(n)
		for t := range s.concerned(old, n) {
			told[t] = true
		}
	}
	s.mu.Unlock()
	s.tell(told)
}

// newer compares resource versions, which are numbers in order (Kubernetes guarantees it since 1.35).
func newer(a, b string) bool {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) > 0
}

func (s *store) link(n *node) {
	s.byKey[n.key] = n
	s.byUID[n.uid] = n
	if n.instance != "" {
		insert(s.byInstance, n.instance, n)
	}
	for _, owner := range n.owners {
		insert(s.byOwner, owner, n)
	}
}

func (s *store) unlink(n *node) {
	if n == nil {
		return
	}
	delete(s.byKey, n.key)
	delete(s.byUID, n.uid)
	drop(s.byInstance, n.instance, n.key)
	for _, owner := range n.owners {
		drop(s.byOwner, owner, n.key)
	}
}

func insert[K comparable](index map[K]map[object.Key]*node, at K, n *node) {
	if index[at] == nil {
		index[at] = map[object.Key]*node{}
	}
	index[at][n.key] = n
}

func drop[K comparable](index map[K]map[object.Key]*node, at K, key object.Key) {
	delete(index[at], key)
	if len(index[at]) == 0 {
		delete(index, at)
	}
}

type telling struct {
	instance string
	child    bool
}

// concerned are the applications that a change of a node is of interest to.
func (s *store) concerned(old, new *node) map[telling]bool {
	told := map[telling]bool{}
	for _, n := range []*node{old, new} {
		if n == nil {
			continue
		}
		if n.instance != "" {
			told[telling{n.instance, false}] = true
		} else if instance := s.rootInstance(n, 8); instance != "" {
			told[telling{instance, true}] = true
		}
	}
	return told
}

// rootInstance climbs from owner to owner to what an application manages. Depth bounds circles.
func (s *store) rootInstance(n *node, depth int) string {
	if depth == 0 {
		return ""
	}
	for _, uid := range n.owners {
		owner := s.byUID[uid]
		if owner == nil {
			continue
		}
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
		s.changed(t.instance, t.child)
	}
}

func (s *store) size() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byKey)
}

// Live is what the cache knows of an object: whether it exists, and its trimmed state, which is nil if no application
// manages it. Callers must not change it. Only kinds that are watched are known.
func (c *Cluster) Live(key object.Key) (u *unstructured.Unstructured, exists bool) {
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	n := c.store.byKey[key]
	if n == nil {
		return nil, false
	}
	return n.full, true
}

// Managed are the objects that say that they belong to the application, without those that another object owns: they
// are copies made by a controller. Callers must not change them.
func (c *Cluster) Managed(instance string) []*unstructured.Unstructured {
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	var objects []*unstructured.Unstructured
	for _, n := range c.store.byInstance[instance] {
		if len(n.owners) == 0 {
			objects = append(objects, n.full)
		}
	}
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int { return object.KeyOf(a).Compare(object.KeyOf(b)) })
	return objects
}

// groupKinds are the kinds of an application's objects.
func groupKinds(nodes map[object.Key]*node) map[schema.GroupKind]bool {
	kinds := map[schema.GroupKind]bool{}
	for key := range nodes {
		kinds[key.GroupKind()] = true
	}
	return kinds
}
