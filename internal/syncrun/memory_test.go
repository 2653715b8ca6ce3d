package syncrun

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
)

// memory is a working cluster in memory. Objects that are deleted stay while held.
type memory struct {
	mu      sync.Mutex
	objects map[object.Key]*unstructured.Unstructured
	version int
	// refuse answers an apply with an error, held keeps deleted objects.
	refuse map[object.Key]error
	held   map[object.Key]bool
	// log is what was done, in order.
	log []string
}

func newMemory() *memory {
	return &memory{objects: map[object.Key]*unstructured.Unstructured{}, refuse: map[object.Key]error{}, held: map[object.Key]bool{}}
}

func (m *memory) Apply(_ context.Context, manifest *unstructured.Unstructured, o cluster.ApplyOptions) (*unstructured.Unstructured, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := object.KeyOf(manifest)
	if err := m.refuse[key]; err != nil {
		return nil, err
	}
	u := manifest.DeepCopy()
	if o.DryRun {
		return u, nil
	}
	m.version++
	if old := m.objects[key]; old != nil {
		u.SetUID(old.GetUID())
		if status, ok := old.Object["status"]; ok {
			u.Object["status"] = status
		}
	} else {
		u.SetUID(types.UID(fmt.Sprint("uid", m.version)))
		u.SetGeneration(1)
	}
	u.SetResourceVersion(fmt.Sprint(m.version))
	m.objects[key] = u
	m.log = append(m.log, "apply "+key.String())
	return u, nil
}

func (m *memory) Delete(_ context.Context, _ schema.GroupVersionKind, key object.Key, _ string, uid types.UID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.objects[key]; u != nil && (uid == "" || u.GetUID() == uid) {
		m.log = append(m.log, "delete "+key.String())
		if !m.held[key] {
			delete(m.objects, key)
		}
	}
	return nil
}

func (m *memory) RemoveFinalizer(_ context.Context, u *unstructured.Unstructured, finalizer string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := object.KeyOf(u)
	if u := m.objects[key]; u != nil {
		u = u.DeepCopy()
		u.SetFinalizers(slices.DeleteFunc(u.GetFinalizers(), func(f string) bool { return f == finalizer }))
		m.objects[key] = u
	}
	return nil
}

func (m *memory) Live(key object.Key) (*unstructured.Unstructured, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.objects[key]
	return u, u != nil
}

// set makes an object's status, as its controller does.
func (m *memory) set(key object.Key, status map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.objects[key].DeepCopy()
	u.Object["status"] = status
	m.version++
	u.SetResourceVersion(fmt.Sprint(m.version))
	m.objects[key] = u
}
