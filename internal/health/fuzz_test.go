package health

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Whatever an operator, or who pretends to be one, writes into a status: no rule panics, and each says a health that there is.
func FuzzOf(f *testing.F) {
	f.Add([]byte(`{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`))
	f.Add([]byte(`{"status":{"conditions":{"type":7},"phase":{},"parents":[1,null,{"conditions":[[]]}]}}`))
	f.Add([]byte(`{"metadata":{"generation":"x"},"spec":[],"status":{"observedGeneration":1.5,"environments":["a"]}}`))
	f.Add([]byte(`{"status":"Running","spec":{"replicas":"many"}}`))
	f.Add([]byte(`{"status":{"phase":"Splendid","health":{"status":"Splendid"}}}`))
	var kinds []schema.GroupKind
	for kind := range tables().exact {
		kinds = append(kinds, kind)
	}
	for group := range tables().wild {
		kinds = append(kinds, schema.GroupKind{Group: "x" + group[1:], Kind: "X"})
	}
	for kind := range counted {
		kinds = append(kinds, kind)
	}
	for kind := range rules {
		kinds = append(kinds, kind)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u := &unstructured.Unstructured{}
		if json.Unmarshal(data, &u.Object) != nil || u.Object == nil {
			return
		}
		for _, kind := range kinds {
			u.SetGroupVersionKind(kind.WithVersion("v1"))
			if s := Of(u); s != nil {
				if _, known := order[s.Code]; !known {
					t.Errorf("%s: %q is no health", kind, s.Code)
				}
			}
		}
	})
}
