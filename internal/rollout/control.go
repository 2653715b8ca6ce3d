package rollout

import (
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Patch is a change of a Rollout.
type Patch struct {
	// Subresource is "status", or empty for the object itself.
	Subresource string
	// Type is how Body is to be applied.
	Type types.PatchType
	// Body is JSON.
	Body []byte
}

// The actions that [Control] knows.
const (
	ActionPromote     = "promote"      // ends a pause, or leaves the current step
	ActionResume      = "resume"       // the same; Argo CD's word for it
	ActionPromoteFull = "promote-full" // leaves out all steps that are left
	ActionAbort       = "abort"        // returns to the stable revision
	ActionRetry       = "retry"        // begins an aborted update again
	ActionPause       = "pause"        // stops everything
	ActionUnpause     = "unpause"      // goes on after pause
	ActionRestart     = "restart"      // replaces all pods, a few at a time
)

// Control says how to carry out a person's order: the patches, in order, that Argo Rollouts' command line makes for it. No
// patch means that there is nothing to do. An error says that the order makes no sense now, or isn't known.
func Control(action string, object *unstructured.Unstructured, now time.Time) ([]Patch, error) {
	ro := &v1alpha1.Rollout{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, ro); err != nil {
		return nil, fmt.Errorf("reading rollout %q: %w", object.GetName(), err)
	}
	switch action {
	case ActionPromote, ActionResume:
		return promotion(ro)
	case ActionPromoteFull:
		if ro.Status.CurrentPodHash == ro.Status.StableRS {
			return nil, nil
		}
		return merge("status", "promoteFull", true)
	case ActionAbort:
		return merge("status", "abort", true)
	case ActionRetry:
		if !ro.Status.Abort {
			return nil, fmt.Errorf("retrying rollout %q: it has not been aborted", ro.Name)
		}
		return merge("status", "abort", false)
	case ActionPause:
		return merge("", "paused", true)
	case ActionUnpause:
		return merge("", "paused", false)
	case ActionRestart:
		return merge("", "restartAt", now.UTC().Format(time.RFC3339))
	default:
		return nil, fmt.Errorf("controlling rollout %q: unknown action %q; use promote, promote-full, abort, retry, pause, unpause or restart",
			ro.Name, action)
	}
}

// promotion ends a pause of the spec and, if there is one, a pause of the status; without that, it leaves the current step.
// Never both, so that one order doesn't skip what it hasn't seen.
func promotion(ro *v1alpha1.Rollout) ([]Patch, error) {
	var patches []Patch
	if ro.Spec.Paused {
		unpause, err := merge("", "paused", false)
		if err != nil {
			return nil, err
		}
		patches = append(patches, unpause...)
	}
	status := map[string]any{"pauseConditions": nil}
	if len(ro.Status.PauseConditions) == 0 {
		next, ok := stepAfter(ro)
		if !ok {
			return patches, nil
		}
		status["currentStepIndex"] = next
	}
	body, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return nil, fmt.Errorf("promoting rollout %q: %w", ro.Name, err)
	}
	return append(patches, Patch{Subresource: "status", Type: types.MergePatchType, Body: body}), nil
}

// stepAfter is the index after the current step; false if there is none.
func stepAfter(ro *v1alpha1.Rollout) (int32, bool) {
	if ro.Spec.Strategy.Canary == nil {
		return 0, false
	}
	state := ArgoState(&ro.Status)
	steps := int32(len(ro.Spec.Strategy.Canary.Steps))
	if state.Step >= steps {
		return 0, false
	}
	return state.Step + 1, true
}

func merge(subresource, field string, value any) ([]Patch, error) {
	root := "spec"
	if subresource != "" {
		root = subresource
	}
	body, err := json.Marshal(map[string]any{root: map[string]any{field: value}})
	if err != nil {
		return nil, fmt.Errorf("writing patch of %s.%s: %w", root, field, err)
	}
	return []Patch{{Subresource: subresource, Type: types.MergePatchType, Body: body}}, nil
}
