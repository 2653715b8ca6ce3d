package applicationset

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/settings"
)

// Generators find parameters: generator.All.
type Generators interface {
	Everything(ctx context.Context, set *v1alpha1.ApplicationSet) ([]appset.Found, error)
	RequeueAfter(set *v1alpha1.ApplicationSet) time.Duration
}

// Settings are the hub's: live.Source.
type Settings interface {
	ConfigMap(ctx context.Context, name string) (map[string]string, error)
	Cluster(ctx context.Context, serverOrName string) (settings.Cluster, error)
	// ApplicationSetNamespaces are those whose sets count.
	ApplicationSetNamespaces(ctx context.Context) settings.Namespaces
}

// Dependencies are what the controller works with.
type Dependencies struct {
	Generators Generators
	Settings   Settings
	Bus        *event.Bus
	// Pushed tells the generators of a push before the sets are looked at; nil for none.
	Pushed func(event.Push)
	// Listed tells them in the same way of what a host lists; nil for none.
	Listed func(event.Listing)
	// Making is told of sets that make many applications; nil for nobody.
	Making *Making
	// Recorder, Clock and Logger may be nil.
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	Logger   *slog.Logger
}

// Options tune the controller.
type Options struct {
	// Namespace is the hub's.
	Namespace string
	// Concurrency is how many sets are reconciled at once, Writes how many applications of one set are written at once. More than
	// that to make are many: those that are made wait for the others before they are looked at.
	Concurrency, Writes int
	// Retry is when to look again at what failed for a reason that no event tells of.
	Retry time.Duration
	// Patience bounds the generators of one reconcile, which may ask slow hosts.
	Patience time.Duration
	// Grace is how long applications may take to see a new commit before a rolling change asks them to look.
	Grace time.Duration
}

// Default are the options for production.
func Default() Options {
	return Options{
		Namespace: "argocd", Concurrency: 10, Writes: 48,
		Retry:    3 * time.Minute, // upstream's
		Patience: 5 * time.Minute,
	}
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Namespace == "":
		return errors.New("the hub's namespace is missing")
	case o.Concurrency < 1 || o.Writes < 1:
		return errors.New("at least one application set and one application must be looked after at a time")
	case o.Retry <= 0 || o.Patience <= 0 || o.Grace < 0:
		return errors.New("the wait after mistakes and the patience with generators must be positive")
	}
	return nil
}
