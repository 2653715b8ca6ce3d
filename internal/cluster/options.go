package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// Options bound and tune the connections to clusters.
type Options struct {
	// RequestTimeout bounds each request but watches.
	RequestTimeout time.Duration
	// Patience is how long Get and Watch wait for a cluster before they answer that it isn't ready yet; whoever asked is
	// told by a Change when it is.
	Patience time.Duration
	// RetryMin and RetryMax space the attempts to reach a cluster again; they double in between, with jitter.
	RetryMin, RetryMax time.Duration
	// Grace is for how long watches may fail before the cluster counts as unreachable: a restart of its API server should
	// not alarm every application.
	Grace time.Duration
	// RefusedRetry is how soon a kind is tried again that the account may not watch.
	RefusedRetry time.Duration
	// Idle is for how long a kind that nobody needs is still watched.
	Idle time.Duration
	// Rediscover is how often a cluster is asked for its kinds, besides at each change of a definition.
	Rediscover time.Duration
	// QPS and Burst limit the requests to each cluster; 0 is no limit: API servers have their own.
	QPS   float32
	Burst int
	// Excluded tells which kinds are left alone in a cluster (argocd-cm's resource.exclusions and resource.inclusions); nil
	// excludes none. It is asked again and again, and may change its mind.
	Excluded func(server string, kind schema.GroupKind) bool
	// RespectRBAC is argocd-cm's resource.respectRBAC: with "normal", a kind that the account may not list counts as not
	// there; with "strict", the cluster must confirm that the account lacks the permission. Nil or empty: such a kind is an
	// error of the applications that have it.
	RespectRBAC func() string
	// Objects is what the cache makes of objects; nil is the zero Objects. It is asked for whenever a connection is, and may
	// change its mind: then everything is read anew.
	Objects func() Objects
	// Quiet tells that a change of an object, which does as well as before, need not be told; nil means that each is.
	Quiet func(before, after *unstructured.Unstructured) bool
	// Logger is nil for the default one.
	Logger *slog.Logger
}

// Default are the options for production.
func Default() Options {
	return Options{
		RequestTimeout: 30 * time.Second,
		Patience:       2 * time.Second,
		RetryMin:       time.Second,
		RetryMax:       15 * time.Second,
		Grace:          10 * time.Second,
		RefusedRetry:   time.Minute,
		Idle:           10 * time.Minute,
		Rediscover:     10 * time.Minute,
	}
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	for name, d := range map[string]time.Duration{
		"request timeout": o.RequestTimeout, "patience": o.Patience, "shortest retry": o.RetryMin, "longest retry": o.RetryMax, "grace": o.Grace,
		"retry of refused kinds": o.RefusedRetry, "idle time": o.Idle, "time between discoveries": o.Rediscover,
	} {
		if d <= 0 {
			return fmt.Errorf("the clusters' %s must be positive", name)
		}
	}
	if o.RetryMax < o.RetryMin {
		return errors.New("the clusters' longest retry must not be shorter than the shortest")
	}
	return nil
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.Default()
	}
	return o.Logger
}

// Objects is what an operator says of objects, as far as the cache depends on it.
type Objects struct {
	// Tracking is how objects tell their application.
	Tracking object.Tracking
	// Health tells an object's health; nil is health.Of.
	Health func(*unstructured.Unstructured) *health.Status
	// Selector is the label selector of the objects of a kind that are watched in a cluster; nil and empty select all.
	Selector func(kind schema.GroupKind, server string) string
	// Version tells one Health and Selector from another.
	Version string
	// Labels are those that the resource tree shows.
	Labels []string
}

func (o Options) objects() Objects {
	var objects Objects
	if o.Objects != nil {
		objects = o.Objects()
	}
	if objects.Health == nil {
		objects.Health = health.Of
	}
	return objects
}

// same tells whether the cache needn't be read anew.
func (o Objects) same(other Objects) bool {
	return o.Tracking == other.Tracking && o.Version == other.Version && slices.Equal(o.Labels, other.Labels)
}
