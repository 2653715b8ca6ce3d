package diff

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Ignore is what of an object doesn't count, as Rules.For says, and what of it may be written in more than one way. The zero Ignore
// ignores nothing.
type Ignore struct {
	// pointers are JSON pointers taken apart.
	pointers [][]string
	queries  []*query
	// managers are field managers whose fields are theirs.
	managers []string
	known    []Known
}

func (i *Ignore) addPointer(pointer string) {
	if !strings.HasPrefix(pointer, "/") {
		return // RFC 6901; the empty pointer would be the whole object
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	var steps []string
	for step := range strings.SplitSeq(pointer[1:], "/") {
		steps = append(steps, unescape.Replace(step))
	}
	i.pointers = append(i.pointers, steps)
}

// Empty tells whether everything counts.
func (i Ignore) Empty() bool {
	return len(i.pointers) == 0 && len(i.queries) == 0 && len(i.managers) == 0 && len(i.known) == 0
}

// NeedsManagers tells whether a comparison needs the managed fields of a live object whole, those of others included.
func (i Ignore) NeedsManagers() bool { return len(i.managers) > 0 }

// View is what is ignored of the two states of one object.
type View struct {
	ignore  Ignore
	managed []fieldpath.Path
}

// On is what is ignored in view of a live object, nil for none. An error says that its managed fields can't be read.
func (i Ignore) On(live *unstructured.Unstructured) (View, error) {
	managed, err := fieldsOf(live, i.managers)
	return View{i, managed}, err
}

// Strip is the object without what is ignored; the object itself if nothing is. An error says that a jq path expression
// took too long.
func (v View) Strip(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if v.ignore.Empty() {
		return u, nil
	}
	content, err := v.strip(u.Object)
	if err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: content}, nil
}

func (v View) strip(content map[string]any) (map[string]any, error) {
	if v.ignore.Empty() {
		return content, nil
	}
	content = runtime.DeepCopyJSON(content)
	for _, known := range v.ignore.known {
		known.rewrite(content, known.steps)
	}
	for _, steps := range v.ignore.pointers {
		remove(content, steps)
	}
	for _, path := range v.managed {
		deleteField(content, path)
	}
	for _, q := range v.ignore.queries {
		paths, err := q.paths(jqForm(content))
		if err != nil {
			return nil, err
		}
		// From the back: a deletion moves what comes after it.
		for n := len(paths) - 1; n >= 0; n-- {
			deletePath(content, paths[n])
		}
	}
	return content, nil
}

// Keep is the manifest with the live object's values for what is ignored, so that an apply leaves them as they are
// (sync option RespectIgnoreDifferences=true). The error is View's.
func (i Ignore) Keep(manifest, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if i.Empty() || live == nil {
		return manifest, nil
	}
	kept := manifest.DeepCopy()
	for _, steps := range i.pointers {
		keepPointer(kept.Object, live.Object, steps)
	}
	view, err := i.On(live)
	if err != nil {
		return nil, err
	}
	for _, path := range view.managed {
		keepField(kept.Object, live.Object, path, runtime.DeepCopyJSONValue)
	}
	for _, q := range i.queries {
		if err := q.keep(kept.Object, live.Object); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func keepPointer(manifest, live map[string]any, steps []string) {
	value, ok := at(live, steps)
	if !ok {
		remove(manifest, steps)
		return
	}
	if parent, last, ok := parentOf(manifest, steps); ok {
		if fields, ok := parent.(map[string]any); ok {
			fields[last] = runtime.DeepCopyJSONValue(value)
		} else if n, items := index(parent, last); n >= 0 {
			items[n] = runtime.DeepCopyJSONValue(value)
		}
	}
}

// keep gives what the expression points to, in the manifest or in the live object, the value that it has in the live one.
func (q *query) keep(manifest, live map[string]any) error {
	own, err := q.paths(jqForm(manifest))
	if err != nil {
		return err
	}
	for n := len(own) - 1; n >= 0; n-- {
		if path, exists, ok := counterpart(own[n], manifest, live); ok && exists {
			value, _ := getPath(live, path)
			setPath(manifest, own[n], runtime.DeepCopyJSONValue(value))
		} else {
			deletePath(manifest, own[n])
		}
	}
	theirs, err := q.paths(jqForm(live))
	if err != nil {
		return err
	}
	for _, from := range theirs {
		value, found := getPath(live, from)
		if path, _, ok := counterpart(from, live, manifest); ok && found {
			setPath(manifest, path, runtime.DeepCopyJSONValue(value))
		}
	}
	return nil
}

func at(value any, steps []string) (any, bool) {
	for _, step := range steps {
		switch parent := value.(type) {
		case map[string]any:
			child, ok := parent[step]
			if !ok {
				return nil, false
			}
			value = child
		case []any:
			n, _ := index(parent, step)
			if n < 0 {
				return nil, false
			}
			value = parent[n]
		default:
			return nil, false
		}
	}
	return value, true
}

func parentOf(content map[string]any, steps []string) (parent any, last string, ok bool) {
	last = steps[len(steps)-1]
	parent, ok = at(content, steps[:len(steps)-1])
	return parent, last, ok
}

// remove deletes a field. A list's item is emptied rather than taken out, so that the pointers to its neighbours and the
// comparison of these still hold.
func remove(content map[string]any, steps []string) {
	parent, last, ok := parentOf(content, steps)
	if !ok {
		return
	}
	if fields, ok := parent.(map[string]any); ok {
		delete(fields, last)
	} else if n, items := index(parent, last); n >= 0 {
		items[n] = nil
	}
}

func index(parent any, step string) (int, []any) {
	items, ok := parent.([]any)
	if !ok {
		return -1, nil
	}
	n, err := strconv.Atoi(step)
	if err != nil || n < 0 || n >= len(items) {
		return -1, nil
	}
	return n, items
}
