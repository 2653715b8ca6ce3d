package diff

import (
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// find is the child of a decoded JSON value that a path element names.
func find(parent any, element fieldpath.PathElement) (any, bool) {
	if element.FieldName != nil {
		fields, ok := parent.(map[string]any)
		if !ok {
			return nil, false
		}
		child, ok := fields[*element.FieldName]
		return child, ok
	}
	items, ok := parent.([]any)
	if !ok {
		return nil, false
	}
	if i := position(items, element); i >= 0 {
		return items[i], true
	}
	return nil, false
}

// position is the index of the item that a path element names; -1 if there is none.
func position(items []any, element fieldpath.PathElement) int {
	if element.Index != nil {
		if *element.Index < len(items) {
			return *element.Index
		}
		return -1
	}
	for i, item := range items {
		switch {
		case element.Key != nil && hasKey(item, *element.Key):
			return i
		case element.Value != nil && value.Equals(*element.Value, value.NewValueInterface(item)):
			return i
		}
	}
	return -1
}

func hasKey(item any, key value.FieldList) bool {
	fields, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for _, k := range key {
		have, ok := fields[k.Name]
		if !ok || !value.Equals(k.Value, value.NewValueInterface(have)) {
			return false
		}
	}
	return true
}

// sameOrder tells whether the keyed items of the set stand in the same order in both lists: the order of variables or
// init containers means something. Other values have no order.
func sameOrder(set *fieldpath.Set, a, b any) bool {
	first, ok1 := a.([]any)
	second, ok2 := b.([]any)
	if !ok1 || !ok2 {
		return true
	}
	at := map[int]int{}
	place := func(element fieldpath.PathElement) {
		if element.Key == nil {
			return
		}
		if i, j := position(first, element), position(second, element); i >= 0 && j >= 0 {
			at[i] = j
		}
	}
	for element := range set.Members.All() {
		place(element)
	}
	for element := range set.Children.All() {
		place(element)
	}
	last := -1
	for i := range first {
		if j, ok := at[i]; ok {
			if j < last {
				return false
			}
			last = j
		}
	}
	return true
}

// equal compares decoded JSON; 1 and 1.0 are the same number.
func equal(a, b any) bool {
	return value.Equals(value.NewValueInterface(a), value.NewValueInterface(b))
}
