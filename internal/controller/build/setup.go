package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	genericevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/build/buildlog"
	"fairlead.dev/fairlead/internal/event"
)

// Sources are the repositories that rules are about; internal/build/source.Git is the real one.
type Sources interface {
	// Refs are all refs of a repository, full name → commit, as they are now.
	Refs(ctx context.Context, url string) (map[string]string, error)
	// Commit tells when a commit was made.
	Commit(ctx context.Context, url, sha string) (build.Commit, error)
	// Tree are the files of a commit.
	Tree(ctx context.Context, url, sha string) (fs.FS, error)
}

// Builder makes and pushes images; internal/build/buildkit.Client is the real one. The error is build.Err…Unavailable where
// trying again may help; if ctx ends, it is the cause of that.
type Builder interface {
	Build(ctx context.Context, request build.Request) (build.Result, error)
}

// Deps is what the controllers work with. All fields but those that say otherwise are required.
type Deps struct {
	Sources Sources
	Builder Builder
	Logs    *buildlog.Store
	// Bus brings pushes, and takes the news of images.
	Bus *event.Bus
	// Metrics receives the counters; nil means none.
	Metrics prometheus.Registerer
	// Logger receives what isn't of a single build; nil means slog.Default().
	Logger *slog.Logger
	// Clock is the time; nil means the real one.
	Clock clock.PassiveClock
	// Options are how the controllers work; the zero value means DefaultOptions().
	Options Options
}

// Options are how the controllers work. Start from [DefaultOptions].
type Options struct {
	// Namespace is the hub's, where rules and builds are; empty means all that the manager sees.
	Namespace string
	// Parallel bounds the builds that run at once.
	Parallel int
	// PollInterval is how often a repository is asked for its refs when nobody told of a push.
	PollInterval time.Duration
	// RetryFor is how long a build that can't reach its builder, registry or Git host is tried again.
	RetryFor time.Duration
}

// DefaultOptions suit a hub with one builder.
func DefaultOptions() Options {
	return Options{
		Parallel:     2,               // BuildKit runs the steps of one build in parallel too
		PollInterval: 3 * time.Minute, // Argo CD's, so that nobody is surprised who has no webhook
		RetryFor:     time.Hour,       // longer than a restart, an upgrade or a short outage takes
	}
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	if o.Parallel <= 0 || o.PollInterval <= 0 || o.RetryFor <= 0 {
		return errors.New("checking the options of the build controller: all must be positive: start from DefaultOptions")
	}
	return nil
}

// complete fills in what may be left out.
func (d Deps) complete() (Deps, error) {
	if d.Options == (Options{}) {
		d.Options = DefaultOptions()
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Clock == nil {
		d.Clock = clock.RealClock{}
	}
	if d.Sources == nil || d.Builder == nil || d.Logs == nil || d.Bus == nil {
		return d, errors.New("setting up the build controller: sources, builder, logs and bus are required")
	}
	return d, d.Options.Validate()
}

// ruleIndex finds the Builds of a rule.
const ruleIndex = "spec.rule"

func indexRule(object client.Object) []string {
	return []string{object.(*v1alpha1.Build).Spec.Rule}
}

// workers look at repositories at the same time. They mostly wait for Git hosts, and one that hangs blocks one of them.
const workers = 16

// Setup adds the reconcilers of BuildRules and Builds to a manager.
func Setup(mgr ctrl.Manager, deps Deps) error {
	deps, err := deps.complete()
	if err != nil {
		return err
	}
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &v1alpha1.Build{}, ruleIndex, indexRule); err != nil {
		return fmt.Errorf("indexing builds by rule: %w", err)
	}

	rules := newRuleReconciler(mgr.GetClient(), deps)
	pushed := make(chan genericevent.GenericEvent)
	err = ctrl.NewControllerManagedBy(mgr).Named("buildrule").
		For(&v1alpha1.BuildRule{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Channel(pushed, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(rules)
	if err != nil {
		return fmt.Errorf("setting up the controller of build rules: %w", err)
	}
	listener := &pushListener{client: mgr.GetClient(), deps: deps, heard: rules.heard, tell: pushed}
	if err := mgr.Add(manager.RunnableFunc(listener.run)); err != nil {
		return fmt.Errorf("setting up the listener for pushes: %w", err)
	}

	builds, err := newBuildReconciler(mgr.GetClient(), deps)
	if err != nil {
		return err
	}
	if err := mgr.Add(manager.RunnableFunc(builds.jobs.run)); err != nil {
		return fmt.Errorf("setting up the jobs of builds: %w", err)
	}
	// One worker: a reconcile only reads the cache and writes a status, and whose turn it is stays simple.
	err = ctrl.NewControllerManagedBy(mgr).Named("build").
		For(&v1alpha1.Build{}).
		WatchesRawSource(source.Channel(builds.jobs.wake, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		Complete(builds)
	if err != nil {
		return fmt.Errorf("setting up the controller of builds: %w", err)
	}
	return nil
}
