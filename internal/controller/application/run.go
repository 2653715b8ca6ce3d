package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/syncplan"
	"fairlead.dev/fairlead/internal/syncrun"
	"fairlead.dev/fairlead/internal/syncwindow"
)

// run carries the operation under way a little further.
func (r *Reconciler) run(ctx context.Context, v *visit) error {
	state := v.app.Status.OperationState
	if !running(state) || state.Operation.Sync == nil {
		return nil
	}
	if r.blocked(v) {
		return nil
	}
	if awaitsRetry(state) {
		if began, err := r.repeat(ctx, v); !began || err != nil {
			return err
		}
		state = v.app.Status.OperationState
	}
	if run := v.session.run; run != nil && run.Cluster != v.cluster {
		v.session.run = nil // its connection is closed: the cluster has other settings now
	}
	if v.session.run == nil && mustWait(v, state.Operation) {
		state.Message = v.blocked + " (the sync option " + skipDependencies + " syncs all the same)"
		return nil
	}
	v.operated = true
	acting, err := r.acting(ctx, v)
	if err != nil {
		r.finish(v, v1alpha1.OperationError, err.Error(), true)
		return nil
	}
	if v.session.run == nil {
		if err := r.prepare(ctx, v); err != nil {
			if errors.Is(err, cluster.ErrNotReady) || errors.Is(err, cluster.ErrUnreachable) || isSlow(err) {
				return err // the operation waits; it is recorded
			}
			r.finish(v, v1alpha1.OperationError, err.Error(), true)
			return nil
		}
	}
	if v.unrecorded && !v.session.run.Plan.Repeatable() {
		if err := r.record(ctx, v, false); err != nil {
			return err
		}
	}
	began := r.clock.Now()
	v.session.run.Confirmed = approved(v.app, state.StartedAt.Time)
	outcome, err := v.session.run.Advance(acting)
	if err != nil {
		v.session.run = nil // what it has in memory isn't stored; it finds its place again
		return err
	}
	state.SyncResult = v.session.run.State.SyncResult.DeepCopy() // the run goes on writing its own
	if outcome.Phase == v1alpha1.OperationRunning {
		state.Message = outcome.Message
		if outcome.Again > 0 {
			v.comeBack(outcome.Again)
		}
		return nil
	}
	r.finish(v, outcome.Phase, outcome.Message, true)
	r.logOutcome(v, r.clock.Since(began))
	return nil
}

// blocked tells whether a sync window keeps the operation from going on now; it goes on when the window lets it.
func (r *Reconciler) blocked(v *visit) bool {
	state := v.app.Status.OperationState
	request := syncwindow.Request{Manual: !state.Operation.InitiatedBy.Automated, Began: state.StartedAt.Time}
	now := r.clock.Now()
	allowed, err := v.windows.Allows(request, now)
	switch {
	case err != nil:
		state.Message = "Sync operation blocked by sync window: " + err.Error()
		return true
	case allowed:
		return false
	}
	state.Message = "Sync operation blocked by sync window"
	if opens, ever := v.windows.Opens(request, now); ever {
		v.comeBack(opens.Sub(now))
	}
	return true
}

// Keys of argocd-cm: whether syncs impersonate, and whether they must.
const (
	impersonates          = "application.sync.impersonation.enabled"
	impersonationEnforced = "application.sync.impersonation.enforced"
)

// acting has what a sync or deletion does in the cluster done as the account that the project names, if they impersonate.
// Where the project names none, a sync is refused unless the operator lets it be made with the hub's own rights, and a
// deletion is made with them, as in Argo CD.
func (r *Reconciler) acting(ctx context.Context, v *visit) (context.Context, error) {
	config, err := r.settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil || config[impersonates] != "true" {
		return ctx, err
	}
	if v.project == nil {
		return ctx, fmt.Errorf("application references project %s which does not exist", v.app.Spec.ProjectName())
	}
	d := project.Destination{Server: v.destination.Server, Name: v.destination.Name, Namespace: v.app.Spec.Destination.Namespace}
	account, err := project.Account(v.project, d, v.app.Namespace)
	if errors.Is(err, project.ErrNoAccount) {
		if config[impersonationEnforced] == "false" || v.app.DeletionTimestamp != nil {
			return ctx, nil
		}
		return ctx, err
	}
	if err != nil {
		return ctx, fmt.Errorf("failed to derive service account to impersonate: %w", err)
	}
	return cluster.As(ctx, account), nil
}

// prepare makes the plan of an operation that begins, or that went on when the hub was killed.
func (r *Reconciler) prepare(ctx context.Context, v *visit) error {
	state := v.app.Status.OperationState
	if err := r.refuseUnsigned(ctx, v); err != nil {
		return err
	}
	manifests, err := r.operationManifests(ctx, v)
	if err != nil {
		return err
	}
	c := v.comparison
	if c == nil || c.of != manifests {
		if c, err = r.compare(ctx, v, manifests); err != nil {
			return err
		}
	}
	id := fmt.Sprintf("%d-%d", state.StartedAt.Unix(), state.RetryCount)
	options := syncplan.OptionsOf(*state.Operation.Sync, v.app.Spec.SyncPolicy)
	if manager := v.app.Annotations[v1alpha1.MigrationManagerAnnotation]; manager != "" {
		options.MigrateFrom = manager
	}
	in := syncplan.Input{
		Hooks: c.hooks, LiveHooks: c.liveHooks, Namespace: v.app.Spec.Destination.Namespace,
		OperationID: id, Revision: resultRevisions(state.SyncResult)[0],
		Options: options,
	}
	if _, exists := v.cluster.Live(object.Key{Kind: "Namespace", Name: in.Namespace}); exists {
		in.NamespaceLive = &unstructured.Unstructured{Object: map[string]any{}}
	}
	if err := r.permit(ctx, v, c, in.Options); err != nil {
		return err
	}
	for _, o := range c.objects {
		item := syncplan.Item{Target: o.target, Live: o.live, InSync: o.status == v1alpha1.SyncStatusCodeSynced, Exact: o.ignore.Empty(), Checked: o.checked && o.refused == nil}
		if in.Options.RespectIgnored && o.target != nil {
			if item.Target, err = r.keepIgnored(ctx, v, o); err != nil {
				return err
			}
		}
		in.Items = append(in.Items, item)
	}
	v.session.run = &syncrun.Run{
		Plan: syncplan.Build(in), Cluster: v.cluster, State: state.DeepCopy(), OperationID: id, Pause: v.options.WavePause, Now: r.clock.Now,
		Health: v.custom.Health.Of,
		Record: func(ctx context.Context) error { return r.recordProgress(ctx, v.session) },
	}
	return nil
}

// permit refuses what the project doesn't let applications have, and what belongs to another application if asked to.
func (r *Reconciler) permit(ctx context.Context, v *visit, c *comparison, options syncplan.Options) error {
	for _, o := range c.objects {
		if o.target == nil {
			continue
		}
		if err := r.permitsManifest(ctx, v, o.target); err != nil {
			return err
		}
		if options.FailOnShared && o.owner != "" {
			return sharedResourceError{fmt.Sprintf("%s/%s is part of applications %s and %s", o.key.Kind, o.key.Name, v.instance, o.owner)}
		}
	}
	for _, hook := range c.hooks {
		if ofDeletion(hook) {
			continue // it is refused when it is to run
		}
		if err := r.permitsManifest(ctx, v, hook); err != nil {
			return err
		}
	}
	return nil
}

// ofDeletion tells of a hook that no sync runs.
func ofDeletion(hook *unstructured.Unstructured) bool {
	moments, _ := object.Hooks(hook)
	return !slices.ContainsFunc(moments, func(moment object.Hook) bool {
		return moment != object.HookPreDelete && moment != object.HookPostDelete
	})
}

// permitsManifest refuses a manifest that the project doesn't let applications have.
func (r *Reconciler) permitsManifest(ctx context.Context, v *visit, u *unstructured.Unstructured) error {
	key := object.KeyOf(u)
	namespaced := key.Namespace != ""
	if kind, err := v.cluster.Kind(ctx, u.GroupVersionKind()); err == nil {
		namespaced = kind.Namespaced
	}
	if !project.PermitsKind(v.project, key, namespaced) {
		return fmt.Errorf("resource %s:%s is not permitted in project %s", key.Group, key.Kind, v.project.Name)
	}
	d := project.Destination{Server: v.destination.Server, Name: v.destination.Name, Namespace: key.Namespace}
	if namespaced && !project.PermitsDestination(v.project, d) {
		return fmt.Errorf("namespace %s is not permitted in project '%s' (%s)", key.Namespace, v.project.Name, key)
	}
	return nil
}

// sharedResourceError says which object belongs to another application too, in Argo CD's words.
type sharedResourceError struct{ what string }

func (e sharedResourceError) Error() string { return "Shared resource found: " + e.what }

// approved tells whether a person has approved deletions that need it, after they were begun.
func approved(app *v1alpha1.Application, since time.Time) bool {
	at, err := time.Parse(time.RFC3339, app.Annotations[v1alpha1.DeletionApprovedAnnotation])
	return err == nil && !at.Before(since.Truncate(time.Second))
}

// Defaults of a retry policy, Argo CD's.
const (
	retryDuration    = 5 * time.Second
	retryFactor      = 2
	retryMaxDuration = 3 * time.Minute
)

// finish ends an operation, or, if its policy says so and it failed, has it repeated.
func (r *Reconciler) finish(v *visit, phase v1alpha1.OperationPhase, message string, repeatable bool) {
	state := v.app.Status.OperationState
	now := r.now()
	v.session.run = nil
	v.operated = true
	state.FinishedAt = &now
	retry := state.Operation.Retry
	if repeatable && phase != v1alpha1.OperationSucceeded && (state.RetryCount < retry.Limit || retry.Limit < 0) {
		wait := retryWait(retry, state.RetryCount)
		state.RetryCount++
		state.Phase = v1alpha1.OperationRunning
		state.Message = fmt.Sprintf("%s. Retrying attempt #%d at %s.", message, state.RetryCount, now.Add(wait).Format(time.TimeOnly+" -0700"))
		v.comeBack(wait)
		return
	}
	state.Phase, state.Message = phase, message
	if state.RetryCount > 0 && phase != v1alpha1.OperationSucceeded {
		state.Message = fmt.Sprintf("%s (retried %d times).", message, state.RetryCount)
	}
	if phase == v1alpha1.OperationSucceeded {
		r.appendHistory(v)
	}
	r.metrics.synced(v.app)
	r.tellOutcome(v)
}

// retryWait is the wait before the repetition after count ones.
func retryWait(retry v1alpha1.RetryStrategy, count int64) time.Duration {
	wait, factor, longest := retryDuration, int64(retryFactor), retryMaxDuration
	if b := retry.Backoff; b != nil {
		wait = parseDuration(b.Duration, wait)
		longest = parseDuration(b.MaxDuration, longest)
		if b.Factor != nil {
			factor = *b.Factor
		}
	}
	for range min(count, 30) {
		if wait *= time.Duration(max(factor, 1)); wait > longest {
			break
		}
	}
	return min(wait, longest)
}

// parseDuration reads Go's durations, and bare numbers as seconds.
func parseDuration(text string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d
	}
	if d, err := time.ParseDuration(text + "s"); err == nil && d > 0 {
		return d
	}
	return otherwise
}

// repeat begins the repetition of a failed operation when its time has come.
func (r *Reconciler) repeat(ctx context.Context, v *visit) (bool, error) {
	state := v.app.Status.OperationState
	retry := state.Operation.Retry
	if left := retryWait(retry, state.RetryCount-1) - r.clock.Since(state.FinishedAt.Time); left > 0 {
		v.comeBack(left)
		return false, nil
	}
	state.FinishedAt = nil
	state.SyncResult.Resources = nil
	state.Message = fmt.Sprintf("retrying, attempt #%d", state.RetryCount)
	if sync := state.Operation.Sync; retry.Refresh && equality.Semantic.DeepEqual(resultSources(state.SyncResult), v.app.Spec.AllSources()) {
		sync.Revision, sync.Revisions = "", nil
	}
	if resultRevisions(state.SyncResult)[0] == "" || retry.Refresh && state.Operation.Sync.Revision == "" {
		if err := r.resolveOperation(ctx, v); isSlow(err) {
			return false, err
		} else if err != nil {
			r.finish(v, v1alpha1.OperationError, err.Error(), true)
			return false, nil
		}
	}
	return true, r.record(ctx, v, false)
}
