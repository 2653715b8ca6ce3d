package syncrun

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncplan"
)

// ours tells whether a hook's object was made by this operation.
func (r *Run) ours(live *unstructured.Unstructured) bool {
	return live.GetAnnotations()[syncplan.OperationAnnotation] == r.OperationID
}

// startHook makes the hook's object, after what is left of it from an earlier operation is gone.
func (r *Run) startHook(ctx context.Context, a syncplan.Action) (result *v1alpha1.ResourceResult, waitsFor string) {
	live, exists := r.Cluster.Live(a.Key)
	if exists && live != nil && r.ours(live) {
		// It was made before the hub was killed, and not recorded.
		found := synced(a, "created")
		return &found, ""
	}
	if exists && live != nil && slices.Contains(a.Delete, object.BeforeHookCreation) {
		if live.GetDeletionTimestamp() == nil {
			if err := r.Cluster.Delete(ctx, live.GroupVersionKind(), a.Key, "background", live.GetUID()); err != nil {
				result := failed(err)
				return &result, ""
			}
		}
		if live, exists = r.Cluster.Live(a.Key); exists && live != nil && !r.ours(live) {
			return nil, "deletion of the former hook " + a.Key.String()
		}
	}
	_, err := r.Cluster.Apply(ctx, a.Target, cluster.ApplyOptions{SkipValidation: a.SkipValidation})
	if r.kindMayCome(err) {
		return nil, "kind " + a.Key.Kind
	}
	if err != nil {
		result := failed(err)
		return &result, ""
	}
	started := synced(a, "created")
	return &started, ""
}

// observeHook sees whether a hook has ended.
func (r *Run) observeHook(a syncplan.Action, result *v1alpha1.ResourceResult) {
	if result.HookPhase != v1alpha1.OperationRunning {
		return
	}
	live, exists := r.Cluster.Live(a.Key)
	if !exists {
		if ttl, found, _ := unstructured.NestedFieldNoCopy(a.Target.Object, "spec", "ttlSecondsAfterFinished"); found && ttl != nil {
			result.HookPhase = v1alpha1.OperationSucceeded // it goes by itself only after its end
			return
		}
		result.HookPhase, result.Message = v1alpha1.OperationFailed, a.Key.String()+" was deleted before it ended"
		return
	}
	if live == nil {
		return // not read back yet
	}
	status := health.Of(live)
	if status == nil {
		result.HookPhase = v1alpha1.OperationSucceeded
		return
	}
	if status.Message != "" {
		result.Message = status.Message
	}
	switch status.Code {
	case v1alpha1.HealthStatusHealthy:
		result.HookPhase = v1alpha1.OperationSucceeded
	case v1alpha1.HealthStatusDegraded:
		result.HookPhase = v1alpha1.OperationFailed
	}
}

// deleteHooks deletes the objects of ended hooks whose policy says so. How they ended is stored first, for nobody could
// tell afterwards. That an object stays is no failure of the sync.
func (r *Run) deleteHooks(ctx context.Context) error {
	var ended []*unstructured.Unstructured
	for _, step := range append(slices.Clone(r.Plan.Steps), r.Plan.OnFailure...) {
		for _, a := range step.Actions() {
			result := r.result(a, step.Phase)
			if !a.Hook || result == nil {
				continue
			}
			goes := result.HookPhase == v1alpha1.OperationSucceeded && slices.Contains(a.Delete, object.HookSucceeded) ||
				result.HookPhase == v1alpha1.OperationFailed && slices.Contains(a.Delete, object.HookFailed)
			if live, exists := r.Cluster.Live(a.Key); goes && exists && live != nil && r.ours(live) {
				ended = append(ended, live)
			}
		}
	}
	if len(ended) == 0 {
		return nil
	}
	if err := r.Record(ctx); err != nil {
		return err
	}
	for _, live := range ended {
		_ = r.Cluster.Delete(ctx, live.GroupVersionKind(), object.KeyOf(live), "background", live.GetUID())
	}
	return nil
}

func hasHooks(step syncplan.Step) bool {
	return slices.ContainsFunc(step.Actions(), func(a syncplan.Action) bool { return a.Hook })
}
