package application

import (
	"slices"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// historyLimit is how many entries are kept where the spec doesn't say; Argo CD's default.
const historyLimit = 10

// appendHistory adds what was just synced. A dry-run, a part of the resources, and somebody's local manifests make no entry:
// there would be nothing to roll back to.
func (r *Reconciler) appendHistory(v *visit) {
	state := v.app.Status.OperationState
	sync := state.Operation.Sync
	if sync == nil || sync.DryRun || len(sync.Resources) > 0 || len(sync.Manifests) > 0 || state.SyncResult == nil {
		return
	}
	started := state.StartedAt
	entry := v1alpha1.RevisionHistory{
		Revision: state.SyncResult.Revision, Revisions: state.SyncResult.Revisions,
		Source: state.SyncResult.Source, Sources: state.SyncResult.Sources,
		DeployStartedAt: &started, DeployedAt: r.now(), InitiatedBy: state.Operation.InitiatedBy,
	}
	for _, result := range state.SyncResult.Resources {
		if result.Status != v1alpha1.ResultCodePruned && result.Status != v1alpha1.ResultCodePruneSkipped {
			entry.Images = append(entry.Images, result.Images...)
		}
	}
	slices.Sort(entry.Images)
	entry.Images = slices.Compact(entry.Images)
	if n := len(v.app.Status.History); n > 0 {
		entry.ID = v.app.Status.History[n-1].ID + 1
	}
	limit := historyLimit
	if l := v.app.Spec.RevisionHistoryLimit; l != nil {
		limit = max(int(*l), 0)
	}
	history := append(v.app.Status.History, entry)
	v.app.Status.History = history[max(len(history)-limit, 0):]
}
