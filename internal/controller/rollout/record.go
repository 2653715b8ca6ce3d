package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/rollout/workload"
)

// record writes the status, if it says anything new, and only onto the version that was decided on: else an order that a
// person has given meanwhile, which is a change of the status too, would be lost.
func (r *Reconciler) record(ctx context.Context, ro *v1alpha1.Rollout, status v1alpha1.RolloutStatus) error {
	same, err := equal(ro.Status, status)
	if err != nil || same {
		return err
	}
	old := ro.DeepCopy()
	ro.Status = status
	patch := client.MergeFromWithOptions(old, client.MergeFromWithOptimisticLock{})
	if err := r.client.Status().Patch(ctx, ro, patch); err != nil {
		return fmt.Errorf("recording status of rollout %s/%s: %w", ro.Namespace, ro.Name, err)
	}
	return nil
}

// equal compares statuses as they would be stored, where times have whole seconds.
func equal(a, b v1alpha1.RolloutStatus) (bool, error) {
	textA, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("marshalling status: %w", err)
	}
	textB, err := json.Marshal(b)
	if err != nil {
		return false, fmt.Errorf("marshalling status: %w", err)
	}
	return bytes.Equal(textA, textB), nil
}

// annotateRevision writes the number of the wanted revision onto the Rollout, where its command line looks for it. The
// object's version after it is what the status is then written onto.
func (r *Reconciler) annotateRevision(ctx context.Context, ro *v1alpha1.Rollout, seen *workload.Snapshot, d rollout.Decision) error {
	revision := strconv.FormatInt(revisionOf(seen, d), 10)
	if ro.Annotations[v1alpha1.RolloutRevisionAnnotation] == revision || revision == "0" {
		return nil
	}
	old, status := ro.DeepCopy(), ro.Status.DeepCopy()
	if ro.Annotations == nil {
		ro.Annotations = map[string]string{}
	}
	ro.Annotations[v1alpha1.RolloutRevisionAnnotation] = revision
	if err := r.client.Patch(ctx, ro, client.MergeFromWithOptions(old, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("annotating rollout %s/%s with its revision: %w", ro.Namespace, ro.Name, err)
	}
	ro.Status = *status
	return nil
}

// revisionOf is the number of the wanted revision after a decision; 0 if it has no set yet.
func revisionOf(seen *workload.Snapshot, d rollout.Decision) int64 {
	for _, action := range d.Actions {
		switch a := action.(type) {
		case rollout.CreateSet:
			return a.Revision
		case rollout.AdjustSet:
			return a.Revision
		}
	}
	for _, set := range seen.Seen.Sets {
		if set.Hash == seen.Plan.Hash {
			return set.Revision
		}
	}
	return 0
}

// tell sends events about the Rollout.
func (r *Reconciler) tell(ro *v1alpha1.Rollout, messages []rollout.Event) {
	for _, event := range messages {
		kind := "Normal"
		if event.Warning {
			kind = "Warning"
		}
		r.recorder.Eventf(ro, nil, kind, event.Reason, event.Reason, "%s", shortened(event.Message))
	}
}

// shortened fits a message into an event, which the API server limits to 1024 bytes.
func shortened(message string) string {
	const limit = 1000
	if len(message) <= limit {
		return message
	}
	return message[:limit] + "…"
}
