package application

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncplan"
	"fairlead.dev/fairlead/internal/syncrun"
)

// deletion is the run of the hooks of an application's deletion.
type deletion struct {
	moment object.Hook
	run    *syncrun.Run
}

// deletionHooks runs the hooks of one moment of the deletion. One that fails keeps the application, until it is mended or
// the finalizer taken away.
func deletionHooks(moment object.Hook) func(*Reconciler, context.Context, *visit) (string, error) {
	return func(r *Reconciler, ctx context.Context, v *visit) (string, error) {
		s := v.session
		acting, err := r.deletionRun(ctx, v, moment)
		if err != nil {
			return "", err
		}
		s.deletion.run.KeepEnded = slices.Contains(v.app.Finalizers, cleanupFinalizers[moment])
		outcome, err := s.deletion.run.Advance(acting)
		if err == nil && outcome.Phase == v1alpha1.OperationRunning {
			if outcome.Again > 0 {
				v.comeBack(outcome.Again)
			}
			return outcome.Message, nil
		}
		if err == nil && outcome.Phase != v1alpha1.OperationSucceeded {
			err = fmt.Errorf("running the %s hooks: %s", moment, outcome.Message)
		}
		if err != nil || !s.deletion.run.KeepEnded {
			s.deletion = nil // tried anew, or over
		}
		return "", err
	}
}

// cleanupFinalizers are those that stay until the objects of ended hooks are deleted: that the hooks have ended is recorded by
// the absence of the other finalizer, so that they run once, also when the hub is killed meanwhile.
var cleanupFinalizers = map[object.Hook]string{
	object.HookPreDelete:  v1alpha1.PreDeleteCleanupFinalizer,
	object.HookPostDelete: v1alpha1.PostDeleteCleanupFinalizer,
}

// clearHooks deletes the objects of the hooks of one moment that have ended.
func clearHooks(moment object.Hook) func(*Reconciler, context.Context, *visit) (string, error) {
	return func(r *Reconciler, ctx context.Context, v *visit) (string, error) {
		acting, err := r.deletionRun(ctx, v, moment)
		if err != nil {
			return "", err
		}
		waitsFor, err := v.session.deletion.run.ClearEnded(acting)
		if err != nil || waitsFor == "" {
			v.session.deletion = nil
		}
		return waitsFor, err
	}
}

// deletionRun sees that the session has the run of a moment's hooks, and returns the context to act in.
func (r *Reconciler) deletionRun(ctx context.Context, v *visit, moment object.Hook) (acting context.Context, err error) {
	s := v.session
	if s.deletion == nil || s.deletion.moment != moment || s.deletion.run.Cluster != v.cluster {
		planned, err := r.planDeletion(ctx, v, moment)
		if err != nil {
			return nil, fmt.Errorf("preparing the %s hooks: %w", moment, err)
		}
		s.deletion = planned
	}
	return r.acting(ctx, v)
}

// planDeletion makes the run of the hooks that were in the manifests when the application was last compared.
func (r *Reconciler) planDeletion(ctx context.Context, v *visit, moment object.Hook) (*deletion, error) {
	if v.project == nil {
		return nil, fmt.Errorf("application references project %s which does not exist", v.app.Spec.ProjectName())
	}
	if err := r.configure(ctx, v); err != nil {
		return nil, err
	}
	manifests, err := r.lastManifests(ctx, v)
	if err != nil {
		return nil, err
	}
	r.noteHooks(v, manifests)
	var hooks []*unstructured.Unstructured
	if manifests != nil {
		placed, err := r.place(ctx, v, manifests)
		if err != nil {
			return nil, err
		}
		for _, hook := range placed.Hooks {
			if moments, _ := object.Hooks(hook); slices.Contains(moments, moment) {
				hooks = append(hooks, hook)
			}
		}
	}
	for _, hook := range hooks {
		if err := r.permitsManifest(ctx, v, hook); err != nil {
			return nil, err
		}
	}
	if err := v.cluster.Watch(ctx, v.instance, v.session.kindsToDelete(v.app)...); err != nil {
		return nil, err
	}
	id := string(v.app.UID)
	plan := syncplan.BuildDeletion(syncplan.Input{Hooks: hooks, OperationID: id, Revision: v.app.Status.Sync.Revision}, moment)
	return &deletion{moment: moment, run: &syncrun.Run{
		Plan: plan, Cluster: v.cluster, OperationID: id, Now: r.clock.Now, Health: v.custom.Health.Of,
		State:  &v1alpha1.OperationState{StartedAt: *v.app.DeletionTimestamp},
		Record: func(context.Context) error { return nil }, // the hooks themselves say who made them
	}}, nil
}

// noteHooks notes the kinds of the hooks in manifests. The status doesn't tell of them, but those that have run go with what is
// managed.
func (r *Reconciler) noteHooks(v *visit, manifests *desired.Manifests) {
	v.session.hookKinds = []schema.GroupVersionKind{}
	if manifests == nil {
		return
	}
	for _, u := range manifests.Objects {
		if moments, _ := object.Hooks(u); len(moments) > 0 {
			v.session.hookKinds = append(v.session.hookKinds, u.GroupVersionKind())
		}
	}
}

// watchHooks sees that the kinds of hooks are watched, also where this process never compared the application: it was started
// during the deletion. Where they can't be told, because the source is gone, say, that doesn't keep the application.
func (r *Reconciler) watchHooks(ctx context.Context, v *visit) error {
	if v.session.hookKinds != nil {
		return nil
	}
	manifests, err := r.lastManifests(ctx, v)
	if err != nil {
		r.log.Warn("the hooks of an application that is deleted can't be told; their objects may be left", "app", v.app.Name, "error", err)
	}
	r.noteHooks(v, manifests)
	return v.cluster.Watch(ctx, v.instance, v.session.kindsToDelete(v.app)...)
}

// kindsToDelete are the kinds of what the application may have in its cluster.
func (s *session) kindsToDelete(app *v1alpha1.Application) []schema.GroupVersionKind {
	return distinct(append(formerKinds(app), s.hookKinds...))
}

func distinct(kinds []schema.GroupVersionKind) []schema.GroupVersionKind {
	byKind := map[schema.GroupKind]schema.GroupVersionKind{}
	for _, kind := range kinds {
		byKind[kind.GroupKind()] = kind
	}
	all := make([]schema.GroupVersionKind, 0, len(byKind))
	for _, kind := range byKind {
		all = append(all, kind)
	}
	return all
}

// lastManifests are those that the application was last compared with; nil if it never was.
func (r *Reconciler) lastManifests(ctx context.Context, v *visit) (*desired.Manifests, error) {
	if v.session.manifests != nil {
		return v.session.manifests, nil
	}
	status := v.app.Status.Sync
	revisions := status.Revisions
	if len(revisions) == 0 && status.Revision != "" {
		revisions = []string{status.Revision}
	}
	sources := v.app.Spec.AllSources()
	if len(revisions) == 0 {
		return nil, nil
	}
	if len(revisions) != len(sources) {
		return nil, errors.New("its sources have changed since it was last compared: compare it before it is deleted, or take the finalizer away")
	}
	return r.renderAt(ctx, v, sources, revisions, false)
}

// guard sees that an application which has hooks for its deletion isn't gone before they ran.
func (r *Reconciler) guard(_ context.Context, v *visit) error {
	if v.comparison == nil || v.comparison.of != v.head {
		return nil
	}
	has := map[object.Hook]bool{}
	for _, hook := range v.comparison.hooks {
		moments, _ := object.Hooks(hook)
		for _, moment := range moments {
			has[moment] = true
		}
	}
	for _, f := range []struct {
		moment object.Hook
		name   string
	}{
		{object.HookPreDelete, v1alpha1.PreDeleteFinalizer},
		{object.HookPostDelete, v1alpha1.PostDeleteFinalizer},
	} {
		for _, name := range []string{f.name, cleanupFinalizers[f.moment]} {
			at := slices.Index(v.app.Finalizers, name)
			switch {
			case has[f.moment] && at < 0:
				v.app.Finalizers = append(slices.Clone(v.app.Finalizers), name)
			case !has[f.moment] && at >= 0:
				v.app.Finalizers = slices.Delete(slices.Clone(v.app.Finalizers), at, at+1)
			}
		}
	}
	return nil
}
