package health

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The readers of fields take what is absent, or of an unexpected type, for zero: foreign objects are read here.

func number(u *unstructured.Unstructured, path string) (int64, bool) {
	value, found, _ := unstructured.NestedFieldNoCopy(u.Object, strings.Split(path, ".")...)
	if !found {
		return 0, false
	}
	return numeric(value)
}

func numeric(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

func text(u *unstructured.Unstructured, path string) string {
	s, _, _ := unstructured.NestedString(u.Object, strings.Split(path, ".")...)
	return s
}

func flag(u *unstructured.Unstructured, path string) bool {
	b, _, _ := unstructured.NestedBool(u.Object, strings.Split(path, ".")...)
	return b
}

func list(u *unstructured.Unstructured, path string) []map[string]any {
	value, _, _ := unstructured.NestedFieldNoCopy(u.Object, strings.Split(path, ".")...)
	items, _ := value.([]any)
	var maps []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			maps = append(maps, m)
		}
	}
	return maps
}

type condition struct{ kind, status, reason, message string }

func conditions(u *unstructured.Unstructured) []condition {
	var all []condition
	for _, item := range list(u, "status.conditions") {
		get := func(name string) string { s, _ := item[name].(string); return s }
		all = append(all, condition{get("type"), get("status"), get("reason"), get("message")})
	}
	return all
}

// observed tells whether the controller of the object has seen its newest spec.
func observed(u *unstructured.Unstructured) bool {
	seen, _ := number(u, "status.observedGeneration")
	return u.GetGeneration() <= seen
}

// replicas is a field that defaults to one.
func replicas(u *unstructured.Unstructured) int64 {
	if n, ok := number(u, "spec.replicas"); ok {
		return n
	}
	return 1
}
