package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings/live"
)

// finalize deletes what a deleted application managed, if its finalizer asks for that, and then lets it go. An application
// without the finalizer leaves its objects behind. Where the cluster is no longer configured there is nothing to delete.
func (r *Reconciler) finalize(ctx context.Context, v *visit) (ctrl.Result, error) {
	propagation, asked := cascade(v.app.Finalizers)
	if asked {
		if r.outlived(ctx, v) {
			return ctrl.Result{}, nil // the other's end wakes this one
		}
		left, err := r.deleteManaged(ctx, v, propagation)
		switch {
		case errors.Is(err, cluster.ErrNotReady):
			return ctrl.Result{}, nil
		case err != nil:
			v.condition(v1alpha1.ApplicationConditionDeletionError, "%v", err)
			v.app.Status.Conditions = r.merge(v.app.Status.Conditions, v.found)
			v.err = err
			r.space(v)
			return ctrl.Result{RequeueAfter: v.again}, ignoreNotFound(r.write(ctx, v, false))
		case left > 0:
			return ctrl.Result{}, nil // the cluster tells when one is gone
		}
	}
	v.app.Finalizers = slices.DeleteFunc(slices.Clone(v.app.Finalizers), isResourcesFinalizer)
	return ctrl.Result{}, ignoreNotFound(r.write(ctx, v, false))
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func isResourcesFinalizer(name string) bool {
	return name == v1alpha1.ResourcesFinalizer || strings.HasPrefix(name, v1alpha1.ResourcesFinalizer+"/")
}

// cascade tells whether and how the finalizers want objects to be deleted.
func cascade(finalizers []string) (propagation string, asked bool) {
	for _, name := range finalizers {
		switch {
		case name == v1alpha1.BackgroundResourcesFinalizer:
			return "background", true
		case isResourcesFinalizer(name):
			propagation, asked = "foreground", true
		}
	}
	return propagation, asked
}

// deleteManaged deletes the objects of the last wave that has any, and returns how many objects are left altogether.
func (r *Reconciler) deleteManaged(ctx context.Context, v *visit, propagation string) (left int, err error) {
	d := v.app.Spec.Destination
	destination, err := r.settings.Cluster(ctx, d.Server+d.Name)
	var unknown *live.UnknownClusterError
	if errors.As(err, &unknown) {
		r.log.Warn("the cluster of a deleted application is no longer configured; its objects are left", "app", v.app.Name, "cluster", d.Server+d.Name)
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("finding the destination: %w", err)
	}
	v.session.share(destination.Server, v.app.Spec.ProjectName(), v.app.Spec.AllSources())
	c, err := r.clusters.Get(ctx, destination)
	if err != nil {
		return 0, err
	}
	var kinds []schema.GroupVersionKind
	for _, resource := range v.app.Status.Resources {
		kinds = append(kinds, schema.GroupVersionKind{Group: resource.Group, Version: resource.Version, Kind: resource.Kind})
	}
	if state := v.app.Status.OperationState; state != nil && state.SyncResult != nil {
		for _, resource := range state.SyncResult.Resources {
			kinds = append(kinds, schema.GroupVersionKind{Group: resource.Group, Version: resource.Version, Kind: resource.Kind})
		}
	}
	if err := c.Watch(ctx, v.instance, kinds...); err != nil {
		return 0, err
	}
	var objects []*unstructured.Unstructured
	for _, u := range c.Managed(v.instance) {
		if !object.HasSyncOption(u, "Delete=false") {
			objects = append(objects, u)
		}
	}
	if len(objects) == 0 {
		return 0, nil
	}
	last := slices.MaxFunc(objects, func(a, b *unstructured.Unstructured) int { return object.Wave(a) - object.Wave(b) })
	for _, u := range objects {
		if object.Wave(u) != object.Wave(last) || u.GetDeletionTimestamp() != nil {
			continue
		}
		if err := c.Delete(ctx, u.GroupVersionKind(), object.KeyOf(u), propagation, u.GetUID()); err != nil {
			return len(objects), err
		}
	}
	return len(objects), nil
}
