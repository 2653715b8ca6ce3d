package diff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// DefaultQueryTimeout bounds one evaluation of a jq path expression; Argo CD's default.
const DefaultQueryTimeout = time.Second

// The bounds of jq path expressions, far above what anybody writes.
const (
	maxExpression = 16 << 10
	maxPaths      = 10_000
)

// query is a jq expression that yields paths.
type query struct {
	expression string
	code       *gojq.Code
	timeout    time.Duration
}

func compileQuery(expression string, timeout time.Duration) (*query, error) {
	if len(expression) > maxExpression {
		return nil, fmt.Errorf("a jq path expression has %d bytes, more than the %d allowed", len(expression), maxExpression)
	}
	parsed, err := gojq.Parse("path(" + expression + "\n)")
	if err != nil {
		return nil, fmt.Errorf("the jq path expression %q: %w", expression, err)
	}
	code, err := gojq.Compile(parsed)
	if err != nil {
		return nil, fmt.Errorf("the jq path expression %q: %w", expression, err)
	}
	return &query{expression, code, timeout}, nil
}

// paths are where the expression points to in a value of jqForm; a step is a string or an int. An expression that makes no
// sense for the value (it iterates over what isn't there) points nowhere. The error is that it took too long.
func (q *query) paths(content any) ([][]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), q.timeout)
	defer cancel()
	var all [][]any
	for iterator := q.code.RunWithContext(ctx, content); ; {
		result, ok := iterator.Next()
		if !ok {
			return all, nil
		}
		if err, failed := result.(error); failed {
			if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
				return nil, fmt.Errorf("JQ patch execution timed out (%v): simplify the path expression %q", q.timeout, q.expression)
			}
			return nil, nil // as jq's del: all of it or nothing
		}
		path, ok := result.([]any)
		if !ok || len(path) == 0 {
			return nil, nil // the whole object
		}
		for _, step := range path {
			switch step.(type) {
			case string, int:
			default:
				return nil, nil // a slice
			}
		}
		if all = append(all, path); len(all) > maxPaths {
			return nil, fmt.Errorf("the jq path expression %q points to more than %d fields of one object: narrow it", q.expression, maxPaths)
		}
	}
}

// jqForm copies decoded JSON into what jq works on: its whole numbers are ints.
func jqForm(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, child := range v {
			m[key] = jqForm(child)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, child := range v {
			l[i] = jqForm(child)
		}
		return l
	case int64:
		return int(v)
	case nil, bool, string, int, float64:
		return v
	}
	return fmt.Sprint(v)
}

// deletePath takes out what a path points to; in a list, the items after it move up.
func deletePath(v any, path []any) any {
	switch parent := v.(type) {
	case map[string]any:
		name, ok := path[0].(string)
		if !ok {
			return v
		}
		child, found := parent[name]
		switch {
		case !found:
		case len(path) == 1:
			delete(parent, name)
		default:
			parent[name] = deletePath(child, path[1:])
		}
	case []any:
		n, ok := place(path[0], parent)
		switch {
		case !ok:
		case len(path) == 1:
			return append(parent[:n:n], parent[n+1:]...)
		default:
			parent[n] = deletePath(parent[n], path[1:])
		}
	}
	return v
}

// place is the index that a step means; negative ones count from the end.
func place(step any, items []any) (int, bool) {
	n, ok := step.(int)
	if ok && n < 0 {
		n += len(items)
	}
	return n, ok && n >= 0 && n < len(items)
}

// getPath is the value at a path.
func getPath(v any, path []any) (any, bool) {
	for _, step := range path {
		switch parent := v.(type) {
		case map[string]any:
			name, _ := step.(string)
			child, ok := parent[name]
			if !ok {
				return nil, false
			}
			v = child
		case []any:
			n, ok := place(step, parent)
			if !ok {
				return nil, false
			}
			v = parent[n]
		default:
			return nil, false
		}
	}
	return v, true
}

// counterpart translates a path of one object into the path of the same thing in another, where the items of lists may
// stand elsewhere. The last step of it may not exist there: then exists is false, and an index is the end of the list. It
// is not ok when what contains the thing isn't there.
func counterpart(path []any, from, to any) (translated []any, exists, ok bool) {
	for i, step := range path {
		last := i == len(path)-1
		switch parent := to.(type) {
		case map[string]any:
			name, _ := step.(string)
			child, found := parent[name]
			translated = append(translated, name)
			if !found {
				return translated, false, last
			}
			to = child
		case []any:
			items, _ := from.([]any)
			n, found := place(step, items)
			if !found {
				return nil, false, false
			}
			n = sameItem(items, n, parent)
			if n < 0 {
				return append(translated, len(parent)), false, last
			}
			translated = append(translated, n)
			to = parent[n]
		default:
			return nil, false, false
		}
		from, _ = getPath(from, path[i:i+1])
	}
	return translated, true, true
}

// identifying are the fields by which lists of Kubernetes' kinds tell their items apart, in the order of preference.
var identifying = []string{"name", "key", "containerPort", "port", "mountPath", "devicePath", "ip", "id", "uid", "type"}

// sameItem finds the item of a list in another list: by a field that identifies it in both, else by its value, else by its
// position. -1 if it isn't there.
func sameItem(items []any, n int, others []any) int {
	item, isObject := items[n].(map[string]any)
	if !isObject {
		for i, other := range others {
			if equal(items[n], other) {
				return i
			}
		}
		return -1
	}
	for _, field := range identifying {
		id, has := item[field]
		if !has {
			continue
		}
		_, unique := itemWith(items, field, id)
		at, only := itemWith(others, field, id)
		if unique && (only || at < 0) {
			return at
		}
	}
	if n < len(others) {
		return n
	}
	return -1
}

// itemWith is the item whose field has a value, and whether it is the only one; -1 if there is none.
func itemWith(items []any, field string, id any) (at int, only bool) {
	at = -1
	for i, item := range items {
		fields, _ := item.(map[string]any)
		if have, ok := fields[field]; ok && value.Equals(value.NewValueInterface(have), value.NewValueInterface(id)) {
			if at >= 0 {
				return at, false
			}
			at = i
		}
	}
	return at, at >= 0
}

// setPath puts a value where a path of counterpart points to.
func setPath(v any, path []any, to any) any {
	if len(path) == 0 {
		return to
	}
	switch parent := v.(type) {
	case map[string]any:
		name, _ := path[0].(string)
		parent[name] = setPath(parent[name], path[1:], to)
	case []any:
		n, _ := path[0].(int)
		if n == len(parent) {
			return append(parent, to)
		}
		if n >= 0 && n < len(parent) {
			parent[n] = setPath(parent[n], path[1:], to)
		}
	}
	return v
}
