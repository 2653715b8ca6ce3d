package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/rollout/workload"
)

const (
	// retryStale is when to look again after a decision on stale data; the cache is usually up to date by then.
	retryStale = 100 * time.Millisecond
	// retryMissing is when to look again for an object that a Rollout names and that doesn't exist. An event on it comes
	// first if the cache knows whose it is.
	retryMissing = 10 * time.Second
)

// Workload observes and changes what belongs to a Rollout; *[workload.Driver] does.
type Workload interface {
	Observe(ctx context.Context, ro *v1alpha1.Rollout, now time.Time) (*workload.Snapshot, error)
	Act(ctx context.Context, s *workload.Snapshot, action rollout.Action) error
}

// Reconciler leads the Rollouts of one cluster.
type Reconciler struct {
	client     client.Client
	workload   Workload
	recorder   events.EventRecorder
	clock      clock.PassiveClock
	log        *slog.Logger
	instanceID string
}

// Reconcile looks at one Rollout, decides, acts, and records what it reached in one write.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	ro := &v1alpha1.Rollout{}
	if err := r.client.Get(ctx, request.NamespacedName, ro); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if ro.DeletionTimestamp != nil || ro.Labels[v1alpha1.RolloutInstanceIDLabel] != r.instanceID {
		return ctrl.Result{}, nil
	}
	result, err := r.reconcile(ctx, ro)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		r.log.Debug("looking again: somebody else was faster", "rollout", request.NamespacedName, "error", err)
		return ctrl.Result{RequeueAfter: retryStale}, nil
	}
	return result, err
}

func (r *Reconciler) reconcile(ctx context.Context, ro *v1alpha1.Rollout) (ctrl.Result, error) {
	if ro.Spec.Replicas == nil {
		return ctrl.Result{}, r.defaultReplicas(ctx, ro)
	}
	now := r.clock.Now()
	seen, err := r.workload.Observe(ctx, ro, now)
	if err != nil {
		return r.refuse(ctx, ro, err)
	}
	decision := rollout.Decide(seen.Plan, seen.Seen, now)
	for _, action := range decision.Actions {
		r.log.Info("acting", "rollout", client.ObjectKeyFromObject(ro), "action", action.String())
		if err := r.workload.Act(ctx, seen, action); err != nil {
			return r.failed(ctx, ro, action, err)
		}
	}
	if err := r.annotateRevision(ctx, ro, seen, decision); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.record(ctx, ro, rollout.ArgoStatus(ro, seen.Plan, seen.Seen, decision, now)); err != nil {
		return ctrl.Result{}, err
	}
	r.tell(ro, decision.Events)
	return ctrl.Result{RequeueAfter: decision.Wake}, nil
}

// defaultReplicas writes the default into the spec: a horizontal autoscaler can't read it from anywhere else.
func (r *Reconciler) defaultReplicas(ctx context.Context, ro *v1alpha1.Rollout) error {
	old := ro.DeepCopy()
	ro.Spec.Replicas = ptr.To[int32](1)
	if err := r.client.Patch(ctx, ro, client.MergeFrom(old)); err != nil {
		return fmt.Errorf("defaulting spec.replicas of rollout %s/%s: %w", ro.Namespace, ro.Name, err)
	}
	return nil
}

// refuse records why a Rollout can't be carried out; any other error is returned, to be tried again.
func (r *Reconciler) refuse(ctx context.Context, ro *v1alpha1.Rollout, err error) (ctrl.Result, error) {
	var invalid *rollout.InvalidSpecError
	if !errors.As(err, &invalid) {
		return ctrl.Result{}, err
	}
	result := ctrl.Result{}
	if errors.Is(err, workload.ErrMissing) {
		result.RequeueAfter = retryMissing
	}
	return result, r.record(ctx, ro, rollout.ArgoInvalid(ro, invalid.Reason, r.clock.Now()))
}

// failed records what can only be mended by a change: a template that the API server refuses, or a name that is taken. Any
// other error is returned, to be tried again.
func (r *Reconciler) failed(ctx context.Context, ro *v1alpha1.Rollout, action rollout.Action, err error) (ctrl.Result, error) {
	_, creating := action.(rollout.CreateSet)
	var collision *workload.CollisionError
	switch {
	case errors.As(err, &collision):
		status := *ro.Status.DeepCopy()
		status.CollisionCount = ptr.To(ptr.Deref(status.CollisionCount, 0) + 1)
		return ctrl.Result{}, r.record(ctx, ro, status)
	case creating && (apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err)):
		r.recorder.Eventf(ro, nil, "Warning", rollout.ReasonSetCreateError, "CreateReplicaSet", "%s", shortened(err.Error()))
		return ctrl.Result{RequeueAfter: retryMissing}, r.record(ctx, ro, rollout.ArgoInvalid(ro, err, r.clock.Now()))
	default:
		return ctrl.Result{}, err
	}
}
