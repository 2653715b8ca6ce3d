package build

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
)

// buildReconciler leads each Build from Pending to its end.
type buildReconciler struct {
	client  client.Client
	deps    Deps
	jobs    *jobs
	metrics *buildMetrics
}

func newBuildReconciler(c client.Client, deps Deps) (*buildReconciler, error) {
	metrics, err := newBuildMetrics(deps.Metrics)
	return &buildReconciler{client: c, deps: deps, jobs: newJobs(deps), metrics: metrics}, err
}

// Reconcile sees where the build stands, decides, records, and only then acts: whatever runs was recorded before it began.
func (r *buildReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	b := &v1alpha1.Build{}
	if err := r.client.Get(ctx, request.NamespacedName, b); apierrors.IsNotFound(err) {
		r.jobs.abandon(request.NamespacedName)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, err
	}
	if b.DeletionTimestamp != nil {
		r.jobs.abandon(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if b.Status.Phase.Completed() {
		return ctrl.Result{}, r.trim(ctx, b)
	}
	seen, err := r.observe(ctx, b)
	if err != nil {
		return ctrl.Result{}, err
	}
	next := decide(b, seen)
	before := b.DeepCopy()
	b.Status = next.status
	if !equality.Semantic.DeepEqual(before.Status, b.Status) {
		patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
		if err := r.client.Status().Patch(ctx, b, patch); err != nil {
			if apierrors.IsConflict(err) {
				return ctrl.Result{RequeueAfter: conflictPause}, nil
			}
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	return ctrl.Result{RequeueAfter: next.after}, r.do(ctx, b, next.act)
}

// do carries out what was decided and recorded.
func (r *buildReconciler) do(ctx context.Context, b *v1alpha1.Build, act action) error {
	defer func() { r.metrics.running.Set(float64(len(r.jobs.places().running))) }()
	switch act {
	case actBegin:
		r.jobs.begin(b)
	case actCancel:
		r.jobs.cancel(client.ObjectKeyFromObject(b))
	case actSettle:
		r.jobs.forget(b)
		r.metrics.end(b.Status)
		r.deps.Logger.Info("build attempt ended", "build", b.Name, "phase", b.Status.Phase, "message", firstLine(b.Status.Message))
		return r.wakeWaiting(ctx, b.Namespace)
	case actDrop:
		r.jobs.drop(b)
		r.metrics.end(b.Status)
		return r.wakeWaiting(ctx, b.Namespace)
	}
	return nil
}

// observe gathers what the decision needs besides the Build itself.
func (r *buildReconciler) observe(ctx context.Context, b *v1alpha1.Build) (observed, error) {
	seen := observed{now: r.deps.Clock.Now(), options: r.deps.Options}
	seen.job, seen.retryAfter = r.jobs.look(b)
	if seen.job != nil {
		return seen, nil
	}
	var builds v1alpha1.BuildList
	if err := r.client.List(ctx, &builds, client.InNamespace(b.Namespace)); err != nil {
		return seen, fmt.Errorf("listing builds: %w", err)
	}
	seen.waitsFor = waitsFor(b, builds.Items, r.jobs.places())
	return seen, nil
}

// wakeWaiting looks at the Builds again that may have waited for a place.
func (r *buildReconciler) wakeWaiting(ctx context.Context, namespace string) error {
	var builds v1alpha1.BuildList
	if err := r.client.List(ctx, &builds, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("listing builds: %w", err)
	}
	for i := range builds.Items {
		if !builds.Items[i].Status.Phase.Completed() {
			r.jobs.notify(&builds.Items[i])
		}
	}
	return nil
}

// trim deletes the oldest finished Builds of a rule beyond its history limit.
func (r *buildReconciler) trim(ctx context.Context, b *v1alpha1.Build) error {
	if b.Spec.Rule == "" {
		return nil // made by hand, to be deleted by hand
	}
	rule := &v1alpha1.BuildRule{}
	key := client.ObjectKey{Namespace: b.Namespace, Name: b.Spec.Rule}
	if err := r.client.Get(ctx, key, rule); err != nil {
		return client.IgnoreNotFound(err)
	}
	var builds v1alpha1.BuildList
	if err := r.client.List(ctx, &builds, client.InNamespace(b.Namespace), client.MatchingFields{ruleIndex: b.Spec.Rule}); err != nil {
		return fmt.Errorf("listing the builds of rule %q: %w", b.Spec.Rule, err)
	}
	return deleteBuilds(ctx, r.client, r.deps, build.Expired(builds.Items, rule.Spec.HistoryLimit))
}
