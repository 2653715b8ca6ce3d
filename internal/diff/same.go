package diff

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// bookkeeping is what each write changes of an object, whatever it was about.
var bookkeeping = [][]string{
	{"metadata", "resourceVersion"}, {"metadata", "generation"}, {"metadata", "managedFields", "0", "time"},
}

// Same tells whether two states of one object differ at most in what is ignored. It is for every change in a cluster, so it
// copies nothing as long as there are only pointers.
func (i Ignore) Same(a, b *unstructured.Unstructured) (bool, error) {
	if len(i.queries) == 0 {
		return same(a.Object, b.Object, append(i.pointers[:len(i.pointers):len(i.pointers)], bookkeeping...)), nil
	}
	view := View{ignore: Ignore{queries: i.queries}}
	left, err := view.strip(a.Object)
	if err != nil {
		return false, err
	}
	right, err := view.strip(b.Object)
	if err != nil {
		return false, err
	}
	return same(left, right, append(i.pointers[:len(i.pointers):len(i.pointers)], bookkeeping...)), nil
}

// same compares two values but for what the pointers point to.
func same(a, b any, pointers [][]string) bool {
	if len(pointers) == 0 {
		return equal(a, b)
	}
	switch left := a.(type) {
	case map[string]any:
		right, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for name, child := range left {
			below, ignored := descend(pointers, name)
			if ignored {
				continue
			}
			other, found := right[name]
			if !found || !same(child, other, below) {
				return false
			}
		}
		for name := range right {
			if _, found := left[name]; !found {
				if _, ignored := descend(pointers, name); !ignored {
					return false
				}
			}
		}
		return true
	case []any:
		right, ok := b.([]any)
		if !ok || len(left) != len(right) {
			return false
		}
		for i := range left {
			below, ignored := descend(pointers, strconv.Itoa(i))
			if !ignored && !same(left[i], right[i], below) {
				return false
			}
		}
		return true
	}
	return equal(a, b)
}

// descend is what of the pointers lies below a child, and whether the child itself is pointed to.
func descend(pointers [][]string, step string) (below [][]string, ignored bool) {
	for _, pointer := range pointers {
		if pointer[0] != step {
			continue
		}
		if len(pointer) == 1 {
			return nil, true
		}
		below = append(below, pointer[1:])
	}
	return below, false
}
