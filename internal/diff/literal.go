package diff

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Literal tells whether the live object says word for word what the manifest says, and we own exactly those fields, so
// that an apply would change nothing. False means unknown rather than different: the server may write the same otherwise
// (1000m as 1) or have filled in what identifies a list's item; then a Desired tells.
func Literal(manifest, live *unstructured.Unstructured) bool {
	o, err := owned(live)
	if err != nil || o.fields.Empty() || o.apiVersion != manifest.GetAPIVersion() || live.GetAPIVersion() != o.apiVersion {
		return false
	}
	return literalRoot(o.fields, manifest.Object, live.Object)
}

// literalRoot leaves out what identifies the object: nobody owns that.
func literalRoot(set *fieldpath.Set, manifest, live map[string]any) bool {
	fields := make(map[string]any, len(manifest))
	for name, child := range manifest {
		switch name {
		case "apiVersion", "kind":
		case "metadata":
			metadata, ok := child.(map[string]any)
			if !ok {
				return false
			}
			own := make(map[string]any, len(metadata))
			for name, child := range metadata {
				if name != "name" && name != "namespace" {
					own[name] = child
				}
			}
			if len(own) > 0 {
				fields[name] = own
			}
		default:
			fields[name] = child
		}
	}
	return literal(set, fields, live)
}

func literal(set *fieldpath.Set, manifest, live any) bool {
	all := elements(set)
	for _, element := range all {
		want, wanted := find(manifest, element)
		have, found := find(live, element)
		if !wanted || !found {
			return false
		}
		if deeper, ok := set.Children.Get(element); ok {
			if !literal(deeper, want, have) {
				return false
			}
		} else if !equal(want, have) {
			return false
		}
	}
	switch manifest := manifest.(type) {
	case map[string]any:
		return len(all) == len(manifest)
	case []any:
		return len(all) == len(manifest) && sameOrder(set, manifest, live)
	}
	return false
}

// elements are the path elements of the set's first level, each once. (The set's own iterators can't be left early.)
func elements(set *fieldpath.Set) []fieldpath.PathElement {
	var all []fieldpath.PathElement
	set.Members.Iterate(func(element fieldpath.PathElement) { all = append(all, element) })
	set.Children.Iterate(func(element fieldpath.PathElement) {
		if !set.Members.Has(element) {
			all = append(all, element)
		}
	})
	return all
}
