package diff

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// FuzzCompare compares any object with any other, whatever fields we are said to own: what says the same word for word is in
// sync, an object is in sync with itself, and nothing that is ignored as a whole differs.
func FuzzCompare(f *testing.F) {
	f.Add(`{"spec":{"replicas":1}}`, `{"spec":{"replicas":1}}`, `{"f:spec":{"f:replicas":{}}}`)
	f.Add(`{"data":{"a":"b"}}`, `{"data":{"a":"b","c":"d"}}`, `{"f:data":{"f:a":{}}}`)
	f.Add(`{"spec":{"ports":[{"port":80,"name":"a"}]}}`, `{"spec":{"ports":[{"port":80,"name":"a"},{"port":80}]}}`,
		`{"f:spec":{"f:ports":{"k:{\"port\":80}":{".":{},"f:port":{},"f:name":{}}}}}`)
	f.Add(`{"spec":{"list":["a","b"]}}`, `{"spec":{"list":["b","a"]}}`, `{"f:spec":{"f:list":{"v:\"a\"":{},"v:\"b\"":{}}}}`)
	f.Add(`{"spec":null}`, `{"spec":[]}`, `{"f:spec":{".":{},"i:0":{}}}`)
	f.Fuzz(func(t *testing.T, manifest, live, fields string) {
		if !json.Valid([]byte(fields)) {
			return
		}
		read := func(text string) *unstructured.Unstructured {
			u := &unstructured.Unstructured{Object: map[string]any{}}
			if err := u.UnmarshalJSON([]byte(`{"apiVersion":"v1","kind":"K","object":` + text + `}`)); err != nil {
				return nil
			}
			content, _ := u.Object["object"].(map[string]any)
			if content == nil {
				return nil
			}
			content["apiVersion"], content["kind"] = "v1", "K"
			delete(content, "metadata")
			return &unstructured.Unstructured{Object: content}
		}
		target, actual := read(manifest), read(live)
		if target == nil || actual == nil {
			return
		}
		answer := target.DeepCopy()
		for _, u := range []*unstructured.Unstructured{answer, actual} {
			u.SetManagedFields([]metav1.ManagedFieldsEntry{{
				Manager: Manager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1", FieldsType: "FieldsV1",
				FieldsV1: metav1.NewFieldsV1(fields),
			}})
		}
		desired, err := FromApply(answer)
		if err != nil {
			return
		}
		if paths, err := desired.Compare(answer, Ignore{}); err != nil || len(paths) > 0 {
			t.Errorf("an object differs from itself: %v, %v", paths, err)
		}
		paths, err := desired.Compare(actual, Ignore{})
		if err != nil {
			return
		}
		if len(paths) > 0 && Literal(target, actual) {
			t.Errorf("it says the same word for word, and differs in %v", paths)
		}
		var pointers []string
		for _, u := range []*unstructured.Unstructured{target, actual} {
			for name := range u.Object {
				if name != "apiVersion" && name != "kind" && name != "metadata" {
					pointers = append(pointers, "/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
				}
			}
		}
		rules, err := Compile([]v1alpha1.ResourceIgnoreDifferences{{Group: "*", Kind: "*", JSONPointers: pointers}}, Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		if paths, err := desired.Compare(actual, rules.For(target)); err != nil || len(paths) > 0 {
			t.Errorf("all is ignored but %v, %v", paths, err)
		}
	})
}
