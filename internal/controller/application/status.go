package application

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// notRecorded is a state that could not be stored, so that nothing may be done on it.
type notRecorded struct{ error }

func (e notRecorded) Unwrap() error { return e.error }

// record stores an operation before it acts, so that a hub which is killed knows what it was about. A request is taken only
// in the state in which it was read. What automation wants and can begin anew without a difference (Plan.Repeatable) isn't
// stored before it has acted: that would be half of what a commit costs the API server. Whatever is lost of it is done
// again, and told then (unheard).
func (r *Reconciler) record(ctx context.Context, v *visit, exactly bool) error {
	r.describe(v)
	if err := r.write(ctx, v, exactly); err != nil {
		return notRecorded{fmt.Errorf("recording the operation: %w", err)}
	}
	return nil
}

// recordProgress stores the results of a run that goes on.
func (r *Reconciler) recordProgress(ctx context.Context, s *session) error {
	v := s.current
	if state := v.app.Status.OperationState; state != nil && s.run != nil {
		state.SyncResult = s.run.State.SyncResult.DeepCopy()
	}
	return r.record(ctx, v, false)
}

// writeStatus is the one write at the end of a reconcile, if there is anything new.
func (r *Reconciler) writeStatus(ctx context.Context, v *visit) error {
	if v.asked {
		delete(v.app.Annotations, v1alpha1.RefreshAnnotation)
	}
	v.session.heard = false
	if err := r.write(ctx, v, false); err != nil {
		return err
	}
	v.session.heard = v.comparison != nil
	r.tellChange(v)
	return nil
}

// write patches what changed since the application was read or last written, by a merge patch, which leaves what others
// write meanwhile.
func (r *Reconciler) write(ctx context.Context, v *visit, exactly bool) error {
	before := v.before
	if equality.Semantic.DeepEqual(before.Status, v.app.Status) && equality.Semantic.DeepEqual(before.Operation, v.app.Operation) &&
		equality.Semantic.DeepEqual(before.Annotations, v.app.Annotations) && equality.Semantic.DeepEqual(before.Finalizers, v.app.Finalizers) {
		return nil
	}
	now := r.now()
	v.app.Status.ReconciledAt = &now
	patch := client.MergeFrom(before)
	if exactly {
		patch = client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	}
	written := v.app.DeepCopy()
	if err := r.patch(ctx, v.session, written, patch); err != nil {
		return err
	}
	v.before = written
	// What others changed meanwhile comes with the answer; what this reconcile knows stays.
	v.app.Operation = written.Operation.DeepCopy()
	v.app.ResourceVersion, v.app.Annotations, v.app.Finalizers = written.ResourceVersion, copied(written.Annotations), written.Finalizers
	return nil
}

// now has the precision of stored times, so that what was written equals what comes back.
func (r *Reconciler) now() metav1.Time { return metav1.NewTime(r.clock.Now().Truncate(time.Second)) }

func copied(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	c := make(map[string]string, len(m))
	for key, value := range m {
		c[key] = value
	}
	return c
}

// sameButRevision tells that a comparison brought nothing new but another revision.
func sameButRevision(v *visit, before v1alpha1.SyncStatus) bool {
	return equality.Semantic.DeepEqual(before.ComparedTo, v.app.Status.Sync.ComparedTo)
}
