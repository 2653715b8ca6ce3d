package diff

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Predicted lists the paths of everything in which a live object isn't what an apply would make of it, whoever owns the
// field: what admission webhooks do to the manifest counts as well. What each write changes doesn't, nor does the status.
func Predicted(answer, live *unstructured.Unstructured, ignore Ignore) ([]string, error) {
	view, err := ignore.On(live)
	if err != nil {
		return nil, err
	}
	predicted, err := view.strip(bare(answer))
	if err != nil {
		return nil, err
	}
	actual, err := view.strip(bare(live))
	if err != nil {
		return nil, err
	}
	var paths []string
	var walk func(a, b any, path string)
	walk = func(a, b any, path string) {
		left, ok1 := a.(map[string]any)
		right, ok2 := b.(map[string]any)
		if !ok1 || !ok2 {
			if !equal(a, b) {
				paths = append(paths, path)
			}
			return
		}
		for _, name := range slices.Sorted(maps.Keys(left)) {
			walk(left[name], right[name], path+"."+name)
		}
		for _, name := range slices.Sorted(maps.Keys(right)) {
			if _, both := left[name]; !both {
				paths = append(paths, path+"."+name)
			}
		}
	}
	walk(predicted, actual, "")
	return paths, nil
}

// bare is an object's content without what each write changes and nobody desires.
func bare(u *unstructured.Unstructured) map[string]any {
	content := runtime.DeepCopyJSON(u.Object)
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"} {
		unstructured.RemoveNestedField(content, "metadata", field)
	}
	delete(content, "status")
	return content
}
