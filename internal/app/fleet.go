package app

import (
	"context"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/server"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
)

// fleet lets the API reach the live objects of applications.
type fleet struct {
	settings  *live.Source
	clusters  *cluster.Registry
	namespace string
}

var (
	_ server.Fleet            = (*fleet)(nil)
	_ server.ReplicaSetLister = (*fleet)(nil)
	_ server.ClusterInformer  = (*fleet)(nil)
	_ server.CacheInvalidator = (*fleet)(nil)
	_ server.TreeWatcher      = (*fleet)(nil)
	_ server.ObjectDeleter    = (*fleet)(nil)
	_ server.ObjectCreator    = (*fleet)(nil)
	_ server.EventLister      = (*fleet)(nil)
	_ server.PodLogger        = (*fleet)(nil)
	_ server.ClusterProber    = (*fleet)(nil)
	_ server.TokenRotator     = (*fleet)(nil)
)

// clusterOf connects to the cluster that an application goes to.
func (f *fleet) clusterOf(ctx context.Context, app *v1alpha1.Application) (*cluster.Cluster, error) {
	configured, err := f.settings.Destination(ctx, app.Spec.Destination)
	if err != nil {
		return nil, err
	}
	// The connection goes by the newest of it; where this replica doesn't lead, nobody else looks.
	if _, err := f.settings.Customization(ctx); err != nil {
		return nil, err
	}
	return f.clusters.Get(ctx, configured)
}

func (f *fleet) instance(app *v1alpha1.Application) string {
	return object.InstanceName(app.Name, app.Namespace, f.namespace)
}

func gvkOf(ref protocol.ResourceRef) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: ref.Group, Version: ref.Version, Kind: ref.Kind}
}

func keyOf(ref protocol.ResourceRef) object.Key {
	return object.Key{Group: ref.Group, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
}

// Object reads a live object, past every cache.
func (f *fleet) Object(ctx context.Context, app *v1alpha1.Application, ref protocol.ResourceRef) (*unstructured.Unstructured, error) {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	u, err := c.Get(ctx, gvkOf(ref), keyOf(ref))
	if err == nil && u == nil {
		err = apierrors.NewNotFound(schema.GroupResource{Group: ref.Group, Resource: ref.Kind}, ref.Name)
	}
	return u, err
}

// Patch changes a live object by patches, in their order, and returns it as it is after the last.
func (f *fleet) Patch(ctx context.Context, app *v1alpha1.Application, ref protocol.ResourceRef, patches []rollout.Patch) (*unstructured.Unstructured, error) {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	u, err := f.Object(ctx, app, ref)
	if err != nil {
		return nil, err
	}
	for _, patch := range patches {
		var subresources []string
		if patch.Subresource != "" {
			subresources = append(subresources, patch.Subresource)
		}
		if u, err = c.Patch(ctx, u, patch.Type, patch.Body, subresources...); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// ReplicaSets are those of an application in a namespace.
func (f *fleet) ReplicaSets(ctx context.Context, app *v1alpha1.Application, namespace string) ([]appsv1.ReplicaSet, error) {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	nodes, err := c.Tree(ctx, f.instance(app))
	if err != nil {
		return nil, err
	}
	var sets []appsv1.ReplicaSet
	for _, node := range nodes {
		if node.Key.Group != "apps" || node.Key.Kind != "ReplicaSet" || node.Key.Namespace != namespace {
			continue
		}
		live, err := c.Get(ctx, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), node.Key)
		if err != nil {
			return nil, err
		}
		if live == nil {
			continue // it has gone meanwhile
		}
		var set appsv1.ReplicaSet
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &set); err != nil {
			return nil, fmt.Errorf("reading ReplicaSet %q: %w", live.GetName(), err)
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// ClusterInfo tells how the connection to a cluster is.
func (f *fleet) ClusterInfo(_ context.Context, configured settings.Cluster) protocol.ClusterInfo {
	now := metav1.Now()
	c, ok := f.clusters.Peek(configured)
	if !ok {
		return protocol.ClusterInfo{ConnectionState: protocol.ConnectionState{
			Status: protocol.ConnectionUnknown, ModifiedAt: &now,
		}}
	}
	info := c.Info()
	answer := protocol.ClusterInfo{
		ConnectionState: protocol.ConnectionState{Status: protocol.ConnectionUnknown, ModifiedAt: &metav1.Time{Time: info.Turned}},
		ServerVersion:   info.Version,
		APIVersions:     info.APIVersions,
	}
	switch {
	case info.Err != nil:
		answer.ConnectionState.Status, answer.ConnectionState.Message = protocol.ConnectionFailed, info.Err.Error()
	case info.Connected:
		answer.ConnectionState.Status = protocol.ConnectionSuccessful
		answer.CacheInfo = protocol.ClusterCacheInfo{ResourcesCount: int64(info.Objects), APIsCount: int64(info.Watches)}
		if !info.Synced.IsZero() {
			answer.CacheInfo.LastCacheSyncTime = &metav1.Time{Time: info.Synced}
		}
	}
	return answer
}

// Probe asks a cluster for its version.
func (f *fleet) Probe(ctx context.Context, configured settings.Cluster) (string, error) {
	return cluster.Probe(ctx, configured)
}

// RotateToken makes a new token for the service account that a cluster is reached as.
func (f *fleet) RotateToken(ctx context.Context, configured settings.Cluster) (string, func(context.Context) error, error) {
	rotation, err := cluster.Rotate(ctx, configured)
	if err != nil {
		return "", nil, err
	}
	return rotation.Token, rotation.Finish, nil
}

// InvalidateCache throws away what is known of a cluster and reads it again.
func (f *fleet) InvalidateCache(configured settings.Cluster) error {
	return f.clusters.Invalidate(configured)
}

// Delete deletes a live object.
func (f *fleet) Delete(ctx context.Context, app *v1alpha1.Application, ref protocol.ResourceRef, propagation string) error {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return err
	}
	return c.Delete(ctx, gvkOf(ref), keyOf(ref), propagation, "")
}

// Create makes an object beside those that are deployed.
func (f *fleet) Create(ctx context.Context, app *v1alpha1.Application, u *unstructured.Unstructured, dryRun bool) error {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return err
	}
	return c.CreateByAction(ctx, u, dryRun)
}

// Events are those of a live object.
func (f *fleet) Events(ctx context.Context, app *v1alpha1.Application, ref protocol.ResourceRef) ([]corev1.Event, error) {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	return c.Events(ctx, ref.Namespace, ref.Name, ref.UID)
}

// PodLog is the log of a pod's container.
func (f *fleet) PodLog(ctx context.Context, app *v1alpha1.Application, pod protocol.ResourceRef, q *protocol.ApplicationPodLogsQuery) (io.ReadCloser, error) {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	options := cluster.LogOptions{
		Container: q.Container, Follow: q.Follow, Previous: q.Previous, Tail: q.TailLines, SinceSeconds: q.SinceSeconds,
	}
	if q.SinceTime != nil {
		options.Since = q.SinceTime.Time
	}
	return c.Log(ctx, pod.Namespace, pod.Name, options)
}
