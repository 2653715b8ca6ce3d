package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/object"
)

func testObject(kind, name, uid, version, owner, instance string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{
			"namespace": "dev", "name": name, "uid": uid, "resourceVersion": version,
			"annotations":   map[string]any{lastApplied: "{}"},
			"managedFields": []any{map[string]any{"manager": "kubelet", "operation": "Update"}},
		},
		"data": map[string]any{"a": "b"},
	}}
	if owner != "" {
		_ = unstructured.SetNestedSlice(u.Object, []any{map[string]any{"uid": owner, "apiVersion": "v1", "kind": "X", "name": "x"}}, "metadata", "ownerReferences")
	}
	if instance != "" {
		object.Track(u, instance, object.Tracking{})
	}
	return u
}

type told struct{ log []string }

func (l *told) changed(instance string, child bool) {
	if child {
		instance += " (child)"
	}
	l.log = append(l.log, instance)
}

func (l *told) take() []string {
	log := l.log
	l.log = nil
	return log
}

func TestStore(t *testing.T) {
	l := &told{}
	s := newStore(object.Tracking{}, l.changed)
	expect := func(what string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, l.take()); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	kind := watchKey{kind: schema.GroupKind{Kind: "ConfigMap"}}

	s.put(testObject("ConfigMap", "a", "u1", "10", "", "shop"))
	expect("a managed object appears", "shop")
	s.put(testObject("ConfigMap", "a", "u1", "10", "", "shop"))
	s.put(testObject("ConfigMap", "a", "u1", "9", "", "shop"))
	expect("the same again, and something older")
	s.put(testObject("Owned", "b", "u2", "11", "u1", ""))
	s.put(testObject("Owned", "c", "u3", "12", "u2", ""))
	expect("children and theirs", "shop (child)", "shop (child)")
	s.put(testObject("ConfigMap", "free", "u4", "13", "", ""))
	expect("nobody's object")
	n := s.byKey[object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "free"}]
	if n == nil || n.full != nil {
		t.Errorf("nobody's object is kept as %+v", n)
	}
	full := s.byKey[object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "a"}].full
	if full.GetAnnotations()[lastApplied] != "" || len(full.GetManagedFields()) > 0 || full.Object["data"] == nil {
		t.Errorf("trimmed wrongly: %v", full)
	}

	s.putWritten(testObject("ConfigMap", "new", "u5", "20", "", "shop"))
	expect("our own write is no news")
	s.replace(kind, []*unstructured.Unstructured{testObject("ConfigMap", "a", "u1", "10", "", "shop")}, "15")
	if s.byKey[object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "new"}] == nil {
		t.Error("a list from before our write took its answer away")
	}
	if s.byKey[object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "free"}] != nil {
		t.Error("an object that is gone is still known")
	}
	expect("a list with nothing new")

	s.remove(testObject("ConfigMap", "a", "another", "30", "", "shop"))
	expect("another object of the same name goes")
	s.remove(testObject("ConfigMap", "a", "u1", "30", "", "shop"))
	expect("it goes", "shop")
	s.replace(kind, nil, "")
	expect("the kind goes", "shop")
	if len(s.byInstance) != 0 || len(s.byKey) != 2 {
		t.Errorf("left: %v", s.byKey)
	}
}

func TestTree(t *testing.T) {
	s := newStore(object.Tracking{}, func(string, bool) {})
	s.put(testObject("Root", "a", "u1", "1", "", "shop"))
	s.put(testObject("Child", "b", "u2", "2", "u1", ""))
	s.put(testObject("Grandchild", "c", "u3", "3", "u2", ""))
	s.put(testObject("Root", "other", "u9", "4", "", "another"))
	s.put(testObject("Circle", "d", "u4", "5", "u4", ""))
	var lines []string
	for _, n := range s.tree("shop") {
		line := n.Key.Name
		for _, parent := range n.Parents {
			line += " of " + parent.Name
		}
		lines = append(lines, line)
	}
	if d := cmp.Diff([]string{"b of a", "c of b", "a"}, lines); d != "" {
		t.Error(d)
	}
}

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"10", "9", true}, {"9", "10", false}, {"10", "10", false}, {"11", "10", true}} {
		if got := newer(c.a, c.b); got != c.want {
			t.Errorf("newer(%s, %s) = %v", c.a, c.b, got)
		}
	}
}
