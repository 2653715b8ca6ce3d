package application

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/syncrun"
	"fairlead.dev/fairlead/internal/syncwindow"
)

// running tells whether the state is of an operation under way, or waiting for its repetition.
func running(state *v1alpha1.OperationState) bool { return state != nil && !state.Phase.Completed() }

// awaitsRetry tells whether an operation has failed and will be repeated.
func awaitsRetry(state *v1alpha1.OperationState) bool {
	return running(state) && state.FinishedAt != nil
}

// terminate ends a running operation because a person asked to, or because its time is over.
func (r *Reconciler) terminate(ctx context.Context, v *visit) error {
	state := v.app.Status.OperationState
	if !running(state) {
		return nil
	}
	message := "Operation terminated"
	if limit := v.options.SyncTimeout; limit > 0 && state.Phase != v1alpha1.OperationTerminating {
		left := limit - r.clock.Since(state.StartedAt.Time)
		if left > 0 {
			v.comeBack(left)
			return nil
		}
		message += ", triggered by controller sync timeout"
	} else if state.Phase != v1alpha1.OperationTerminating {
		return nil
	}
	if err := r.endHooks(ctx, v); err != nil {
		return err
	}
	r.finish(v, v1alpha1.OperationFailed, message, false)
	return nil
}

// endHooks deletes the hooks that the operation left running. A cluster that can't be reached is no reason to go on with
// it; one that isn't known yet, because the hub has just begun, is waited for.
func (r *Reconciler) endHooks(ctx context.Context, v *visit) error {
	state := v.app.Status.OperationState
	if run := v.session.run; run != nil {
		state.SyncResult = run.State.SyncResult.DeepCopy()
	}
	if !runsHook(state) {
		return nil
	}
	c := v.cluster
	if c == nil {
		var err error
		if c, err = r.reach(ctx, v); errors.Is(err, cluster.ErrNotReady) {
			return err
		} else if err != nil {
			r.log.Warn("leaving the hooks of an operation that ends", "app", v.app.Name, "error", err)
			return nil
		}
	}
	syncrun.Terminate(ctx, c, state)
	return nil
}

func runsHook(state *v1alpha1.OperationState) bool {
	return state.SyncResult != nil && slices.ContainsFunc(state.SyncResult.Resources, func(result *v1alpha1.ResourceResult) bool {
		return result.HookType != "" && result.HookPhase == v1alpha1.OperationRunning
	})
}

// reach connects to the destination, whatever the project says of it now, and watches the kinds that the application had.
func (r *Reconciler) reach(ctx context.Context, v *visit) (Cluster, error) {
	destination, err := r.settings.Destination(ctx, v.app.Spec.Destination)
	if err != nil {
		return nil, fmt.Errorf("finding the destination: %w", err)
	}
	v.destination = destination
	v.session.share(destination.Server, v.app.Spec.ProjectName(), v.app.Spec.AllSources())
	c, err := r.clusters.Get(ctx, destination)
	if err != nil {
		return nil, err
	}
	return c, c.Watch(ctx, v.instance, v.session.kindsToDelete(v.app)...)
}

// formerKinds are the kinds of the objects that the application had at its last comparison and sync.
func formerKinds(app *v1alpha1.Application) []schema.GroupVersionKind {
	kinds := map[schema.GroupVersionKind]bool{}
	for _, resource := range app.Status.Resources {
		kinds[schema.GroupVersionKind{Group: resource.Group, Version: resource.Version, Kind: resource.Kind}] = true
	}
	if state := app.Status.OperationState; state != nil && state.SyncResult != nil {
		for _, resource := range state.SyncResult.Resources {
			kinds[schema.GroupVersionKind{Group: resource.Group, Version: resource.Version, Kind: resource.Kind}] = true
		}
	}
	return slices.Collect(maps.Keys(kinds))
}

// request decides which operation is to begin now: what a person asked for, else what automation wants.
func (r *Reconciler) request(ctx context.Context, v *visit) error {
	state := v.app.Status.OperationState
	if asked := v.app.Operation; asked != nil && asked.Sync != nil {
		if running(state) {
			if !state.Operation.InitiatedBy.Automated && !awaitsRetry(state) && runsHook(state) {
				return nil // one after the other; what waits for health may wait for ever
			}
			if err := r.supersede(ctx, v, "superseded by a requested operation"); err != nil {
				return err
			}
		}
		return r.begin(ctx, v, *asked)
	}
	if r.overtaken(ctx, v) {
		if err := r.supersede(ctx, v, "superseded by revision "+short(v.head.Revisions)); err != nil {
			return err
		}
	}
	decision := decideAutoSync(r.automation(ctx, v))
	if decision.warning != "" {
		v.condition(v1alpha1.ApplicationConditionSyncError, "%s", decision.warning)
	}
	if decision.wait > 0 {
		v.comeBack(decision.wait)
	}
	if decision.operation == nil {
		return nil
	}
	if mustWait(v, *decision.operation) {
		v.condition(v1alpha1.ApplicationConditionWaitingForDependencies, "%s", v.blocked)
		return nil
	}
	return r.begin(ctx, v, *decision.operation)
}

// overtaken tells whether an operation that goes on is about older manifests than Git has now, which automation would
// sync. A hook that runs gets some time to end; what waits for health, or for a repetition, gets none. What a person asked
// for is overtaken too, but for another source than the application's: that is a choice.
func (r *Reconciler) overtaken(ctx context.Context, v *visit) bool {
	state := v.app.Status.OperationState
	if !running(state) || v.head == nil || v.unsigned != "" || v.app.Spec.Automation() == nil || v.app.Held() || state.SyncResult == nil {
		return false
	}
	if attempted(state.SyncResult, v.app.Spec, v.head.Revisions) {
		return false
	}
	if revisions := resultRevisions(state.SyncResult); attempted(state.SyncResult, v.app.Spec, revisions) && r.changes.Unchanged(ctx, v.head, revisions) {
		return false // a newer commit, but of others: this is no reason to end a hook
	}
	if allowed, err := v.windows.Allows(syncwindow.Request{}, r.clock.Now()); !allowed || err != nil {
		return false // nothing newer could begin
	}
	if !state.Operation.InitiatedBy.Automated && !equality.Semantic.DeepEqual(resultSources(state.SyncResult), v.app.Spec.AllSources()) {
		return false
	}
	if run := v.session.run; run != nil && !awaitsRetry(state) {
		if since := run.HookRunsSince(); !since.IsZero() {
			if left := r.options.HookGrace - r.clock.Since(since); left > 0 {
				v.comeBack(left)
				return false
			}
		}
	}
	return true
}

func (r *Reconciler) supersede(ctx context.Context, v *visit, why string) error {
	if err := r.endHooks(ctx, v); err != nil {
		return err
	}
	r.finish(v, v1alpha1.OperationFailed, "Operation "+why, false)
	return nil
}

// begin makes an operation the application's. A person's is recorded at once; automation's, when its plan is known, if that
// has to be (record).
func (r *Reconciler) begin(ctx context.Context, v *visit, operation v1alpha1.Operation) error {
	now := r.now()
	if last := v.app.Status.OperationState; last != nil && !now.After(last.StartedAt.Time) {
		// Stored times have seconds; the start tells operations apart.
		now.Time = last.StartedAt.Add(time.Second)
	}
	sync := operation.Sync
	result := &v1alpha1.SyncOperationResult{Sources: sync.Sources, ManagedNamespaceMetadata: namespaceMetadata(v.app.Spec)}
	switch {
	case sync.Source != nil:
		result.Source = *sync.Source
	case len(sync.Sources) == 0 && v.app.Spec.HasSeveralSources():
		result.Sources = v.app.Spec.Sources
	case len(sync.Sources) == 0:
		result.Source = v.app.Spec.AllSources()[0]
	}
	state := &v1alpha1.OperationState{
		Operation: operation, Phase: v1alpha1.OperationRunning, StartedAt: now, SyncResult: result, Message: "waiting to start",
	}
	requested := v.app.Operation != nil
	v.unrecorded = !requested && !running(v.before.Status.OperationState)
	v.app.Operation = nil
	v.app.Status.OperationState = state
	v.session.run = nil
	if err := r.resolveOperation(ctx, v); isSlow(err) {
		return err // nothing has begun
	} else if err != nil {
		r.finish(v, v1alpha1.OperationError, err.Error(), true)
		return nil
	}
	if v.unrecorded {
		return nil
	}
	return r.record(ctx, v, requested)
}

// resolveOperation finds and notes the commits that the operation is about.
func (r *Reconciler) resolveOperation(ctx context.Context, v *visit) error {
	state := v.app.Status.OperationState
	if len(state.Operation.Sync.Manifests) > 0 {
		return nil // they are of no commit
	}
	revisions, err := r.operationRevisions(ctx, v, state)
	if err != nil {
		return err
	}
	if len(state.SyncResult.Sources) > 0 {
		state.SyncResult.Revisions = revisions
	} else {
		state.SyncResult.Revision = revisions[0]
	}
	return nil
}

// operationRevisions are the commits that an operation is about. A person's operation on no particular revision means the
// newest there is, whether a webhook told of it or not.
func (r *Reconciler) operationRevisions(ctx context.Context, v *visit, state *v1alpha1.OperationState) ([]string, error) {
	sync := state.Operation.Sync
	sources := resultSources(state.SyncResult)
	revisions := sync.Revisions
	if sync.Revision != "" {
		revisions = []string{sync.Revision}
	}
	if state.Operation.InitiatedBy.Automated && len(revisions) > 0 {
		return revisions, nil
	}
	resolved, err := r.revisions(ctx, v, sources, revisions, true)
	if err != nil {
		return nil, err
	}
	if !equality.Semantic.DeepEqual(sources, v.session.sources) {
		return resolved, nil
	}
	newest := resolved
	if len(revisions) > 0 { // as the API, which names the commit of every sync
		if newest, err = r.revisions(ctx, v, sources, nil, false); isSlow(err) {
			return nil, err
		}
	}
	if err == nil && slices.Equal(resolved, newest) {
		return resolved, r.moveHead(ctx, v, resolved)
	}
	if err != nil || !slices.Equal(newest, v.session.revisions) {
		// Whatever is wrong with the newest, it is no reason not to go elsewhere.
		v.session.markStale(false, time.Time{})
		r.wake(v.session.name)
	}
	return resolved, nil
}

// moveHead makes these revisions the newest that the application is compared with.
func (r *Reconciler) moveHead(ctx context.Context, v *visit, revisions []string) error {
	s := v.session
	if v.head != nil && slices.Equal(revisions, v.head.Revisions) {
		return nil
	}
	manifests, err := r.renderPatiently(ctx, v, s.sources, revisions, false)
	if isSlow(err) {
		return err
	}
	s.revisions = revisions
	if s.renderErr = err; err != nil {
		return err
	}
	s.manifests, v.head, v.headErr = manifests, manifests, nil
	return nil
}

func resultSources(result *v1alpha1.SyncOperationResult) v1alpha1.ApplicationSources {
	if len(result.Sources) > 0 {
		return result.Sources
	}
	return v1alpha1.ApplicationSources{result.Source}
}

func resultRevisions(result *v1alpha1.SyncOperationResult) []string {
	if len(result.Revisions) > 0 {
		return result.Revisions
	}
	return []string{result.Revision}
}

// attempted tells whether an operation was about these sources at these revisions.
func attempted(result *v1alpha1.SyncOperationResult, spec v1alpha1.ApplicationSpec, revisions []string) bool {
	return result != nil && slices.Equal(resultRevisions(result), revisions) && sameNamespaceMetadata(result, spec) &&
		equality.Semantic.DeepEqual(resultSources(result), spec.AllSources())
}

// namespaceMetadata is what the application wants on its namespace; nil where it leaves that alone.
func namespaceMetadata(spec v1alpha1.ApplicationSpec) *v1alpha1.ManagedNamespaceMetadata {
	if spec.SyncPolicy == nil {
		return nil
	}
	return spec.SyncPolicy.ManagedNamespaceMetadata
}

// sameNamespaceMetadata tells whether a sync was about the namespace's metadata as they are wanted now.
func sameNamespaceMetadata(result *v1alpha1.SyncOperationResult, spec v1alpha1.ApplicationSpec) bool {
	wanted := namespaceMetadata(spec)
	return wanted == nil || equality.Semantic.DeepEqual(wanted, result.ManagedNamespaceMetadata)
}

// refuse ends a requested operation that can't even begin, with the reason. What isn't known yet is waited for.
func (r *Reconciler) refuse(_ context.Context, v *visit) error {
	if v.err == nil || v.app.Operation == nil || v.app.Operation.Sync == nil || running(v.app.Status.OperationState) || errors.Is(v.err, cluster.ErrNotReady) {
		return nil
	}
	v.app.Status.OperationState = &v1alpha1.OperationState{
		Operation: *v.app.Operation, Phase: v1alpha1.OperationRunning, StartedAt: r.now(),
	}
	v.app.Operation = nil
	r.finish(v, v1alpha1.OperationError, v.err.Error(), false)
	return nil
}

// operationManifests are the manifests that the operation is about: Git's newest if that is what it is, else they are
// rendered at the recorded revisions.
func (r *Reconciler) operationManifests(ctx context.Context, v *visit) (*desired.Manifests, error) {
	result := v.app.Status.OperationState.SyncResult
	if len(v.app.LocalManifests()) > 0 {
		return v.session.localManifests(v.app)
	}
	sources, revisions := resultSources(result), resultRevisions(result)
	if v.head != nil && equality.Semantic.DeepEqual(sources, v.session.sources) &&
		(slices.Equal(revisions, v.head.Revisions) || r.changes.Unchanged(ctx, v.head, revisions)) {
		return v.head, nil
	}
	manifests, err := r.renderPatiently(ctx, v, sources, revisions, false)
	if err != nil {
		return nil, fmt.Errorf("rendering revision %s: %w", short(revisions), err)
	}
	return manifests, nil
}

// local are manifests that a person sent along with a sync, and when that was.
type local struct {
	began     metav1.Time
	manifests *desired.Manifests
}

// localManifests are desired.Local, read once for an operation: the same pointers keep what is known of each manifest.
func (s *session) localManifests(app *v1alpha1.Application) (*desired.Manifests, error) {
	if len(app.LocalManifests()) == 0 {
		s.local = local{}
		return nil, nil
	}
	began := app.Status.OperationState.StartedAt
	if s.local.manifests != nil && s.local.began.Equal(&began) {
		return s.local.manifests, nil
	}
	manifests, err := desired.Local(app)
	if err != nil {
		return nil, err
	}
	s.local = local{began, manifests}
	return manifests, nil
}

func short(revisions []string) string {
	if len(revisions) == 0 {
		return ""
	}
	return revisions[0][:min(7, len(revisions[0]))]
}
