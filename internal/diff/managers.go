package diff

import (
	"bytes"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// fieldsOf are the paths of the fields that some managers own of a live object, which must have its managed fields whole.
// What tells the items of a list apart is left out: without it the other fields of an item couldn't be compared.
func fieldsOf(live *unstructured.Unstructured, managers []string) ([]fieldpath.Path, error) {
	if len(managers) == 0 || live == nil {
		return nil, nil
	}
	all := fieldpath.NewSet()
	for _, entry := range live.GetManagedFields() {
		if entry.FieldsV1 == nil || !slices.Contains(managers, entry.Manager) {
			continue
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return nil, fmt.Errorf("reading the managed fields of %s %q: %w", live.GetKind(), live.GetName(), err)
		}
		all = all.Union(set)
	}
	var paths []fieldpath.Path
	for path := range all.Leaves().All() {
		if !identifies(path) {
			paths = append(paths, path.Copy())
		}
	}
	return paths, nil
}

// identifies tells whether a path is one of the fields that its item of a list is known by, or the item itself.
func identifies(path fieldpath.Path) bool {
	last := path[len(path)-1]
	if last.FieldName == nil {
		return last.Value == nil
	}
	if len(path) < 2 || path[len(path)-2].Key == nil {
		return false
	}
	for _, field := range *path[len(path)-2].Key {
		if field.Name == *last.FieldName {
			return true
		}
	}
	return false
}

// deleteField takes out what a path points to.
func deleteField(v any, path fieldpath.Path) any {
	switch parent := v.(type) {
	case map[string]any:
		if path[0].FieldName == nil {
			return v
		}
		child, found := parent[*path[0].FieldName]
		switch {
		case !found:
		case len(path) == 1:
			delete(parent, *path[0].FieldName)
		default:
			parent[*path[0].FieldName] = deleteField(child, path[1:])
		}
	case []any:
		n := position(parent, path[0])
		switch {
		case n < 0:
		case len(path) == 1:
			return append(parent[:n:n], parent[n+1:]...)
		default:
			parent[n] = deleteField(parent[n], path[1:])
		}
	}
	return v
}

// keepField gives a field the value that it has in the live object, and takes it out where it has none.
func keepField(manifest map[string]any, live any, path fieldpath.Path, copied func(any) any) {
	have, found := live, true
	for _, element := range path {
		if have, found = find(have, element); !found {
			deleteField(manifest, path)
			return
		}
	}
	last := path[len(path)-1]
	if last.FieldName == nil {
		return // a value of a set: whoever owns it keeps it
	}
	var parent any = manifest
	for _, element := range path[:len(path)-1] {
		if parent, found = find(parent, element); !found {
			return
		}
	}
	if fields, ok := parent.(map[string]any); ok {
		fields[*last.FieldName] = copied(have)
	}
}
