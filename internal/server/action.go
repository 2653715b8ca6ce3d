package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
)

const rolloutKind = "Rollout"

const rolloutGroup = "argoproj.io"

func isRollout(object *unstructured.Unstructured) bool {
	gvk := object.GroupVersionKind()
	return gvk.Group == argo.GroupVersion.Group && gvk.Kind == rolloutKind
}

// actionsOf are the actions that an object has, those that its state doesn't allow disabled, as Argo CD's built-in ones.
func actionsOf(object *unstructured.Unstructured) []*protocol.ResourceAction {
	var actions []*protocol.ResourceAction
	add := func(name string, enabled bool) {
		actions = append(actions, &protocol.ResourceAction{Name: name, Disabled: !enabled})
	}
	gvk := object.GroupVersionKind()
	switch {
	case isRollout(object):
		paused, _, _ := unstructured.NestedBool(object.Object, "spec", "paused")
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "pauseConditions")
		aborted, _, _ := unstructured.NestedBool(object.Object, "status", "abort")
		stable, _, _ := unstructured.NestedString(object.Object, "status", "stableRS")
		current, _, _ := unstructured.NestedString(object.Object, "status", "currentPodHash")
		updating := stable != "" && stable != current
		add(rollout.ActionRestart, true)
		add(rollout.ActionResume, paused || len(conditions) > 0)
		add(rollout.ActionPromoteFull, updating && !aborted)
		add(rollout.ActionAbort, updating && !aborted)
		add(rollout.ActionRetry, aborted)
		add(rollout.ActionPause, !paused)
	case gvk.Group == "apps" && slices.Contains(restartable, gvk.Kind):
		add(rollout.ActionRestart, true)
		if gvk.Kind == "Deployment" {
			paused, _, _ := unstructured.NestedBool(object.Object, "spec", "paused")
			add(rollout.ActionPause, !paused)
			add(rollout.ActionResume, paused)
		}
	}
	return actions
}

// restartable are the kinds of group apps that have a pod template to restart.
var restartable = []string{"Deployment", "StatefulSet", "DaemonSet"}

// workloadPatches carry out an action on a workload of Kubernetes itself.
func workloadPatches(object *unstructured.Unstructured, action string, now time.Time) ([]rollout.Patch, error) {
	gvk := object.GroupVersionKind()
	if gvk.Group != "apps" || !slices.ContainsFunc(actionsOf(object), func(a *protocol.ResourceAction) bool { return a.Name == action }) {
		return nil, invalid(fmt.Sprintf("the action %s isn't known for %s", action, gvk.Kind))
	}
	spec := map[string]any{}
	switch action {
	case rollout.ActionRestart:
		spec["template"] = map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			"kubectl.kubernetes.io/restartedAt": now.UTC().Format(time.RFC3339),
		}}}
	case rollout.ActionPause:
		spec["paused"] = true
	case rollout.ActionResume:
		spec["paused"] = false
	}
	body, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return nil, err
	}
	return []rollout.Patch{{Type: types.MergePatchType, Body: body}}, nil
}
