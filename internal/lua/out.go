package lua

import (
	"errors"
	"fmt"
	"math"
	"strings"

	vm "github.com/yuin/gopher-lua"
)

// maxDepth bounds nesting, and so tables that contain themselves.
const maxDepth = 64

// out makes decoded JSON of a Lua value.
func (r *run) out(value vm.LValue, hint any, depth int) (any, error) {
	switch value := value.(type) {
	case *vm.LNilType:
		return nil, nil
	case vm.LBool:
		return bool(value), nil
	case vm.LString:
		return strings.ToValidUTF8(string(value), "\uFFFD"), nil
	case vm.LNumber:
		if whole, ok := hint.(int64); ok && float64(whole) == float64(value) {
			return whole, nil // Lua's numbers have 53 bits
		}
		return number(float64(value))
	case *vm.LTable:
		if depth >= maxDepth {
			return nil, fmt.Errorf("it nests more than %d tables, or contains itself", maxDepth)
		}
		return r.table(value, hint, depth)
	}
	return nil, fmt.Errorf("a %s can't be part of an object", value.Type())
}

// number is whole where it can be: Kubernetes tells 1 from 1.0.
func number(n float64) (any, error) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, errors.New("a number is not finite")
	}
	if n == math.Trunc(n) && math.Abs(n) <= 1<<53 {
		return int64(n), nil
	}
	return n, nil
}

func (r *run) table(table *vm.LTable, hint any, depth int) (any, error) {
	items, texts, numbers := table.Len(), 0, 0
	table.ForEach(func(key, _ vm.LValue) {
		if key.Type() == vm.LTString {
			texts++
		} else {
			numbers++
		}
	})
	switch {
	case texts > 0 && numbers > 0:
		return nil, errors.New("a table has both names and positions")
	case numbers != 0 && numbers != items:
		return nil, errors.New("a list has gaps")
	case numbers > 0 || texts == 0 && r.emptyList(table, hint, depth):
		return r.list(table, items, hint, depth)
	}
	hints, _ := hint.(map[string]any)
	object := make(map[string]any, texts)
	var failure error
	table.ForEach(func(key, child vm.LValue) {
		if failure != nil {
			return
		}
		name := key.String()
		if object[name], failure = r.out(child, hints[name], depth+1); failure != nil {
			failure = fmt.Errorf("%s: %w", name, failure)
		}
	})
	return object, failure
}

func (r *run) list(table *vm.LTable, items int, hint any, depth int) (any, error) {
	hints, _ := hint.([]any)
	list := make([]any, items)
	for i := range list {
		var like any
		if i < len(hints) {
			like = hints[i]
		}
		item, err := r.out(table.RawGetInt(i+1), like, depth+1)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		list[i] = item
	}
	return list, nil
}

// emptyList tells whether an empty table is a list.
func (r *run) emptyList(table *vm.LTable, hint any, depth int) bool {
	if list, known := r.lists[table]; known {
		return list
	}
	switch hint.(type) {
	case []any:
		return true
	case map[string]any:
		return false
	}
	return depth > 0 // Argo CD writes an empty list, so that's what scripts that work with it mean
}
