package action

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/protocol"
)

// builtin is an action that needs no configuration.
type builtin struct {
	name, display, icon string
	// params are what a run asks for.
	params []string
	// offer tells whether an object in its present state has the action, and may disable or rename it; nil: always.
	offer func(o map[string]any, a *protocol.ResourceAction) bool
	// change changes the object; create makes a new one from it. An action has one of them.
	change change
	create func(source *unstructured.Unstructured, now time.Time) map[string]any
}

// input is what a run is given beside the object.
type input struct {
	now    time.Time
	params map[string]string
}

type change func(o map[string]any, in input) error

// tables are the built-in actions by group and kind.
var tables = []map[string][]builtin{kubernetes, argo, flux, numaproj, operators}

func builtinOf(kind schema.GroupKind) []builtin {
	for _, table := range tables {
		if actions := table[kind.Group+"/"+kind.Kind]; actions != nil {
			return actions
		}
	}
	return nil
}

// condition is a state of an object.
type condition func(o map[string]any) bool

// is holds where a field has a value.
func is(value any, path ...string) condition {
	return func(o map[string]any) bool { return at(o, path...) == value }
}

func not(c condition) condition { return func(o map[string]any) bool { return !c(o) } }

func either(conditions ...condition) condition {
	return func(o map[string]any) bool {
		for _, c := range conditions {
			if c(o) {
				return true
			}
		}
		return false
	}
}

// disabledIf offers an action always, disabled in a state.
func disabledIf(c condition) func(map[string]any, *protocol.ResourceAction) bool {
	return func(o map[string]any, a *protocol.ResourceAction) bool {
		a.Disabled = c(o)
		return true
	}
}

// onlyIf offers an action in a state.
func onlyIf(c condition) func(map[string]any, *protocol.ResourceAction) bool {
	return func(o map[string]any, _ *protocol.ResourceAction) bool { return c(o) }
}

// set gives a field a value.
func set(value any, path ...string) change {
	return func(o map[string]any, _ input) error { return unstructured.SetNestedField(o, value, path...) }
}

// unset removes a field.
func unset(path ...string) change {
	return func(o map[string]any, _ input) error {
		unstructured.RemoveNestedField(o, path...)
		return nil
	}
}

// lower makes a field false where it is true.
func lower(path ...string) change {
	return func(o map[string]any, _ input) error {
		if !is(true, path...)(o) {
			return nil
		}
		return unstructured.SetNestedField(o, false, path...)
	}
}

// stamp writes the time into a field, behind a prefix.
func stamp(prefix, layout string, path ...string) change {
	return func(o map[string]any, in input) error {
		return unstructured.SetNestedField(o, prefix+in.now.UTC().Format(layout), path...)
	}
}

func all(changes ...change) change {
	return func(o map[string]any, in input) error {
		for _, c := range changes {
			if err := c(o, in); err != nil {
				return err
			}
		}
		return nil
	}
}

// annotation and label are the paths of one.
func annotation(name string) []string { return []string{"metadata", "annotations", name} }
func label(name string) []string      { return []string{"metadata", "labels", name} }

// at is a field, nil where there is none.
func at(o map[string]any, path ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(o, path...)
	switch value.(type) {
	case map[string]any, []any:
		return nil // is can't compare these, and compares only with values
	}
	return value
}

// has tells whether there is a field.
func has(o map[string]any, path ...string) bool {
	value, found, _ := unstructured.NestedFieldNoCopy(o, path...)
	return found && value != nil
}

// list is a field that is a list, nil where it is none.
func list(o map[string]any, path ...string) []any {
	value, _, _ := unstructured.NestedFieldNoCopy(o, path...)
	items, _ := value.([]any)
	return items
}

// text is a field that is a string, empty where it is none.
func text(o map[string]any, path ...string) string {
	value, _ := at(o, path...).(string)
	return value
}

// whole is a field that is a number.
func whole(o map[string]any, path ...string) (int64, bool) {
	switch n := at(o, path...).(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// never tells whether an interval is zero, in whatever unit.
func never(interval string) bool {
	number := strings.TrimRight(interval, "nuµmsh")
	return number == "0"
}

// owned is a new object with the name, a time behind it, and the namespace of the one that owns it.
func owned(source *unstructured.Unstructured, apiVersion, kind string, suffix string) map[string]any {
	owner := map[string]any{"apiVersion": source.GetAPIVersion(), "kind": source.GetKind(), "name": source.GetName()}
	if uid := source.GetUID(); uid != "" {
		owner["uid"] = string(uid)
	}
	metadata := map[string]any{"name": source.GetName() + "-" + suffix, "ownerReferences": []any{owner}}
	if namespace := source.GetNamespace(); namespace != "" {
		metadata["namespace"] = namespace
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
}
