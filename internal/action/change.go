package action

import (
	"encoding/json"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Operation is how a Change is written.
type Operation string

// The operations that an action may ask for.
const (
	Patch  Operation = "patch"  // the difference between the live object and Object
	Create Operation = "create" // a new object
)

// Change is what an action does with one object.
type Change struct {
	Operation Operation
	// Object is the object as it is to be.
	Object *unstructured.Unstructured
}

// MergePatches are the difference between two states of an object as merge patches: that of its status, which many kinds
// have as a subresource, that of the rest, and all in one for kinds that don't. Each is nil where nothing differs.
func MergePatches(live, changed *unstructured.Unstructured) (status, rest, all []byte, err error) {
	before, err := json.Marshal(live.Object)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("writing %s '%s': %w", live.GetKind(), live.GetName(), err)
	}
	after, err := json.Marshal(changed.Object)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("writing %s '%s': %w", live.GetKind(), live.GetName(), err)
	}
	if all, err = jsonpatch.CreateMergePatch(before, after); err != nil {
		return nil, nil, nil, fmt.Errorf("comparing %s '%s': %w", live.GetKind(), live.GetName(), err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(all, &parts); err != nil {
		return nil, nil, nil, fmt.Errorf("comparing %s '%s': %w", live.GetKind(), live.GetName(), err)
	}
	if len(parts) == 0 {
		return nil, nil, nil, nil
	}
	if part, changes := parts["status"]; changes {
		if status, err = json.Marshal(map[string]json.RawMessage{"status": part}); err != nil {
			return nil, nil, nil, err
		}
		delete(parts, "status")
	}
	if len(parts) > 0 {
		rest, err = json.Marshal(parts)
	}
	return status, rest, all, err
}

// checked refuses a change that is none of an action's business.
func checked(change Change, source *unstructured.Unstructured) error {
	o := change.Object
	if o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "" {
		return fmt.Errorf("reading the result of the action: an object to %s has no apiVersion, kind or name", change.Operation)
	}
	if change.Operation == Patch &&
		(o.GetAPIVersion() != source.GetAPIVersion() || o.GetKind() != source.GetKind() || o.GetNamespace() != source.GetNamespace() || o.GetName() != source.GetName() || o.GetUID() != source.GetUID()) {
		return fmt.Errorf("reading the result of the action: it patches %s %s/%s; an action can only patch the object that it runs on, %s %s/%s",
			o.GetKind(), o.GetNamespace(), o.GetName(), source.GetKind(), source.GetNamespace(), source.GetName())
	}
	return nil
}
