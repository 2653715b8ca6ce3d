package application

import (
	"context"
	"slices"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// health makes the status of what was observed: sync and health, of each object and of the whole.
func (r *Reconciler) health(_ context.Context, v *visit) error {
	r.describe(v)
	status := &v.app.Status
	code := v1alpha1.HealthStatusUnknown
	if v.comparison != nil {
		code = v.comparison.health(v.app)
	} else if v.headErr != nil && v.cluster != nil && status.Health.Status != "" {
		// Git's newest state can't be read; what runs goes on as it was last seen.
		code = status.Health.Status
	}
	if status.Health.Status != code {
		now := r.now()
		status.Health = v1alpha1.AppHealthStatus{Status: code, LastTransitionTime: &now}
	}
	return nil
}

// health is that of the worst live object. What is missing is told by the sync status, so it counts only when nothing is
// there. The application itself doesn't count among its own objects, nor a child of which nothing is known yet.
func (c *comparison) health(app *v1alpha1.Application) v1alpha1.HealthStatusCode {
	worst, lives := v1alpha1.HealthStatusHealthy, len(c.objects) == 0
	for _, o := range c.objects {
		if o.live == nil {
			continue
		}
		lives = true
		application := o.key.Group == v1alpha1.GroupVersion.Group && o.key.Kind == "Application"
		switch {
		case o.health == nil || object.IgnoresHealth(o.live):
		case application && o.key.Namespace == app.Namespace && o.key.Name == app.Name:
		case application && (o.health.Code == v1alpha1.HealthStatusMissing || o.health.Code == v1alpha1.HealthStatusUnknown):
		default:
			worst = health.Worst(worst, o.health.Code)
		}
	}
	if !lives {
		return v1alpha1.HealthStatusMissing
	}
	return worst
}

// describe writes the outcome of the comparison into the status.
func (r *Reconciler) describe(v *visit) {
	status := &v.app.Status
	c := v.comparison
	if c == nil {
		if v.head == nil || v.err != nil {
			status.Sync.Status = v1alpha1.SyncStatusCodeUnknown
		}
		return
	}
	before := status.Sync
	status.Sync = v1alpha1.SyncStatus{
		Status: c.status,
		ComparedTo: v1alpha1.ComparedTo{
			Destination: v.app.Spec.Destination, IgnoreDifferences: v.app.Spec.IgnoreDifferences,
		},
	}
	if len(v.app.Spec.Sources) > 0 {
		status.Sync.ComparedTo.Sources = v.app.Spec.Sources
		status.Sync.Revisions = c.of.Revisions
		status.SourceTypes = c.of.Types
	} else {
		status.Sync.ComparedTo.Source = *v.app.Spec.Source
		status.Sync.Revision = c.of.Revisions[0]
		if len(c.of.Types) > 0 {
			status.SourceType = c.of.Types[0]
		}
	}
	status.Resources = c.resources()
	if !v.asked && !v.operated && before.Status == c.status && c.status == v1alpha1.SyncStatusCodeSynced && sameButRevision(v, before) {
		// A commit that changes nothing here is no news.
		status.Sync.Revision, status.Sync.Revisions = before.Revision, before.Revisions
	}
	var images []string
	urls := cluster.Links(v.app)
	for _, o := range c.objects {
		if o.live != nil {
			images = append(images, object.Images(o.live)...)
			urls = append(urls, cluster.ExternalURLs(o.live)...)
		}
	}
	slices.Sort(images)
	slices.Sort(urls)
	status.Summary.Images, status.Summary.ExternalURLs = slices.Compact(images), slices.Compact(urls)
	if status.ControllerNamespace == "" {
		status.ControllerNamespace = r.options.Namespace
	}
}

// resources are the objects in the order of their keys.
func (c *comparison) resources() []v1alpha1.ResourceStatus {
	var resources []v1alpha1.ResourceStatus
	for _, o := range c.objects {
		manifest := o.target
		if manifest == nil {
			manifest = o.live
		}
		resource := v1alpha1.ResourceStatus{
			Group: o.key.Group, Version: manifest.GroupVersionKind().Version, Kind: o.key.Kind, Namespace: o.key.Namespace, Name: o.key.Name,
			Status: o.status, SyncWave: int64(object.Wave(manifest)), RequiresPruning: o.target == nil,
			RequiresDeletionConfirmation: object.HasSyncOption(manifest, "Prune=confirm") || object.HasSyncOption(manifest, "Delete=confirm"),
		}
		switch {
		case o.live == nil:
			resource.Health = &v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusMissing}
		case o.health != nil:
			resource.Health = &v1alpha1.HealthStatus{Status: o.health.Code, Message: o.health.Message}
		}
		resources = append(resources, resource)
	}
	slices.SortFunc(resources, func(a, b v1alpha1.ResourceStatus) int {
		return object.Key{Group: a.Group, Kind: a.Kind, Namespace: a.Namespace, Name: a.Name}.Compare(
			object.Key{Group: b.Group, Kind: b.Kind, Namespace: b.Namespace, Name: b.Name})
	})
	return resources
}
