package applicationset

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
)

// roll takes a rolling change one step further, where the operator allows them.
func (r *Reconciler) roll(ctx context.Context, v *visit) (bool, error) {
	if !v.operator.Progressive || !appset.Rolls(v.set) {
		v.set.Status.ApplicationStatus = nil
		return true, nil
	}
	if len(v.set.Spec.Strategy.RollingSync.Steps) == 0 {
		//lint:ignore ST1005 Argo CD's text
		return r.refuse(v, v1alpha1.ApplicationSetReasonApplicationSetRolloutError, fmt.Errorf("No steps defined for rollout"))
	}
	rollout, err := appset.Advance(v.set, v.owned(), v.generated, r.now(), r.options.Grace)
	if err != nil {
		return r.refuse(v, v1alpha1.ApplicationSetReasonApplicationSetRolloutError, err)
	}
	for _, application := range rollout.Refresh {
		if _, asked := application.Annotations[v1alpha1.RefreshAnnotation]; asked {
			continue
		}
		refreshed := application.DeepCopy()
		if refreshed.Annotations == nil {
			refreshed.Annotations = map[string]string{}
		}
		refreshed.Annotations[v1alpha1.RefreshAnnotation] = "normal"
		if err := v.writer.Patch(ctx, refreshed, client.MergeFrom(application)); client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("asking application %s to compare itself with Git: %w", application.Name, err)
		}
		v.live[application.Name] = refreshed // else the change below would take the request away again
	}
	v.rollout = &rollout
	v.set.Status.ApplicationStatus = rollout.Statuses
	v.outcome.Rollout = rollout.Conditions
	v.after = sooner(v.after, rollout.Retry)
	return true, r.record(ctx, v)
}

// record stores how far a rolling change is before it acts on that: a sync whose beginning isn't recorded would be asked for
// again. It is refused where the cache had an old status.
func (r *Reconciler) record(ctx context.Context, v *visit) error {
	if equality.Semantic.DeepEqual(v.before.Status.ApplicationStatus, v.set.Status.ApplicationStatus) {
		return nil
	}
	written := v.before.DeepCopy()
	written.Status.ApplicationStatus = v.set.Status.ApplicationStatus
	patch := client.MergeFromWithOptions(v.before, client.MergeFromWithOptimisticLock{})
	if err := v.writer.Status().Patch(ctx, written, patch); err != nil {
		return fmt.Errorf("recording the rolling change of %s/%s: %w", v.set.Namespace, v.set.Name, err)
	}
	v.before = written.DeepCopy()
	v.set.ResourceVersion = written.ResourceVersion
	return nil
}
