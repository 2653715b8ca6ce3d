package application

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// tellOutcome makes a Kubernetes event of an operation's end.
func (r *Reconciler) tellOutcome(v *visit) {
	state := v.app.Status.OperationState
	kind := corev1.EventTypeNormal
	if state.Phase != v1alpha1.OperationSucceeded {
		kind = corev1.EventTypeWarning
	}
	revision := ""
	if state.SyncResult != nil {
		revision = short(resultRevisions(state.SyncResult))
	}
	r.recorder.Eventf(about(v.app), nil, kind, "OperationCompleted", "Sync", "Sync operation to %s: %s: %s", revision, state.Phase, bounded(state.Message)[:min(len(bounded(state.Message)), 900)])
}

// about names an application as it is now; events are written later.
func about(app *v1alpha1.Application) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "Application", Namespace: app.Namespace, Name: app.Name, UID: app.UID,
		ResourceVersion: app.ResourceVersion,
	}
}

// tellChange makes events of a health and of a sync status that are others than before, as Argo CD does. What an application
// begins with is no news.
func (r *Reconciler) tellChange(v *visit) {
	if before, now := v.health, v.app.Status.Health.Status; before != now && before != "" {
		kind := corev1.EventTypeNormal
		if now == v1alpha1.HealthStatusDegraded {
			kind = corev1.EventTypeWarning
		}
		why := ""
		if message := v.app.Status.Health.Message; message != "" {
			why = " (" + message + ")"
		}
		r.recorder.Eventf(about(v.app), nil, kind, "ResourceUpdated", "Health", "Updated health status: %s -> %s%s", before, now, why)
	}
	if before, now := v.sync, v.app.Status.Sync.Status; before != now && before != "" {
		r.recorder.Eventf(about(v.app), nil, corev1.EventTypeNormal, "ResourceUpdated", "Sync", "Updated sync status: %s -> %s", before, now)
	}
}

// logOutcome writes where the time of a change went, in milliseconds.
func (r *Reconciler) logOutcome(v *visit, apply time.Duration) {
	state := v.app.Status.OperationState
	t := v.session.timings
	r.log.Info("operation ended", "app", v.app.Name, "phase", state.Phase, "revision", short(resultRevisions(state.SyncResult)),
		"automated", state.Operation.InitiatedBy.Automated,
		"fetchMs", t.fetch.Milliseconds(), "renderMs", t.render.Milliseconds(), "diffMs", t.diff.Milliseconds(), "applyMs", apply.Milliseconds(),
		"sincePushMs", sinceMs(r, t.seen))
}

func sinceMs(r *Reconciler, seen time.Time) int64 {
	if seen.IsZero() {
		return -1
	}
	return r.clock.Since(seen).Milliseconds()
}
