package cluster

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

var testMaker = maker{health: health.Of}

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
		object.Track(u, instance, "", object.Tracking{})
	}
	return u
}

type told struct{ log []string }

func (l *told) changed(t telling) {
	word := t.instance
	switch {
	case t.orphan:
		word += " (orphan)"
	case t.child:
		word += " (child)"
	}
	l.log = append(l.log, word)
}

func (l *told) take() []string {
	log := l.log
	l.log = nil
	return log
}

func TestWriteThatTakesAnObjectFromAnotherApplication(t *testing.T) {
	l := &told{}
	s := newStore(testMaker, l.changed)
	s.put(s.whole(testObject("ConfigMap", "a", "u1", "10", "", "shop")))
	l.take()
	s.putWritten(s.whole(testObject("ConfigMap", "a", "u1", "11", "", "shop")))
	if log := l.take(); log != nil {
		t.Errorf("its own write is news: %v", log)
	}
	s.putWritten(s.whole(testObject("ConfigMap", "a", "u1", "12", "", "blog")))
	if d := cmp.Diff([]string{"shop"}, l.take()); d != "" {
		t.Error(d)
	}
}

func TestStore(t *testing.T) {
	l := &told{}
	s := newStore(testMaker, l.changed)
	expect := func(what string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, l.take()); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	kind := watchKey{kind: schema.GroupKind{Kind: "ConfigMap"}}

	s.put(s.whole(testObject("ConfigMap", "a", "u1", "10", "", "shop")))
	expect("a managed object appears", "shop")
	s.put(s.whole(testObject("ConfigMap", "a", "u1", "10", "", "shop")))
	s.put(s.whole(testObject("ConfigMap", "a", "u1", "9", "", "shop")))
	expect("the same again, and something older")
	s.put(s.whole(testObject("Owned", "b", "u2", "11", "u1", "")))
	s.put(s.whole(testObject("Owned", "c", "u3", "12", "u2", "")))
	expect("children and theirs", "shop (child)", "shop (child)")
	s.put(s.whole(testObject("ConfigMap", "free", "u4", "13", "", "")))
	expect("nobody's object")
	s.monitor("shop", "dev")
	s.put(s.whole(testObject("ConfigMap", "stray", "u5", "14", "", "")))
	expect("an orphan appears", "shop (orphan)")
	s.put(s.whole(testObject("ConfigMap", "stray", "u5", "15", "", "")))
	expect("an orphan changes", "shop (child)")
	s.put(s.whole(testObject("ConfigMap", "stray", "u5", "16", "", "blog")))
	slices.Sort(l.log)
	expect("an orphan is adopted", "blog", "shop (orphan)")
	s.monitor("shop", "")
	s.remove(kind.kind, testObject("ConfigMap", "stray", "u5", "16", "", "blog"))
	expect("what is not an orphan goes", "blog")
	n := s.find(object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "free"})
	if n == nil || n.body != "" {
		t.Errorf("nobody's object is kept as %+v", n)
	}
	full := s.find(object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "a"}).object()
	if full.GetAnnotations()[lastApplied] != "" || len(full.GetManagedFields()) > 0 || full.Object["data"] == nil {
		t.Errorf("trimmed wrongly: %v", full)
	}

	s.putWritten(s.whole(testObject("ConfigMap", "new", "u5", "20", "", "shop")))
	expect("our own write is no news")
	s.replace(kind, []*node{s.whole(testObject("ConfigMap", "a", "u1", "10", "", "shop"))}, "15", false)
	if s.find(object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "new"}) == nil {
		t.Error("a list from before our write took its answer away")
	}
	if s.find(object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "free"}) != nil {
		t.Error("an object that is gone is still known")
	}
	expect("a list with nothing new")

	s.remove(kind.kind, testObject("ConfigMap", "a", "another", "30", "", "shop"))
	expect("another object of the same name goes")
	s.remove(kind.kind, testObject("ConfigMap", "a", "u1", "30", "", "shop"))
	expect("it goes", "shop")
	s.replace(kind, nil, "99", false)
	expect("the kind goes", "shop")
	if len(s.byInstance) != 0 || s.size() != 2 {
		t.Errorf("left: %v", s.byUID)
	}
}

func TestTree(t *testing.T) {
	s := newStore(testMaker, func(telling) {})
	s.put(s.whole(testObject("Root", "a", "u1", "1", "", "shop")))
	s.put(s.whole(testObject("Child", "b", "u2", "2", "u1", "")))
	s.put(s.whole(testObject("Grandchild", "c", "u3", "3", "u2", "")))
	s.put(s.whole(testObject("Root", "other", "u9", "4", "", "another")))
	s.put(s.whole(testObject("Circle", "d", "u4", "5", "u4", "")))
	var lines []string
	for _, n := range s.tree("shop") {
		line := n.Key.Name
		for _, parent := range n.Parents {
			line += " of " + parent.Key.Name
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

func TestOrphansOfStore(t *testing.T) {
	s := newStore(testMaker, func(telling) {})
	kind := schema.GroupKind{Kind: "ConfigMap"}
	for _, n := range []*unstructured.Unstructured{
		testObject("ConfigMap", "managed", "u1", "1", "", "shop"),
		testObject("Owned", "child-of-managed", "u2", "2", "u1", ""),
		testObject("ConfigMap", "stray", "u3", "3", "", ""),
		testObject("Owned", "child-of-stray", "u4", "4", "u3", ""),
		testObject("Owned", "taken-from-stray", "u5", "5", "u3", "shop"),
		testObject("ConfigMap", "default", "u6", "6", "", ""),
		testObject("Owned", "child-of-ignored", "u7", "7", "u6", ""),
		testObject("ConfigMap", "left-behind", "u8", "8", "", "long-gone"),
		testObject("ConfigMap", "owner-unknown", "u9", "9", "u0", ""),
	} {
		s.put(s.whole(n))
	}
	exists := func(instance string) bool { return instance == "shop" }
	var names []string
	s.eachOrphan(Orphanage{Namespace: "dev", Rules: anyOrphan{}, Exists: exists}, map[schema.GroupKind]bool{kind: true, {Kind: "Owned"}: true},
		func(n *node) { names = append(names, n.name) })
	slices.Sort(names)
	if d := cmp.Diff([]string{"child-of-stray", "left-behind", "stray"}, names); d != "" {
		t.Error(d)
	}
	s.eachOrphan(Orphanage{Namespace: "elsewhere", Rules: anyOrphan{}, Exists: exists}, map[schema.GroupKind]bool{kind: true},
		func(n *node) { t.Errorf("%s is in another namespace", n.key()) })
}

// anyOrphan lets everything be an orphan but what Kubernetes makes in a new namespace.
type anyOrphan struct{}

func (anyOrphan) MayBe(schema.GroupKind) bool { return true }
func (anyOrphan) Ignores(key object.Key) bool {
	return key.Name == "default" || key.Name == "kube-root-ca.crt"
}
func (anyOrphan) Permits(object.Key) bool { return true }

func TestShownLabels(t *testing.T) {
	s := newStore(maker{health: health.Of, labels: []string{"team", "tier"}}, func(telling) {})
	pod := testObject("Pod", "web", "u1", "1", "", "")
	pod.SetLabels(map[string]string{"tier": "front", "team": "shop", "app": "web"})
	s.put(s.partial(pod.GroupVersionKind(), &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: "dev", Name: "web", UID: "u1", ResourceVersion: "1", Labels: pod.GetLabels(),
	}}))
	key := object.Key{Kind: "Pod", Namespace: "dev", Name: "web"}
	want := []InfoItem{{"team", "shop"}, {"tier", "front"}}
	if d := cmp.Diff(want, s.treeNode(s.find(key)).Info); d != "" {
		t.Errorf("of metadata: %s", d)
	}
	s.put(s.whole(pod)) // the same version, of which more is known now
	info := s.treeNode(s.find(key)).Info
	if len(info) <= len(want) || cmp.Diff(want, info[:2]) != "" {
		t.Errorf("of a whole pod: %v", info)
	}
	other := testObject("ConfigMap", "plain", "u2", "2", "", "")
	s.put(s.whole(other))
	if n := s.find(object.KeyOf(other)); n.summary != nil {
		t.Error("an object without such labels costs nothing")
	}
}
