package desired

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/object"
)

func TestPlace(t *testing.T) {
	objects, err := object.Parse([]byte(`
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, creationTimestamp: null}, data: {k: first}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: dev}, data: {k: second}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: elsewhere, namespace: other}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: dev, namespace: nonsense}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: w}, spec: {group: ex.com, scope: Cluster, names: {kind: Wide}}}
---
{apiVersion: ex.com/v1, kind: Wide, metadata: {name: w}}
---
{apiVersion: none.com/v1, kind: Mystery, metadata: {name: m}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: j, annotations: {argocd.argoproj.io/hook: PreSync}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: x}, status: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	before := objects[0].DeepCopy()
	placed := Place(objects, Placement{
		Instance: "app", Namespace: "dev",
		Namespaced: func(gvk schema.GroupVersionKind) (bool, bool) {
			return gvk.Kind != "Namespace" && gvk.Kind != "CustomResourceDefinition", gvk.Group != "ex.com" && gvk.Group != "none.com"
		},
	})
	var keys []string
	for _, u := range placed.Objects {
		keys = append(keys, object.KeyOf(u).String())
		if object.Owner(u, object.Tracking{}) != "app" {
			t.Errorf("%s is not tracked", object.KeyOf(u))
		}
	}
	want := []string{
		"ConfigMap dev/a", "ConfigMap other/elsewhere", "Namespace dev", "apiextensions.k8s.io/CustomResourceDefinition w",
		"ex.com/Wide w", "none.com/Mystery dev/m", "Secret dev/s",
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Error(d)
	}
	if len(placed.Hooks) != 1 || len(placed.Repeated) != 1 || len(placed.Unknown) != 1 {
		t.Errorf("hooks %d, repeated %v, unknown %v", len(placed.Hooks), placed.Repeated, placed.Unknown)
	}
	if v, _, _ := unstructured.NestedString(placed.Objects[0].Object, "data", "k"); v != "second" {
		t.Errorf("the last of a repeated object doesn't win: %s", v)
	}
	secret := placed.Objects[6].Object
	if d := cmp.Diff(map[string]any{"password": "eA=="}, secret["data"]); d != "" || secret["stringData"] != nil || secret["status"] != nil {
		t.Errorf("%v %s", secret, d)
	}
	if d := cmp.Diff(before, objects[0]); d != "" {
		t.Errorf("the rendering was changed: %s", d)
	}
}

func TestObjectsWithoutANamespace(t *testing.T) {
	var objects []*unstructured.Unstructured
	for _, text := range []string{
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"lost"}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"at-home","namespace":"x"}}`,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"none-needed"}}`,
		`{"apiVersion":"example.com/v1","kind":"Unknown","metadata":{"name":"who-knows"}}`,
	} {
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, u)
	}
	placed := Place(objects, Placement{Instance: "app", Namespaced: func(gvk schema.GroupVersionKind) (bool, bool) {
		return gvk.Kind != "Namespace", gvk.Kind != "Unknown"
	}})
	if len(placed.Homeless) != 1 || placed.Homeless[0].GetName() != "lost" {
		t.Errorf("homeless are %v", placed.Homeless)
	}
}
