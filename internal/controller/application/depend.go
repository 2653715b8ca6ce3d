package application

import (
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/dependency"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncrun"
)

// skipDependencies is the sync option by which a person syncs although a dependency isn't ready.
const skipDependencies = "SkipDependencies=true"

// dependsOnIndex finds the applications that depend on one, by its namespace/name.
const dependsOnIndex = "spec.dependsOn"

// dependsOnKeys are the index's entries for an application.
func dependsOnKeys(o client.Object) []string {
	var keys []string
	for _, name := range dependency.Names(o.(*v1alpha1.Application)) {
		keys = append(keys, name.String())
	}
	return keys
}

// checkDependencies refuses a spec whose dependencies can't be meant: one on itself by any way, or with an unknown gate.
func (r *Reconciler) checkDependencies(ctx context.Context, v *visit) (complaint string, err error) {
	complaint, err = dependency.Check(v.app, func(name types.NamespacedName) (*v1alpha1.Application, error) {
		app := &v1alpha1.Application{}
		return app, client.IgnoreNotFound(r.client.Get(ctx, name, app))
	})
	if complaint != "" {
		v.session.setWaiting(true) // for whoever breaks the cycle
	}
	return complaint, err
}

// depend finds out whether a sync has to wait for other applications. An application that waits is woken when one of them
// changes (settle).
func (r *Reconciler) depend(ctx context.Context, v *visit) error {
	s := v.session
	s.setWaiting(len(v.app.Spec.DependsOn) > 0) // before the look, so that no change is missed
	var blocked []string
	for _, d := range v.app.Spec.DependsOn {
		if reason := dependency.Blocked(d, r.stateOf(ctx, dependency.Name(d, v.app.Namespace))); reason != "" {
			blocked = append(blocked, reason)
		}
	}
	if len(blocked) == 0 {
		s.setWaiting(false)
		return nil
	}
	v.blocked = "waiting for " + strings.Join(blocked, "; ")
	return nil
}

// stateOf is what the sessions know of an application. One without a session is new, or gone.
func (r *Reconciler) stateOf(ctx context.Context, name types.NamespacedName) dependency.State {
	s := r.sessions.get(name)
	if s == nil {
		err := r.client.Get(ctx, name, &v1alpha1.Application{})
		return dependency.State{Missing: apierrors.IsNotFound(err)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.standing
	state.Known = state.Known && !s.stale && !s.busy
	return state
}

// mustWait tells whether an operation waits for dependencies. A rollback doesn't: it is made when things aren't as they
// should be; nor what changes nothing, nor what a person insists on.
func mustWait(v *visit, operation v1alpha1.Operation) bool {
	sync := operation.Sync
	return v.blocked != "" && sync != nil && !sync.DryRun && !v.app.Held() && !sync.SyncOptions.HasOption(skipDependencies)
}

// settle notes at the end of a reconcile what others may know of the application, and wakes those that wait for it.
func (r *Reconciler) settle(ctx context.Context, v *visit) {
	status := v.app.Status
	s := v.session
	s.mu.Lock()
	s.busy = false
	s.dependencies = dependency.Names(v.app)
	s.standing = dependency.State{
		Known: v.settled, Deleting: v.app.DeletionTimestamp != nil,
		Operating: running(status.OperationState) || v.app.Operation != nil,
		Sync:      status.Sync.Status, Health: status.Health.Status,
	}
	s.mu.Unlock()
	r.strays.take(s.name) // it is there
	r.wakeDependents(ctx, s.name)
}

// gone wakes those that an application depended on, which may have to outlive it, and those that depend on it.
func (r *Reconciler) gone(ctx context.Context, name types.NamespacedName) error {
	if s := r.sessions.get(name); s != nil {
		if err := r.abandon(ctx, s); err != nil {
			return err
		}
		s.mu.Lock()
		dependencies := s.dependencies
		s.mu.Unlock()
		for _, d := range dependencies {
			r.wake(d)
		}
	}
	if err := r.letStrayHooksGo(ctx, name); err != nil {
		r.log.Warn("hooks are left", "error", err)
		return err
	}
	r.sessions.drop(name)
	r.metrics.forget(name.Namespace, name.Name)
	r.clusters.Release(object.InstanceName(name.Name, name.Namespace, r.options.Namespace), "")
	r.wakeDependents(ctx, name)
	return nil
}

// abandon lets the hooks go that an application which is no more left running, also those of before a restart. The error is
// that of a cluster that isn't known yet.
func (r *Reconciler) abandon(ctx context.Context, s *session) error {
	if run := s.run; run != nil {
		syncrun.Abandon(ctx, run.Cluster, run.State)
		return nil
	}
	if s.hooked == nil {
		return nil
	}
	v := &visit{app: s.hooked, session: s, instance: object.InstanceName(s.hooked.Name, s.hooked.Namespace, r.options.Namespace)}
	c, err := r.reach(ctx, v)
	switch {
	case errors.Is(err, cluster.ErrNotReady):
		return err
	case err != nil:
		r.log.Warn("leaving the hooks of an application that is gone", "app", s.name.Name, "error", err)
	default:
		syncrun.Abandon(ctx, c, s.hooked.Status.OperationState)
	}
	return nil
}

// wakeDependents wakes the applications that wait for one.
func (r *Reconciler) wakeDependents(ctx context.Context, name types.NamespacedName) {
	for _, dependent := range r.dependents(ctx, name) {
		if s := r.sessions.get(client.ObjectKeyFromObject(&dependent)); s != nil && s.isWaiting() {
			r.wake(s.name)
		}
	}
}

// dependents are the applications that depend on one.
func (r *Reconciler) dependents(ctx context.Context, name types.NamespacedName) []v1alpha1.Application {
	var list v1alpha1.ApplicationList
	if err := r.client.List(ctx, &list, client.MatchingFields{dependsOnIndex: name.String()}, client.UnsafeDisableDeepCopy); err != nil {
		r.log.Warn("finding the applications that depend on one", "app", name.Name, "error", err)
	}
	return list.Items
}

// outlived tells that an application that is being deleted still has to be there for another that depends on it and is
// being deleted too: what needs a database goes before the database. In a cycle, which was never synced, nothing waits.
func (r *Reconciler) outlived(ctx context.Context, v *visit) bool {
	app := v.app
	if complaint, err := r.checkDependencies(ctx, v); complaint != "" || err != nil {
		return false
	}
	return slices.ContainsFunc(r.dependents(ctx, client.ObjectKeyFromObject(app)), func(dependent v1alpha1.Application) bool {
		return dependent.DeletionTimestamp != nil && dependent.UID != app.UID
	})
}
