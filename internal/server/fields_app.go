package server

import (
	"maps"
	"slices"
	"strings"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// appFields are the fields of applications that the UI selects; what isn't among them is found by way of JSON.
var appFields = map[string]func(*argo.Application) any{
	"metadata.name":              func(app *argo.Application) any { return app.Name },
	"metadata.namespace":         func(app *argo.Application) any { return app.Namespace },
	"metadata.annotations":       func(app *argo.Application) any { return orNil(app.Annotations) },
	"metadata.labels":            func(app *argo.Application) any { return orNil(app.Labels) },
	"metadata.creationTimestamp": func(app *argo.Application) any { return app.CreationTimestamp },
	"metadata.resourceVersion":   func(app *argo.Application) any { return app.ResourceVersion },
	"metadata.deletionTimestamp": func(app *argo.Application) any { return given(app.DeletionTimestamp) },
	"spec":                       func(app *argo.Application) any { return &app.Spec },
	"spec.destination":           func(app *argo.Application) any { return app.Spec.Destination },
	"spec.project":               func(app *argo.Application) any { return app.Spec.Project },
	"spec.source":                func(app *argo.Application) any { return given(app.Spec.Source) },
	"spec.sources": func(app *argo.Application) any {
		if app.Spec.Sources == nil {
			return nil
		}
		return app.Spec.Sources
	},
	"spec.sourceHydrator":  func(app *argo.Application) any { return given(app.Spec.SourceHydrator) },
	"spec.syncPolicy":      func(app *argo.Application) any { return given(app.Spec.SyncPolicy) },
	"status.health":        func(app *argo.Application) any { return app.Status.Health },
	"status.summary":       func(app *argo.Application) any { return app.Status.Summary },
	"status.sync.status":   func(app *argo.Application) any { return app.Status.Sync.Status },
	"status.sync.revision": func(app *argo.Application) any { return app.Status.Sync.Revision },
	"status.resources": func(app *argo.Application) any {
		if len(app.Status.Resources) == 0 {
			return nil
		}
		return app.Status.Resources
	},
	"status.operationState.startedAt":  ofState(func(s *argo.OperationState) any { return s.StartedAt }),
	"status.operationState.phase":      ofState(func(s *argo.OperationState) any { return s.Phase }),
	"status.operationState.finishedAt": ofState(func(s *argo.OperationState) any { return given(s.FinishedAt) }),
	// Whether there is a sync is what is asked; its manifests may be large.
	"status.operationState.operation.sync": ofState(func(s *argo.OperationState) any {
		if s.Operation.Sync == nil {
			return nil
		}
		return &argo.SyncOperation{}
	}),
	"operation.sync": func(app *argo.Application) any {
		if app.Operation == nil || app.Operation.Sync == nil {
			return nil
		}
		return app.Operation.Sync
	},
}

// given is a pointer as a value that is nil where the pointer is.
func given[T any](pointer *T) any {
	if pointer == nil {
		return nil
	}
	return pointer
}

func orNil(values map[string]string) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

func ofState(field func(*argo.OperationState) any) func(*argo.Application) any {
	return func(app *argo.Application) any {
		if app.Status.OperationState == nil {
			return nil
		}
		return field(app.Status.OperationState)
	}
}

// appSelection is a selection of fields of applications as a tree, which is written without encoding what isn't wanted.
type appSelection struct {
	name string
	// of is the field, nil where it is only a name that others are below.
	of    func(*argo.Application) any
	below []*appSelection
}

// ofApps are the fields below a prefix, the place of an application in an answer. It is false where one isn't among
// appFields, where something else is selected than what others holds, and where there is none.
func (f *fieldSelection) ofApps(prefix string, others ...string) (*appSelection, bool) {
	if f.exclude {
		return nil, false
	}
	root := &appSelection{}
	for _, path := range slices.Sorted(maps.Keys(f.paths)) {
		name, ok := strings.CutPrefix(path, prefix)
		if !ok {
			if slices.ContainsFunc(others, func(other string) bool { return path == other || strings.HasPrefix(path, other+".") }) {
				continue
			}
			return nil, false
		}
		if strings.HasPrefix(name, "spec.") && f.paths[prefix+"spec"] { // it is all there
			continue
		}
		of, known := appFields[name]
		if !known {
			return nil, false
		}
		root.add(strings.Split(name, "."), of)
	}
	return root, len(root.below) > 0
}

// eventType is where an event of a watch says what happened.
const eventType = "result.type"

// ofEvents are the fields of the applications in the events of a watch, if nothing else is selected but the type.
func (f *fieldSelection) ofEvents() (*appSelection, bool) {
	if f == nil {
		return nil, false
	}
	return f.ofApps("result.application.", eventType)
}

func (s *appSelection) add(path []string, of func(*argo.Application) any) {
	at := slices.IndexFunc(s.below, func(below *appSelection) bool { return below.name == path[0] })
	if at < 0 {
		at = len(s.below)
		s.below = append(s.below, &appSelection{name: path[0]})
	}
	if len(path) == 1 {
		s.below[at].of = of
		return
	}
	s.below[at].add(path[1:], of)
}

// write writes what is selected of an application. Fields that it doesn't have are left out, and names with nothing below.
func (s *appSelection) write(w *jsonWriter, app *argo.Application) error {
	begin := w.Len()
	w.WriteByte('{')
	empty := true
	for _, below := range s.below {
		before := w.Len()
		if !empty {
			w.WriteByte(',')
		}
		w.WriteString(`"` + below.name + `":`)
		written, err := below.writeValue(w, app)
		if err != nil {
			return err
		}
		if !written {
			w.Truncate(before)
			continue
		}
		empty = false
	}
	w.WriteByte('}')
	if empty && s.name != "" {
		w.Truncate(begin)
	}
	return nil
}

func (s *appSelection) writeValue(w *jsonWriter, app *argo.Application) (written bool, err error) {
	before := w.Len()
	if s.of == nil {
		err = s.write(w, app)
		return w.Len() > before, err
	}
	value := s.of(app)
	if value == nil {
		return false, nil
	}
	return true, w.value(value)
}
