package syncrun

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncplan"
)

// result is what was recorded of an action in a phase; nil if nothing was.
func (r *Run) result(a syncplan.Action, phase v1alpha1.SyncPhase) *v1alpha1.ResourceResult {
	for _, result := range r.State.SyncResult.Resources {
		if result.SyncPhase == phase && result.Group == a.Key.Group && result.Kind == a.Key.Kind &&
			result.Namespace == a.Key.Namespace && result.Name == a.Key.Name {
			return result
		}
	}
	return nil
}

// note records what became of an action, in place of what was recorded before.
func (r *Run) note(a syncplan.Action, phase v1alpha1.SyncPhase, result v1alpha1.ResourceResult) {
	result.Group, result.Kind, result.Namespace, result.Name = a.Key.Group, a.Key.Kind, a.Key.Namespace, a.Key.Name
	result.SyncPhase = phase
	manifest := a.Target
	if manifest == nil {
		manifest = a.Live
	}
	if manifest != nil {
		result.Version = manifest.GroupVersionKind().Version
		result.Images = object.Images(manifest)
	}
	if a.Hook {
		result.HookType = v1alpha1.HookType(phase)
	}
	if old := r.result(a, phase); old != nil {
		*old = result
		return
	}
	r.State.SyncResult.Resources = append(r.State.SyncResult.Resources, &result)
}

// applied is the result of an apply, in kubectl's words.
func applied(a syncplan.Action, before string, answer *unstructured.Unstructured) v1alpha1.ResourceResult {
	verb := "configured"
	switch {
	case before == "":
		verb = "created"
	case a.Verb == syncplan.Replace:
		verb = "replaced"
	case before == answer.GetResourceVersion():
		verb = "unchanged"
	}
	return synced(a, verb)
}

func synced(a syncplan.Action, verb string) v1alpha1.ResourceResult {
	return v1alpha1.ResourceResult{
		Status: v1alpha1.ResultCodeSynced, HookPhase: v1alpha1.OperationRunning,
		Message: fmt.Sprintf("%s/%s %s", resourceName(a.Key), a.Key.Name, verb),
	}
}

func failed(a syncplan.Action, err error) v1alpha1.ResourceResult {
	message := err.Error()
	var unknown *cluster.UnknownKindError
	if errors.As(err, &unknown) {
		message = unknown.ForObject(a.Key.Namespace, a.Key.Name)
	}
	return v1alpha1.ResourceResult{Status: v1alpha1.ResultCodeSyncFailed, HookPhase: v1alpha1.OperationFailed, Message: message}
}

// resourceName is how kubectl prints a kind: deployment.apps, configmap.
func resourceName(key object.Key) string {
	name := strings.ToLower(key.Kind)
	if key.Group != "" {
		name += "." + key.Group
	}
	return name
}
