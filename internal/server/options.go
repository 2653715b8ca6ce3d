package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/login/sso"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
)

// Options are what a Server needs. Start from Default. Parts that are nil make the calls that need them answer that this
// hub can't do that.
type Options struct {
	// Namespace is the hub's.
	Namespace string

	// Client reads from a cache and writes. Required.
	Client client.Client
	// Live reads past the cache, for who has just written; nil means Client.
	Live client.Reader
	// Informers feed the streams; the manager's cache is one. Required.
	Informers Informers
	// Login knows who somebody is. Required.
	Login *login.Manager
	// SSO leads browsers to an identity provider and back; nil for none.
	SSO *sso.Provider
	// Settings reads the configured clusters and repositories. Required.
	Settings *live.Source

	// Fleet reaches the live objects of applications.
	Fleet Fleet
	// Sources reaches repositories.
	Sources Sources
	// Manifests renders and compares.
	Manifests Manifests
	// Sets runs the generators of application sets.
	Sets Sets
	// Builds starts builds, and BuildLogs keeps their logs.
	Builds    Builds
	BuildLogs BuildLogs

	// Plugins lists the names of the config management plugins; nil for none.
	Plugins func(context.Context) ([]string, error)

	// Webhook serves /api/webhook; nil for none.
	Webhook http.Handler
	// Metrics registers the server's metrics, and Gatherer is what /metrics shows; nil for none.
	Metrics  prometheus.Registerer
	Gatherer prometheus.Gatherer
	// TLS is nil for plain HTTP.
	TLS *tls.Config
	// BaseHRef is the path that browsers know the hub under, where a proxy takes it off; "" and "/" are the root.
	BaseHRef string
	// Version is what the hub says of itself.
	Version protocol.VersionMessage
	// MaxRequestBytes bounds a request's body, MaxAnonymousBytes that of calls that need no login.
	MaxRequestBytes, MaxAnonymousBytes int
	// CallTimeout bounds a call that isn't a stream.
	CallTimeout time.Duration
	// Patience is how long a client may take to send the headers of a request, or to take what is sent to it; a body must come
	// with some kilobytes a second after it.
	Patience time.Duration
	// StreamCheck is how often a stream on which nothing happens looks whether its caller may still have it.
	StreamCheck time.Duration
	// Clock is the time; Logger is where calls are told.
	Clock  clock.WithTicker
	Logger *slog.Logger
}

// Default are the options for production, without the parts.
func Default() Options {
	return Options{
		Namespace: "argocd",
		// Local manifests of a large application come in one request.
		MaxRequestBytes:   32 << 20,
		MaxAnonymousBytes: 64 << 10,
		// A refresh renders and compares, which may have to fetch a large repository first.
		CallTimeout: 2 * time.Minute,
		// Slow networks have seconds of delay, not tens of them.
		Patience:    20 * time.Second,
		StreamCheck: 5 * time.Second,
		Clock:       clock.RealClock{},
		Logger:      slog.Default(),
	}
}

// baseHRef is the path that browsers know the hub under, with a slash in front.
func (o Options) baseHRef() string { return "/" + strings.Trim(o.BaseHRef, "/") }

// Validate tells what is missing.
func (o Options) Validate() error {
	switch {
	case o.Namespace == "":
		return errors.New("checking the API's options: there is no namespace")
	case o.Client == nil || o.Informers == nil || o.Login == nil || o.Settings == nil:
		return errors.New("checking the API's options: client, informers, login and settings are required")
	case min(o.MaxRequestBytes, o.MaxAnonymousBytes) <= 0 || min(o.CallTimeout, o.Patience, o.StreamCheck) <= 0:
		return errors.New("checking the API's options: limits must be positive")
	case o.Clock == nil || o.Logger == nil:
		return errors.New("checking the API's options: clock and logger are required")
	}
	return nil
}

// Informers give the changes of a kind.
type Informers interface {
	GetInformer(ctx context.Context, obj client.Object, opts ...cache.InformerGetOption) (cache.Informer, error)
}

// Fleet reaches the live objects of applications, in the clusters that they run in. An object that doesn't exist is an
// error for which apierrors.IsNotFound holds. Further abilities are found by assertion: see PodLogger and ReplicaSetLister.
type Fleet interface {
	Object(ctx context.Context, app *argo.Application, ref protocol.ResourceRef) (*unstructured.Unstructured, error)
	// Patch applies the patches in order, and returns the object after the last one.
	Patch(ctx context.Context, app *argo.Application, ref protocol.ResourceRef, patches []rollout.Patch) (*unstructured.Unstructured, error)
	Tree(ctx context.Context, app *argo.Application) (*protocol.ApplicationTree, error)
}

// ReplicaSetLister is a Fleet that can list the ReplicaSets of a namespace; undoing a Rollout needs it.
type ReplicaSetLister interface {
	ReplicaSets(ctx context.Context, app *argo.Application, namespace string) ([]appsv1.ReplicaSet, error)
}

// PodLogger is a Fleet that can read the logs of a pod, with the kubelet's timestamp in front of each line.
type PodLogger interface {
	PodLog(ctx context.Context, app *argo.Application, pod protocol.ResourceRef, query *protocol.ApplicationPodLogsQuery) (io.ReadCloser, error)
}

// ClusterInformer is a Fleet that knows how its connections are.
type ClusterInformer interface {
	ClusterInfo(ctx context.Context, cluster settings.Cluster) protocol.ClusterInfo
}

// ObjectCreator is a Fleet that can make new objects, as some resource actions do. A dry run has the API server check the
// object and doesn't keep it.
type ObjectCreator interface {
	Create(ctx context.Context, app *argo.Application, object *unstructured.Unstructured, dryRun bool) error
}

// CacheInvalidator is a Fleet that can read a cluster anew.
type CacheInvalidator interface {
	InvalidateCache(cluster settings.Cluster) error
}

// TreeWatcher is a Fleet that tells when an application's tree may have changed, until ctx ends.
type TreeWatcher interface {
	TreeChanges(ctx context.Context, app *argo.Application) <-chan struct{}
}

// ObjectDeleter is a Fleet that can delete a live object. Propagation is foreground, force or orphan.
type ObjectDeleter interface {
	Delete(ctx context.Context, app *argo.Application, ref protocol.ResourceRef, propagation string) error
}

// EventLister is a Fleet that can list the events of a live object.
type EventLister interface {
	Events(ctx context.Context, app *argo.Application, ref protocol.ResourceRef) ([]corev1.Event, error)
}

// Sources reaches repositories.
type Sources interface {
	// Resolve turns a branch, tag or range into a commit, with the project's credentials; empty means the source's own revision.
	Resolve(ctx context.Context, project string, source argo.ApplicationSource, revision string) (string, error)
	Metadata(ctx context.Context, project string, source argo.ApplicationSource, commit string) (*protocol.RevisionMetadata, error)
	// Test tells whether a repository answers; nil means that it does.
	Test(ctx context.Context, repository settings.Repository) error
}

// ArtifactDescriber is a Sources that knows charts of repositories and OCI artifacts.
type ArtifactDescriber interface {
	ChartDetails(ctx context.Context, project string, source argo.ApplicationSource, version string) (*protocol.ChartDetails, error)
	OCIMetadata(ctx context.Context, project string, source argo.ApplicationSource, revision string) (*protocol.OCIMetadata, error)
}

// Manifests renders sources, and compares them with what runs.
type Manifests interface {
	// Render renders the sources at these revisions, one a source; nil means the spec's own.
	Render(ctx context.Context, app *argo.Application, revisions []string) (*protocol.ManifestResponse, error)
	Compare(ctx context.Context, app *argo.Application) ([]*protocol.ResourceDiff, error)
}

// FileRenderer is a Manifests that can render files that somebody sent (a tar archive, gzipped or not, of that SHA-256) in the
// place of the application's first source.
type FileRenderer interface {
	RenderFiles(ctx context.Context, app *argo.Application, files io.Reader, digest string) (*protocol.ManifestResponse, error)
}

// DryRunner is a Manifests that can ask a cluster's API server what a sync of manifests would make of the live objects. An
// answer is for the manifest at its place: states as Compare's.
type DryRunner interface {
	DryRun(ctx context.Context, app *argo.Application, manifests []*unstructured.Unstructured) ([]*protocol.ResourceDiff, error)
}

// Sets runs the generators of application sets.
type Sets interface {
	// Applications are what a set would make; nothing is made.
	Applications(ctx context.Context, set *argo.ApplicationSet) ([]argo.Application, error)
}

// Builds starts builds by hand.
type Builds interface {
	// Start makes a Build of the rule for a ref, which the rule's pattern must match.
	Start(ctx context.Context, rule *fairlead.BuildRule, ref, user string) (*fairlead.Build, error)
}

// BuildLogs keeps the logs of builds; internal/build/buildlog does.
type BuildLogs interface {
	// Follow writes a build's log, and with follow goes on until the build ends.
	Follow(ctx context.Context, build *fairlead.Build, follow bool, w io.Writer) error
}
