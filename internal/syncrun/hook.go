package syncrun

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncplan"
)

// ours tells whether a hook's object was made by this operation in this phase.
func (r *Run) ours(live *unstructured.Unstructured, phase v1alpha1.SyncPhase) bool {
	return live.GetAnnotations()[syncplan.OperationAnnotation] == syncplan.HookMark(r.OperationID, phase)
}

// startHook makes the hook's object, after what is left of it from an earlier operation is gone.
func (r *Run) startHook(ctx context.Context, a syncplan.Action, phase v1alpha1.SyncPhase) (result *v1alpha1.ResourceResult, waitsFor string) {
	live, exists := r.Cluster.Live(a.Key)
	if exists && live != nil && r.ours(live, phase) {
		// It was made before the hub was killed, and not recorded.
		found := synced(a, "created")
		return &found, ""
	}
	if exists && live != nil && slices.Contains(a.Delete, object.BeforeHookCreation) {
		if err := r.deleteHook(ctx, live); err != nil {
			result := failed(a, err)
			return &result, ""
		}
		if live, exists = r.Cluster.Live(a.Key); exists && live != nil && !r.ours(live, phase) {
			return nil, "deletion of " + name(a.Key)
		}
	}
	_, err := r.Cluster.Apply(ctx, a.Target, cluster.ApplyOptions{SkipValidation: a.SkipValidation})
	if r.kindMayCome(err) {
		return nil, "kind " + a.Key.Kind
	}
	if err != nil {
		result := failed(a, err)
		return &result, ""
	}
	started := synced(a, "created")
	return &started, ""
}

// deleteHook deletes the object of a hook; nobody looks at how it ended any more.
func (r *Run) deleteHook(ctx context.Context, live *unstructured.Unstructured) error {
	var err error
	if live.GetDeletionTimestamp() == nil {
		err = r.Cluster.Delete(ctx, live.GroupVersionKind(), object.KeyOf(live), "background", live.GetUID())
	}
	return errors.Join(err, r.release(ctx, live))
}

// release takes the finalizer from a hook's object, so that it can go.
func (r *Run) release(ctx context.Context, live *unstructured.Unstructured) error {
	if !slices.Contains(live.GetFinalizers(), object.HookFinalizer) {
		return nil
	}
	return r.Cluster.RemoveFinalizer(ctx, live, object.HookFinalizer)
}

// observeHook sees whether a hook has ended.
func (r *Run) observeHook(a syncplan.Action, result *v1alpha1.ResourceResult) {
	if result.HookPhase != v1alpha1.OperationRunning {
		return
	}
	live, exists := r.Cluster.Live(a.Key)
	if !exists {
		result.HookPhase, result.Message = v1alpha1.OperationFailed, a.Key.String()+" was deleted before it ended"
		return
	}
	if live == nil {
		return // not read back yet
	}
	// Of an object that is deleted, its finalizer keeps it for us to see how it ended. Rules of health may look at the deletion.
	deleted := live.GetDeletionTimestamp() != nil
	status := r.healthOf(live)
	if status == nil {
		result.HookPhase = v1alpha1.OperationSucceeded
		return
	}
	if status.Message != "" {
		result.Message = status.Message
	}
	switch {
	case status.Code == v1alpha1.HealthStatusHealthy:
		result.HookPhase = v1alpha1.OperationSucceeded
	case status.Code == v1alpha1.HealthStatusDegraded, status.Code == v1alpha1.HealthStatusUnknown:
		result.HookPhase = v1alpha1.OperationFailed
	case deleted:
		result.HookPhase, result.Message = v1alpha1.OperationFailed, a.Key.String()+" was deleted before it ended"
	}
}

func (r *Run) healthOf(live *unstructured.Unstructured) *health.Status {
	if r.Health != nil {
		return r.Health(live)
	}
	return health.Of(live)
}

// letHooksGo takes the finalizer from the objects of ended hooks, and at the end of the sync deletes those whose policy says
// so. How they ended is stored first, for nobody could tell afterwards. An object that can't be let go is an error of its
// hook.
func (r *Run) letHooksGo(ctx context.Context, atEnd bool) error {
	type ending struct {
		live   *unstructured.Unstructured
		result *v1alpha1.ResourceResult
		goes   bool
	}
	var endings []ending
	for _, step := range append(slices.Clone(r.Plan.Steps), r.Plan.OnFailure...) {
		for _, a := range step.Actions() {
			result := r.result(a, step.Phase)
			if !a.Hook || result == nil || !result.HookPhase.Completed() {
				continue
			}
			live, exists := r.Cluster.Live(a.Key)
			if !exists || live == nil || !r.ours(live, step.Phase) {
				continue
			}
			goes := atEnd && r.doomed(a, result)
			if goes || slices.Contains(live.GetFinalizers(), object.HookFinalizer) {
				endings = append(endings, ending{live, result, goes})
			}
		}
	}
	if len(endings) == 0 {
		return nil
	}
	if err := r.Record(ctx); err != nil {
		return err
	}
	for _, e := range endings {
		let, doing := r.release, "Failed to remove hook finalizer"
		if e.goes {
			let, doing = r.deleteHook, "failed to delete resource"
		}
		if err := let(ctx, e.live); err != nil {
			e.result.HookPhase, e.result.Message = v1alpha1.OperationError, fmt.Sprintf("%s: %v", doing, err)
		}
	}
	return nil
}

// ClearEnded deletes the objects of hooks that a run with KeepEnded has brought to their end, those whose policy says so. It
// needs no results of that run: the objects say who made them and how they ended. What isn't read back yet is waited for.
func (r *Run) ClearEnded(ctx context.Context) (waitsFor string, err error) {
	if r.State.SyncResult == nil {
		r.State.SyncResult = &v1alpha1.SyncOperationResult{}
	}
	for _, step := range r.Plan.Steps {
		for _, a := range step.Actions() {
			live, exists := r.Cluster.Live(a.Key)
			if !a.Hook || !exists {
				continue
			}
			if live == nil {
				return name(a.Key), nil
			}
			if r.result(a, step.Phase) == nil {
				r.note(a, step.Phase, synced(a, "created"))
			}
			r.observeHook(a, r.result(a, step.Phase))
		}
	}
	return "", r.letHooksGo(ctx, true)
}

// doomed tells whether an ended hook's object is to be deleted.
func (r *Run) doomed(a syncplan.Action, result *v1alpha1.ResourceResult) bool {
	return result.HookPhase == v1alpha1.OperationSucceeded && slices.Contains(a.Delete, object.HookSucceeded) ||
		result.HookPhase == v1alpha1.OperationFailed && slices.Contains(a.Delete, object.HookFailed)
}

// Terminate ends hooks that an operation left running, whatever its plan was: what it recorded tells which. It is for an
// operation that a person ends or a newer one replaces, also when the hub that began it is no more.
func Terminate(ctx context.Context, c Cluster, state *v1alpha1.OperationState) {
	if state.SyncResult == nil {
		return
	}
	r := Run{Cluster: c}
	for _, result := range state.SyncResult.Resources {
		if result.HookType == "" || result.HookPhase != v1alpha1.OperationRunning {
			continue
		}
		key := object.Key{Group: result.Group, Kind: result.Kind, Namespace: result.Namespace, Name: result.Name}
		if live, exists := c.Live(key); exists && live != nil && live.GetAnnotations()[syncplan.OperationAnnotation] != "" {
			_ = r.deleteHook(ctx, live)
		}
		result.HookPhase, result.Message = v1alpha1.OperationFailed, "Terminated"
	}
}

// Abandon lets the hooks of an operation go on by themselves: nobody will look at how they end. As for Terminate, what was
// recorded tells which.
func Abandon(ctx context.Context, c Cluster, state *v1alpha1.OperationState) {
	if state == nil || state.SyncResult == nil {
		return
	}
	r := Run{Cluster: c}
	for _, result := range state.SyncResult.Resources {
		key := object.Key{Group: result.Group, Kind: result.Kind, Namespace: result.Namespace, Name: result.Name}
		if live, exists := c.Live(key); result.HookType != "" && exists && live != nil && live.GetAnnotations()[syncplan.OperationAnnotation] != "" {
			_ = r.release(ctx, live)
		}
	}
}

func hasHooks(step syncplan.Step) bool {
	return slices.ContainsFunc(step.Actions(), func(a syncplan.Action) bool { return a.Hook })
}
