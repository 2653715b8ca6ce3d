package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/settings/live"
)

// deletionStage is a part of an application's deletion, there because of finalizers, which go when it is done.
type deletionStage struct {
	concerns func(finalizer string) bool
	// run does what can be done now, and says what is waited for; nothing means that the stage is done.
	run func(*Reconciler, context.Context, *visit) (waitsFor string, err error)
}

var deletionStages = []deletionStage{
	{exactly(v1alpha1.PreDeleteFinalizer), deletionHooks(object.HookPreDelete)},
	{exactly(v1alpha1.PreDeleteCleanupFinalizer), clearHooks(object.HookPreDelete)},
	{isFinalizer(v1alpha1.ResourcesFinalizer), (*Reconciler).deleteManaged},
	{exactly(v1alpha1.PostDeleteFinalizer), deletionHooks(object.HookPostDelete)},
	{exactly(v1alpha1.PostDeleteCleanupFinalizer), clearHooks(object.HookPostDelete)},
}

func exactly(finalizer string) func(string) bool {
	return func(name string) bool { return name == finalizer }
}

// isFinalizer matches a finalizer and its variants, such as that with /background.
func isFinalizer(base string) func(string) bool {
	return func(name string) bool { return name == base || strings.HasPrefix(name, base+"/") }
}

// finalize does what a deleted application's finalizers ask for, and then lets it go: its PreDelete hooks run, what it
// manages goes, its PostDelete hooks run. An application without finalizers leaves its objects behind. Where the cluster is
// no longer configured there is nothing to do.
func (r *Reconciler) finalize(ctx context.Context, v *visit) (ctrl.Result, error) {
	if _, asked := cascade(v.app.Finalizers); asked && r.outlived(ctx, v) {
		return ctrl.Result{}, nil // the other's end wakes this one
	}
	for _, stage := range deletionStages {
		if !slices.ContainsFunc(v.app.Finalizers, stage.concerns) {
			continue
		}
		waitsFor, err := r.unwind(ctx, v, stage)
		if errors.Is(err, cluster.ErrNotReady) {
			return ctrl.Result{}, nil
		}
		if err != nil {
			v.condition(v1alpha1.ApplicationConditionDeletionError, "%v", err)
			v.err = err
		}
		r.space(v)
		if err != nil || waitsFor != "" {
			v.app.Status.Conditions = r.merge(v.app.Status.Conditions, v.found)
			return ctrl.Result{RequeueAfter: v.again}, ignoreNotFound(r.write(ctx, v, false))
		}
		v.app.Finalizers = slices.DeleteFunc(slices.Clone(v.app.Finalizers), stage.concerns)
		released := len(v.app.Finalizers) == 0
		if err := ignoreNotFound(r.write(ctx, v, false)); err != nil {
			return ctrl.Result{}, err
		}
		if released {
			v.session.released = v.app.UID
		}
	}
	return ctrl.Result{}, nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// unwind reaches the cluster and runs a stage there.
func (r *Reconciler) unwind(ctx context.Context, v *visit, stage deletionStage) (waitsFor string, err error) {
	if v.cluster == nil {
		c, err := r.reach(ctx, v)
		var unknown *live.UnknownClusterError
		if errors.As(err, &unknown) {
			r.log.Warn("the cluster of a deleted application is no longer configured; its objects are left", "app", v.app.Name, "cluster", unknown.ServerOrName)
			return "", nil
		}
		if err != nil {
			return "", err
		}
		v.cluster = recording{Cluster: c, session: v.session}
		bounds, err := r.projects.Project(ctx, v.app.Spec.ProjectName())
		if err != nil && !apierrors.IsNotFound(err) {
			return "", fmt.Errorf("reading project %s: %w", v.app.Spec.ProjectName(), err)
		}
		v.project = bounds // nil if it is gone, which must not keep the application
	}
	return stage.run(r, ctx, v)
}

// cascade tells whether and how the finalizers want objects to be deleted.
func cascade(finalizers []string) (propagation string, asked bool) {
	for _, name := range finalizers {
		switch {
		case name == v1alpha1.BackgroundResourcesFinalizer:
			return "background", true
		case isFinalizer(v1alpha1.ResourcesFinalizer)(name):
			propagation, asked = "foreground", true
		}
	}
	return propagation, asked
}

// deleteManaged deletes the objects of the last wave that has any, until there are none left.
func (r *Reconciler) deleteManaged(ctx context.Context, v *visit) (waitsFor string, err error) {
	propagation, _ := cascade(v.app.Finalizers)
	if err := r.watchHooks(ctx, v); err != nil {
		return "", err
	}
	objects := r.doomed(v)
	if unapproved := r.unapproved(v, objects); len(unapproved) > 0 {
		v.condition(v1alpha1.ApplicationConditionDeletionError,
			"waiting for deletion confirmation of %s: approve it with annotation %s on the application, its value the time (RFC 3339)",
			strings.Join(unapproved, ", "), v1alpha1.DeletionApprovedAnnotation)
		return "a confirmation", nil
	}
	if len(objects) == 0 {
		return "", nil
	}
	acting, err := r.acting(ctx, v)
	if err != nil {
		return "", fmt.Errorf("cannot apply impersonation: %w", err)
	}
	last := slices.MaxFunc(objects, func(a, b *unstructured.Unstructured) int { return object.Wave(a) - object.Wave(b) })
	for _, u := range objects {
		if object.Wave(u) != object.Wave(last) {
			continue
		}
		if u.GetDeletionTimestamp() == nil {
			if err := v.cluster.Delete(acting, u.GroupVersionKind(), object.KeyOf(u), propagation, u.GetUID()); err != nil {
				return "", err
			}
		}
		if slices.Contains(u.GetFinalizers(), object.HookFinalizer) {
			if err := v.cluster.RemoveFinalizer(acting, u, object.HookFinalizer); err != nil {
				return "", err
			}
		}
	}
	return fmt.Sprintf("%d objects", len(objects)), nil // the cluster tells when one is gone
}

// doomed are the objects that go with the application: not those that say otherwise, nor definitions of kinds, with which
// everybody's objects would go, nor what its project doesn't permit it, nor the hooks that are yet to run.
func (r *Reconciler) doomed(v *visit) []*unstructured.Unstructured {
	var objects []*unstructured.Unstructured
	self := object.Key{Group: v1alpha1.GroupVersion.Group, Kind: "Application", Namespace: v.app.Namespace, Name: v.app.Name}
	for _, u := range v.cluster.Managed(v.instance, nil) {
		key := object.KeyOf(u)
		moments, _ := object.Hooks(u)
		word, own := r.deletionWord(v, u)
		switch {
		case word == "false", !own && object.HelmKeeps(u):
		case key.Kind == "CustomResourceDefinition" && key.Group == "apiextensions.k8s.io":
		case key == self && u.GetUID() == v.app.UID:
		case slices.Contains(moments, object.HookPostDelete):
		case v.project != nil && !permitsLive(v, key):
		default:
			objects = append(objects, u)
		}
	}
	return objects
}

// deletionWord is what an object, or else its application, says of its deletion: true, false or confirm.
func (r *Reconciler) deletionWord(v *visit, u *unstructured.Unstructured) (word string, own bool) {
	if word, own = object.SyncOption(u, "Delete"); own {
		return word, true
	}
	if policy := v.app.Spec.SyncPolicy; policy != nil {
		for _, option := range policy.SyncOptions {
			if value, ok := strings.CutPrefix(strings.TrimSpace(option), "Delete="); ok {
				word = value
			}
		}
	}
	return word, false
}

// unapproved are the objects that a person must confirm the deletion of and hasn't, a few of them.
func (r *Reconciler) unapproved(v *visit, objects []*unstructured.Unstructured) []string {
	if approved(v.app, v.app.DeletionTimestamp.Time) {
		return nil
	}
	var names []string
	for _, u := range objects {
		if word, _ := r.deletionWord(v, u); word == "confirm" && u.GetDeletionTimestamp() == nil && len(names) < 5 {
			key := object.KeyOf(u)
			names = append(names, key.Group+"/"+key.Kind+"/"+key.Name)
		}
	}
	return names
}

// permitsLive tells whether the project lets the application have an object that is there. What it doesn't is none of the
// application's business: it is neither shown nor pruned nor deleted.
func permitsLive(v *visit, key object.Key) bool {
	return project.PermitsObject(v.project, key, project.Destination{Server: v.destination.Server, Name: v.destination.Name})
}
