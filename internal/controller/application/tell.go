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
	r.recorder.Eventf(v.app, nil, kind, "OperationCompleted", "Sync", "Sync operation to %s: %s: %s", revision, state.Phase, bounded(state.Message)[:min(len(bounded(state.Message)), 900)])
}

// tellChange makes an event of a health that got worse or recovered; what passes by on the way is no news.
func (r *Reconciler) tellChange(v *visit) {
	before, now := v.health, v.app.Status.Health.Status
	if before == now || before == "" || now != v1alpha1.HealthStatusDegraded && before != v1alpha1.HealthStatusDegraded {
		return
	}
	kind := corev1.EventTypeNormal
	if now == v1alpha1.HealthStatusDegraded {
		kind = corev1.EventTypeWarning
	}
	r.recorder.Eventf(v.app, nil, kind, "ResourceUpdated", "Health", "Updated health status: %s -> %s", before, now)
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
