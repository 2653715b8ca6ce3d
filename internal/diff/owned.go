package diff

import (
	"bytes"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Manager is the field manager that Fairlead applies as. It is Argo CD's, so that what Argo CD applied is ours at once.
const Manager = "argocd-controller"

// ownership is the set of fields that we own of an object, and the API version in which they are named.
type ownership struct {
	fields     *fieldpath.Set
	apiVersion string
}

// owned reads our ownership; fields is empty when we never applied the object.
func owned(u *unstructured.Unstructured) (ownership, error) {
	result := ownership{fields: fieldpath.NewSet()}
	for _, entry := range u.GetManagedFields() {
		if !Ours(entry) || entry.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return result, fmt.Errorf("reading the managed fields of %s %q: %w", u.GetKind(), u.GetName(), err)
		}
		result.fields = result.fields.Union(set)
		result.apiVersion = entry.APIVersion
	}
	return result, nil
}

// Ours tells whether an entry of managedFields records an apply of ours. Caches need to keep no other.
func Ours(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == Manager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}
