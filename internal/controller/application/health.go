package application

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// health makes the status of what was observed: sync and health, of each object and of the whole.
func (r *Reconciler) health(_ context.Context, v *visit) error {
	r.describe(v)
	status := &v.app.Status
	code, message := v1alpha1.HealthStatusUnknown, ""
	switch {
	case v.comparison != nil:
		code, message = v.comparison.health(v.app)
	case v.headErr == nil || v.cluster == nil:
	// Git's newest state can't be read. Where nothing runs, nothing is ill; what runs goes on as it was last seen.
	case len(status.Resources) == 0 && status.Health.Status != v1alpha1.HealthStatusMissing:
		code = v1alpha1.HealthStatusHealthy
	case status.Health.Status != "":
		code, message = status.Health.Status, status.Health.Message
	}
	switch {
	case status.Health.Status != code:
		now := r.now()
		status.Health = v1alpha1.AppHealthStatus{Status: code, Message: message, LastTransitionTime: &now}
	case v.options.PersistHealth:
		status.Health.Message = message
	} // else it goes on saying what made the health what it is: that is no reason for a write
	return nil
}

// health is that of the worst live object, and says whose that is. What is missing is told by the sync status, so it counts
// only when nothing is there. The application itself doesn't count among its own objects, nor a child of which nothing is
// known yet.
func (c *comparison) health(app *v1alpha1.Application) (worst v1alpha1.HealthStatusCode, message string) {
	worst = v1alpha1.HealthStatusHealthy
	lives := len(c.objects) == 0
	var causes []object.Key
	for _, o := range c.objects {
		if o.live == nil {
			continue
		}
		lives = true
		switch {
		case o.health == nil || object.IgnoresHealth(o.live):
		case isApplication(o.key) && o.key.Namespace == app.Namespace && o.key.Name == app.Name:
		case isApplication(o.key) && (o.health.Code == v1alpha1.HealthStatusMissing || o.health.Code == v1alpha1.HealthStatusUnknown):
		case health.Worse(o.health.Code, worst):
			worst, causes = o.health.Code, []object.Key{o.key}
		case o.health.Code == worst && worst != v1alpha1.HealthStatusHealthy:
			causes = append(causes, o.key)
		}
	}
	if !lives {
		return v1alpha1.HealthStatusMissing, ""
	}
	return worst, causedBy(causes)
}

// maxCauses bounds the objects that a health's message names.
const maxCauses = 3

// causedBy names objects, in Argo CD's form: Caused by apps/Deployment:shop/web.
func causedBy(causes []object.Key) string {
	if len(causes) == 0 {
		return ""
	}
	slices.SortFunc(causes, object.Key.Compare)
	var names []string
	for _, key := range causes[:min(len(causes), maxCauses)] {
		names = append(names, strings.TrimPrefix(key.Group+"/"+key.Kind, "/")+":"+strings.TrimPrefix(key.Namespace+"/"+key.Name, "/"))
	}
	text := "Caused by " + strings.Join(names, ", ")
	if len(causes) > maxCauses {
		text += fmt.Sprintf(" and %d more", len(causes)-maxCauses)
	}
	return text
}

func isApplication(key object.Key) bool {
	return key.Group == v1alpha1.GroupVersion.Group && key.Kind == "Application"
}

// hasApplications tells whether there are applications among the live objects, or among those that an ApplicationSet made.
func (c *comparison) hasApplications() bool {
	return slices.ContainsFunc(c.objects, func(o compared) bool {
		if o.live == nil || o.key.Group != v1alpha1.GroupVersion.Group {
			return false
		}
		if o.key.Kind == "ApplicationSet" {
			made, _, _ := unstructured.NestedSlice(o.live.Object, "status", "resources")
			return len(made) > 0
		}
		return isApplication(o.key)
	})
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
	if v.app.Spec.HasSeveralSources() {
		status.Sync.ComparedTo.Sources = v.app.Spec.Sources
		status.Sync.Revisions = c.of.Revisions
		status.SourceTypes = c.of.Types
	} else {
		status.Sync.ComparedTo.Source = v.app.Spec.AllSources()[0]
		status.Sync.Revision = c.of.Revisions[0]
		if len(c.of.Types) > 0 {
			status.SourceType = c.of.Types[0]
		}
	}
	status.Resources, status.ResourceHealthSource = c.resources(v), ""
	if !v.options.PersistHealth {
		status.ResourceHealthSource = v1alpha1.ResourceHealthInTree
		for i := range status.Resources {
			status.Resources[i].Health = nil
		}
	}
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
	status.Summary.IsAppOfApps = c.hasApplications()
	if status.ControllerNamespace == "" {
		status.ControllerNamespace = r.options.Namespace
	}
}

// resources are the objects in the order of their keys. How it is with what the project doesn't permit, nobody is told.
func (c *comparison) resources(v *visit) []v1alpha1.ResourceStatus {
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
		if o.target != nil && v.project != nil && !permitsLive(v, o.key) {
			resource.Status = v1alpha1.SyncStatusCodeUnknown
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
