package diff

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// HideSecrets replaces the values of a Secret's data in copies of the given states of one object, as Argo CD does: by
// plus signs, of which different values get different numbers, so that it still shows which key changed. Objects that are
// no Secrets, and nil, are handed through.
func HideSecrets(states ...*unstructured.Unstructured) []*unstructured.Unstructured {
	hidden := make([]*unstructured.Unstructured, len(states))
	masks := map[string]map[string]string{} // key → value → mask
	for i, u := range states {
		if u == nil || u.GroupVersionKind().GroupKind() != (schema.GroupKind{Kind: "Secret"}) {
			hidden[i] = u
			continue
		}
		hidden[i] = u.DeepCopy()
		for _, field := range []string{"data", "stringData"} {
			data, _, _ := unstructured.NestedMap(hidden[i].Object, field)
			for key, value := range data {
				if masks[key] == nil {
					masks[key] = map[string]string{}
				}
				text, _ := value.(string)
				if masks[key][text] == "" {
					masks[key][text] = strings.Repeat("+", 8+4*len(masks[key]))
				}
				data[key] = masks[key][text]
			}
			if len(data) > 0 {
				hidden[i].Object[field] = data
			}
		}
		// kubectl's annotation repeats the data in clear text.
		if a := hidden[i].GetAnnotations(); a["kubectl.kubernetes.io/last-applied-configuration"] != "" {
			a["kubectl.kubernetes.io/last-applied-configuration"] = "++++++++"
			hidden[i].SetAnnotations(a)
		}
	}
	return hidden
}
