package applicationset

import (
	"context"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
)

// betweenDeletions is when a deletion in order is looked at again although no event came.
const betweenDeletions = 10 * time.Second

// hold keeps a set that deletes its applications in order from going before them.
func (r *Reconciler) hold(ctx context.Context, v *visit) error {
	if !v.operator.Progressive || !appset.DeletesInReverse(v.set) || controllerutil.ContainsFinalizer(v.set, v1alpha1.ResourcesFinalizer) {
		return nil
	}
	controllerutil.AddFinalizer(v.set, v1alpha1.ResourcesFinalizer)
	if err := v.writer.Patch(ctx, v.set, client.MergeFrom(v.before)); err != nil {
		return fmt.Errorf("holding application set %s/%s: %w", v.set.Namespace, v.set.Name, err)
	}
	v.before = v.set.DeepCopy()
	return nil
}

// remove lets a deleted set go: its applications, which the cluster's garbage collector deletes after it, are set free where the
// policy keeps them, and deleted one by one where there is an order.
func (r *Reconciler) remove(ctx context.Context, v *visit) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(v.set, v1alpha1.ResourcesFinalizer) {
		return ctrl.Result{}, nil
	}
	if err := r.list(ctx, v, nil); err != nil {
		return ctrl.Result{}, err
	}
	if _, deletes := v.operator.PolicyOf(v.set); !deletes {
		if err := r.free(ctx, v); err != nil {
			return ctrl.Result{}, err
		}
	} else if appset.DeletesInReverse(v.set) {
		next, wait := appset.DeleteNext(v.set, v.owned())
		if next != nil {
			if err := v.writer.Delete(ctx, next, client.Preconditions{UID: &next.UID}); client.IgnoreNotFound(err) != nil {
				return ctrl.Result{}, fmt.Errorf("deleting application %s: %w", next.Name, err)
			}
			r.event(v, next, "Deleted", "Delete", "Deleted Application %q", next.Name)
		}
		if next != nil || wait {
			return ctrl.Result{RequeueAfter: betweenDeletions}, nil
		}
	}
	before := v.set.DeepCopy()
	controllerutil.RemoveFinalizer(v.set, v1alpha1.ResourcesFinalizer)
	if err := v.writer.Patch(ctx, v.set, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("letting application set %s/%s go: %w", v.set.Namespace, v.set.Name, err)
	}
	return ctrl.Result{}, nil
}

// free takes the set's name off its applications, so that they outlive it.
func (r *Reconciler) free(ctx context.Context, v *visit) error {
	_, err := each(ctx, r.options.Writes, v.owned(), func(ctx context.Context, application *v1alpha1.Application) (*v1alpha1.Application, error) {
		freed := application.DeepCopy()
		freed.OwnerReferences = nil
		err := v.writer.Patch(ctx, freed, client.MergeFrom(application))
		return freed, client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("setting the applications of %s/%s free: %w", v.set.Namespace, v.set.Name, err)
	}
	return nil
}
