package diff

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// verbatim are the fields whose values the API server stores as they were written: maps of names to texts that mean nothing to
// it. Elsewhere one value may be spelled in several ways, and only the server knows which is which.
func verbatim(kind schema.GroupKind) [][]string {
	fields := [][]string{{"metadata", "labels"}, {"metadata", "annotations"}}
	if kind == (schema.GroupKind{Kind: "ConfigMap"}) {
		fields = append(fields, []string{"data"})
	}
	return fields
}

// Certain finds a field in which the live object isn't what its manifest says, beyond doubt and without asking the API server:
// one that is stored verbatim, where the live object still says word for word what the manifest before said, with which it was
// in sync, and this manifest says something else. Empty means unknown, not equal. What an admission webhook rewrites isn't
// found: there the live object never said what the manifest before did.
func Certain(before, manifest, live *unstructured.Unstructured) string {
	if before.GetAPIVersion() != manifest.GetAPIVersion() {
		return ""
	}
	for _, field := range verbatim(manifest.GroupVersionKind().GroupKind()) {
		then, _, _ := unstructured.NestedFieldNoCopy(before.Object, field...)
		now, _, _ := unstructured.NestedFieldNoCopy(manifest.Object, field...)
		have, _, _ := unstructured.NestedFieldNoCopy(live.Object, field...)
		texts, ok1 := now.(map[string]any)
		former, ok2 := then.(map[string]any)
		current, ok3 := have.(map[string]any)
		if !ok1 || !ok2 || !ok3 {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			was, told := former[name].(string)
			is, wanted := texts[name].(string)
			if stored, found := current[name].(string); told && wanted && found && stored == was && is != was {
				var path fieldpath.Path
				for _, step := range append(slices.Clone(field), name) {
					path = append(path, fieldpath.FieldNameElement(step))
				}
				return path.String()
			}
		}
	}
	return ""
}
