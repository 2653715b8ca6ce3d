package application

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/syncwindow"
)

// automation is all that a decision about an automated sync depends on.
type automation struct {
	app *v1alpha1.Application
	// revisions are those compared with; comparison is nil when the comparison isn't known.
	revisions  []string
	comparison *comparison
	windows    syncwindow.Windows
	options    Options
	now        time.Time
	// unheard is true when a sync seems to have been made that nobody heard of.
	unheard bool
}

// automationDecision is an operation to begin, or when to decide again, or why nothing will be done.
type automationDecision struct {
	operation *v1alpha1.Operation
	wait      time.Duration
	warning   string
}

func (r *Reconciler) automation(ctx context.Context, v *visit) automation {
	a := automation{app: v.app, comparison: v.comparison, windows: v.windows, options: v.options, now: r.clock.Now(), unheard: r.unheard(ctx, v)}
	if v.unsigned != "" {
		a.comparison = nil // there is nothing that may be synced to
	}
	if v.head != nil {
		a.revisions = v.head.Revisions
	}
	return a
}

// unheard tells that the cluster has what Git says, under this application's name, though the status is about other
// manifests, or none: a sync was made, and the hub was killed, or couldn't write, before it told of it. To sync once more
// changes nothing, but tells; hooks would run again, and syncs with hooks are recorded before they act.
func (r *Reconciler) unheard(ctx context.Context, v *visit) bool {
	c := v.comparison
	if v.session.heard || c == nil || c.status != v1alpha1.SyncStatusCodeSynced || len(c.objects) == 0 || len(c.hooks) > 0 {
		return false
	}
	told := v.before.Status.Sync
	sources, revisions := v1alpha1.ApplicationSources(told.ComparedTo.Sources), told.Revisions
	if len(sources) == 0 {
		sources, revisions = v1alpha1.ApplicationSources{told.ComparedTo.Source}, []string{told.Revision}
	}
	if !equality.Semantic.DeepEqual(sources, v.app.Spec.AllSources()) || len(revisions) != len(c.of.Revisions) {
		return true
	}
	return !slices.Equal(revisions, c.of.Revisions) && !r.changes.Unchanged(ctx, c.of, revisions)
}

// decideAutoSync decides whether the application is to be synced by itself.
func decideAutoSync(a automation) automationDecision {
	policy := a.app.Spec.Automation()
	state := a.app.Status.OperationState
	switch {
	case policy == nil, a.app.Held(), running(state), a.comparison == nil, a.comparison.of.Revisions == nil,
		a.comparison.status != v1alpha1.SyncStatusCodeOutOfSync && !a.unheard, !policy.Prunes() && a.onlyPrunes():
		return automationDecision{}
	case policy.Prunes() && !policy.AllowsEmpty() && a.wipes():
		return automationDecision{warning: fmt.Sprintf("Skipping sync attempt to %s: auto-sync will wipe out all resources", full(a.revisions))}
	}
	if decision, closed := a.closed(); closed {
		return decision
	}
	sync := &v1alpha1.SyncOperation{Prune: policy.Prunes()}
	if a.app.Spec.HasSeveralSources() {
		sync.Revisions = a.revisions
	} else {
		sync.Revision = a.revisions[0]
	}
	operation := &v1alpha1.Operation{
		Sync: sync, InitiatedBy: v1alpha1.OperationInitiator{Automated: true}, Retry: v1alpha1.RetryStrategy{Limit: 5},
	}
	if s := a.app.Spec.SyncPolicy; s != nil {
		sync.SyncOptions = s.SyncOptions
		if s.Retry != nil {
			operation.Retry = *s.Retry
		}
	}
	if state == nil || !attempted(state.SyncResult, a.app.Spec, a.revisions) {
		return automationDecision{operation: operation}
	}
	if a.unheard {
		return automationDecision{}
	}
	if state.Phase != v1alpha1.OperationSucceeded {
		return automationDecision{warning: fmt.Sprintf("Failed last sync attempt to %s: %s", full(a.revisions), state.Message)}
	}
	if !policy.Heals() {
		return automationDecision{}
	}
	return a.selfHeal(operation, state)
}

// closed tells whether sync windows keep automation from syncing now, and when they no longer will.
func (a automation) closed() (automationDecision, bool) {
	allowed, err := a.windows.Allows(syncwindow.Request{}, a.now)
	if err != nil {
		return automationDecision{warning: "Sync prevented by sync window: " + err.Error()}, true
	}
	if allowed {
		return automationDecision{}, false
	}
	opens, ever := a.windows.Opens(syncwindow.Request{}, a.now)
	if !ever {
		return automationDecision{}, true
	}
	return automationDecision{wait: opens.Sub(a.now)}, true
}

// selfHeal syncs again what was synced before and has changed in the cluster since: at once the first time, then at
// growing intervals, for somebody else may be changing it back each time.
func (a automation) selfHeal(operation *v1alpha1.Operation, state *v1alpha1.OperationState) automationDecision {
	attempts := int64(0)
	sinceLast := a.options.SelfHealMax * 2
	if state.FinishedAt != nil {
		sinceLast = a.now.Sub(state.FinishedAt.Time)
	}
	if state.Operation.Sync != nil && sinceLast < a.options.SelfHealMax+30*time.Second {
		attempts = state.Operation.Sync.AutoHealAttemptsCount
	}
	if wait := healWait(a.options, attempts) - sinceLast; wait > 0 {
		return automationDecision{wait: wait}
	}
	operation.Sync.AutoHealAttemptsCount = attempts + 1
	for _, o := range a.comparison.objects {
		if o.status == v1alpha1.SyncStatusCodeOutOfSync {
			operation.Sync.Resources = append(operation.Sync.Resources, v1alpha1.SyncOperationResource{
				Group: o.key.Group, Kind: o.key.Kind, Namespace: o.key.Namespace, Name: o.key.Name,
			})
		}
	}
	return automationDecision{operation: operation}
}

// healWait is the least time between a self-heal and the one before.
func healWait(o Options, attempts int64) time.Duration {
	if attempts == 0 {
		return 0
	}
	wait := o.SelfHealMin
	for range min(attempts-1, 20) {
		if wait *= time.Duration(o.SelfHealFactor); wait >= o.SelfHealMax {
			break
		}
	}
	return min(wait, o.SelfHealMax)
}

// onlyPrunes tells that everything that Git still has is in sync.
func (a automation) onlyPrunes() bool {
	surplus := false
	for _, o := range a.comparison.objects {
		if o.status == v1alpha1.SyncStatusCodeOutOfSync {
			if o.target != nil {
				return false
			}
			surplus = true
		}
	}
	return surplus
}

// wipes tells that a prune would leave nothing.
func (a automation) wipes() bool {
	for _, o := range a.comparison.objects {
		if o.target != nil {
			return false
		}
	}
	return len(a.comparison.objects) > 0
}

func full(revisions []string) string {
	if len(revisions) == 1 {
		return revisions[0]
	}
	return fmt.Sprint(revisions)
}
