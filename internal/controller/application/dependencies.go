package application

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/signature"
	"fairlead.dev/fairlead/internal/trace"
)

// Dependencies are what the controller works with.
type Dependencies struct {
	Settings  Settings
	Clusters  Clusters
	Manifests Manifests
	Changes   Changes
	Bus       *event.Bus
	// Signatures verifies what projects demand of sources; nil means that nothing is signed.
	Signatures Signatures
	// Making knows the application sets that make many applications at this moment; nil means that none does.
	Making Making
	// Polling is what the operator configured of it, else the standard that it is given; nil means that the options count.
	Polling func(ctx context.Context, standard settings.Polling) (settings.Polling, error)
	// Recorder, Clock, Logger and Metrics may be nil: the manager's, the real one, the default one, none.
	Recorder events.EventRecorder
	Clock    clock.WithTicker
	Logger   *slog.Logger
	Metrics  prometheus.Registerer
	// Tracer makes a trace of each reconcile; nil for none.
	Tracer *trace.Tracer
}

// Settings knows the configured clusters, and what an operator says of objects; *live.Source is one.
type Settings interface {
	configured
	// Destination is the cluster that an application names.
	Destination(ctx context.Context, d v1alpha1.ApplicationDestination) (settings.Cluster, error)
	Clusters(ctx context.Context) ([]settings.Cluster, error)
}

type configured interface {
	// Customization returns the same pointer until something changes.
	Customization(ctx context.Context) (*customization.Settings, error)
	ConfigMap(ctx context.Context, name string) (map[string]string, error)
	// ApplicationNamespaces are those whose Applications count.
	ApplicationNamespaces(ctx context.Context) settings.Namespaces
}

// Making has an application wait until its set has made the others, and wakes it then. False means that there is nothing to wait
// for. *applicationset.Making does.
type Making interface {
	Wait(set, application types.NamespacedName, wake func()) bool
}

// Clusters connects to them; Registry makes one of a *cluster.Registry.
type Clusters interface {
	Get(ctx context.Context, s settings.Cluster) (Cluster, error)
	Subscribe(callback func(cluster.Change)) (cancel func())
	tenants
}

// tenants are the clusters and the applications that a registry keeps something for.
type tenants interface {
	Keep(configured []settings.Cluster)
	// Release says that an application needs nothing of the clusters any more, but for the one with that URL.
	Release(instance, but string)
}

// Cluster is one target cluster; *cluster.Cluster is one.
type Cluster interface {
	observation
	writer
	inventory
}

type observation interface {
	liveCache
	orphanage
}

type liveCache interface {
	Watch(ctx context.Context, instance string, gvks ...schema.GroupVersionKind) error
	Live(key object.Key) (u *unstructured.Unstructured, exists bool)
	Managed(instance string, but map[object.Key]bool) []*unstructured.Unstructured
}

type writer interface {
	remover
	Apply(ctx context.Context, manifest *unstructured.Unstructured, o cluster.ApplyOptions) (*unstructured.Unstructured, error)
	Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error)
}

type remover interface {
	Delete(ctx context.Context, gvk schema.GroupVersionKind, key object.Key, propagation string, uid types.UID) error
	RemoveFinalizer(ctx context.Context, u *unstructured.Unstructured, finalizer string) error
}

type inventory interface {
	Kind(ctx context.Context, gvk schema.GroupVersionKind) (cluster.Kind, error)
	Info() cluster.Info
	// Manages tells why an object can't be managed in a cluster that is limited to namespaces; nil if it can.
	Manages(kind, namespace, name string) error
}

type orphanage interface {
	// Search looks for objects of all kinds, not only of those that applications are known to have.
	Search(ctx context.Context) error
	Monitor(ctx context.Context, instance string, o *cluster.Orphanage) (count int, complete bool, err error)
}

// Manifests goes from sources to manifests; *desired.Source is one.
type Manifests interface {
	// Fetch brings the mirrors of the sources' repositories up to date, with the project's credentials.
	Fetch(ctx context.Context, project string, sources v1alpha1.ApplicationSources) error
	// Resolve finds the commits that the revisions mean; an empty revision means the source's own.
	Resolve(ctx context.Context, project string, sources v1alpha1.ApplicationSources, revisions []string) ([]string, error)
	Render(ctx context.Context, request desired.Request) (*desired.Manifests, error)
}

// Changes tells what a change in a repository means; *desired.Source is one.
type Changes interface {
	// Access is the same for projects that reach a source's repository in the same way.
	Access(ctx context.Context, project string, source v1alpha1.ApplicationSource) (string, error)
	// Refs asks the repository itself, which all the sources have.
	Refs(ctx context.Context, project string, sources v1alpha1.ApplicationSources) (map[string]string, error)
	// Unchanged tells that rendering at other revisions gives the same manifests.
	Unchanged(ctx context.Context, manifests *desired.Manifests, revisions []string) bool
}

// Signatures verifies the signatures of commits and tags; *desired.Signatures does.
type Signatures interface {
	Verify(ctx context.Context, project string, source v1alpha1.ApplicationSource, asked, commit string, history bool) ([]signature.Checked, error)
}

// Registry adapts a registry of clusters.
type Registry struct{ *cluster.Registry }

// Get connects to a cluster.
func (r Registry) Get(ctx context.Context, s settings.Cluster) (Cluster, error) {
	c, err := r.Registry.Get(ctx, s)
	if err != nil {
		return nil, err // not a nil *cluster.Cluster in an interface
	}
	return c, nil
}
