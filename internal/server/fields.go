package server

import (
	"encoding/json"
	"strings"
)

// fieldSelection is the query parameter "fields" of REST calls: the paths that an answer is cut down to, such as
// items.metadata.name, or with a leading "-" those that it is without. Argo CD's UI sends it to keep lists small.
type fieldSelection struct {
	paths   map[string]bool
	exclude bool
}

// maxFields bounds the paths of a selection.
const maxFields = 200

// newFieldSelection is nil where everything is wanted.
func newFieldSelection(query string) *fieldSelection {
	if query == "" {
		return nil
	}
	f := &fieldSelection{paths: map[string]bool{}}
	query, f.exclude = strings.CutPrefix(query, "-")
	for _, path := range strings.SplitN(query, ",", maxFields+1) {
		if path != "" && len(f.paths) < maxFields {
			f.paths[path] = true
		}
	}
	return f
}

// wants tells whether a part of an answer, which has more below it or not, may be in a selection.
func (f *fieldSelection) wants(path string) (whole, part bool) {
	if f.exclude {
		return false, !f.paths[path]
	}
	if f.paths[path] {
		return true, true
	}
	for selected := range f.paths {
		if strings.HasPrefix(selected, path+".") {
			return false, true
		}
	}
	return false, false
}

// apply cuts an answer down, by way of JSON. Applications have a shorter one: see appSelection.
func (f *fieldSelection) apply(answer any) (any, error) {
	encoded, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var value any
	if err := json.Unmarshal(encoded, &value); err != nil {
		return nil, err
	}
	return f.cut(value, ""), nil
}

// encode is an answer in JSON, cut down if there is a selection.
func (f *fieldSelection) encode(answer any) ([]byte, error) {
	if f != nil {
		cut, err := f.apply(answer)
		if err != nil {
			return nil, err
		}
		answer = cut
	}
	return json.Marshal(answer)
}

// cut is what of a JSON value is selected; elements of lists are at the list's own path.
func (f *fieldSelection) cut(value any, path string) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, inner := range value {
			at := name
			if path != "" {
				at = path + "." + name
			}
			whole, part := f.wants(at)
			switch {
			case whole, at == "metadata" && path == "" && !f.exclude && hasItems(value): // a list's own says where a watch goes on
				kept[name] = inner
			case part:
				kept[name] = f.cut(inner, at)
			}
		}
		return kept
	case []any:
		for i := range value {
			value[i] = f.cut(value[i], path)
		}
	}
	return value
}

func hasItems(value map[string]any) bool { _, ok := value["items"]; return ok }
