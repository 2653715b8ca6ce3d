package diff

import (
	"path"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// Ignore is what of an object doesn't count, as JSON pointers taken apart. The zero Ignore ignores nothing.
type Ignore struct{ pointers [][]string }

// IgnoreFor collects what the rules and Argo CD's defaults say of an object.
func IgnoreFor(rules []v1alpha1.ResourceIgnoreDifferences, manifest *unstructured.Unstructured) Ignore {
	var ignore Ignore
	key := object.KeyOf(manifest)
	for _, rule := range rules {
		if !matches(rule.Group, key.Group) || !matches(rule.Kind, key.Kind) ||
			rule.Name != "" && !matches(rule.Name, key.Name) || rule.Namespace != "" && !matches(rule.Namespace, key.Namespace) {
			continue
		}
		for _, pointer := range rule.JSONPointers {
			ignore.add(pointer)
		}
	}
	if key.Kind == "ClusterRole" && key.Group == "rbac.authorization.k8s.io" {
		if _, aggregated := manifest.Object["aggregationRule"]; aggregated {
			ignore.add("/rules") // the cluster's own controller fills them
		}
	}
	return ignore
}

// matches is a glob; * alone matches everything, also the core group.
func matches(pattern, s string) bool {
	if pattern == "*" || pattern == s {
		return true
	}
	ok, err := path.Match(pattern, s)
	return err == nil && ok
}

func (i *Ignore) add(pointer string) {
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
func (i Ignore) Empty() bool { return len(i.pointers) == 0 }

// Strip is the object without what is ignored; the object itself if nothing is.
func (i Ignore) Strip(u *unstructured.Unstructured) *unstructured.Unstructured {
	if i.Empty() {
		return u
	}
	return &unstructured.Unstructured{Object: i.strip(u.Object)}
}

// Keep is the manifest with the live object's values for what is ignored, so that an apply leaves them as they are
// (sync option RespectIgnoreDifferences=true).
func (i Ignore) Keep(manifest, live *unstructured.Unstructured) *unstructured.Unstructured {
	if i.Empty() || live == nil {
		return manifest
	}
	kept := manifest.DeepCopy()
	for _, steps := range i.pointers {
		value, ok := at(live.Object, steps)
		if !ok {
			remove(kept.Object, steps)
			continue
		}
		if parent, last, ok := parentOf(kept.Object, steps); ok {
			if fields, ok := parent.(map[string]any); ok {
				fields[last] = runtime.DeepCopyJSONValue(value)
			} else if n, items := index(parent, last); n >= 0 {
				items[n] = runtime.DeepCopyJSONValue(value)
			}
		}
	}
	return kept
}

func (i Ignore) strip(content map[string]any) map[string]any {
	if i.Empty() {
		return content
	}
	content = runtime.DeepCopyJSON(content)
	for _, steps := range i.pointers {
		remove(content, steps)
	}
	return content
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

// String is the same for the same pointers.
func (i Ignore) String() string {
	var b strings.Builder
	for _, steps := range i.pointers {
		for _, step := range steps {
			b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
		}
		b.WriteString("\n")
	}
	return b.String()
}
