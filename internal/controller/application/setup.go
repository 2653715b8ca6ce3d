package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	kubeevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	projectlive "fairlead.dev/fairlead/internal/project/live"
	"fairlead.dev/fairlead/internal/render"
)

// Setup lets the manager run the controller. Its service account needs applications (get, list, watch, patch), appprojects,
// secrets and configmaps of the hub's namespace (get, list, watch), and events (create, patch).
func Setup(mgr ctrl.Manager, deps Dependencies, options Options) error {
	if deps.Recorder == nil {
		log := deps.Logger
		if log == nil {
			log = slog.Default()
		}
		paced := newPacedRecorder(mgr.GetEventRecorder("argocd-application-controller"), log)
		if err := mgr.Add(manager.RunnableFunc(paced.run)); err != nil {
			return fmt.Errorf("setting up the application controller: %w", err)
		}
		deps.Recorder = paced
	}
	r, err := New(mgr.GetClient(), deps, options)
	if err != nil {
		return err
	}
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &v1alpha1.Application{}, dependsOnIndex, dependsOnKeys); err != nil {
		return fmt.Errorf("setting up the application controller: indexing dependencies: %w", err)
	}
	c, err := controller.New("application", mgr, controller.Options{
		Reconciler:              r,
		MaxConcurrentReconciles: options.Concurrency,
	})
	if err != nil {
		return fmt.Errorf("setting up the application controller: %w", err)
	}
	for _, trigger := range []source.Source{
		source.Kind(mgr.GetCache(), &v1alpha1.Application{}, onEach(enqueue), r.news()),
		source.Kind(mgr.GetCache(), &v1alpha1.AppProject{}, onEach(r.onProject)),
		source.Kind(mgr.GetCache(), &corev1.Secret{}, onEach(r.onSecret), inNamespace[*corev1.Secret](options.Namespace)),
		source.Kind(mgr.GetCache(), &corev1.ConfigMap{}, onEach(r.onConfigMap), inNamespace[*corev1.ConfigMap](options.Namespace)),
		source.Func(r.start),
	} {
		if err := c.Watch(trigger); err != nil {
			return fmt.Errorf("setting up the application controller: %w", err)
		}
	}
	return nil
}

// New makes a reconciler, which Setup gives to a manager.
func New(c client.Client, deps Dependencies, options Options) (*Reconciler, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if deps.Settings == nil || deps.Clusters == nil || deps.Manifests == nil || deps.Changes == nil || deps.Bus == nil || deps.Recorder == nil {
		return nil, errors.New("setting up the application controller: settings, clusters, manifests, changes, bus and recorder are required")
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	metrics, err := newMeasures(deps.Metrics, served{c, deps.Settings.ApplicationNamespaces}, options)
	if err != nil {
		return nil, err
	}
	r := &Reconciler{
		client: c, settings: deps.Settings, clusters: deps.Clusters, manifests: deps.Manifests, changes: deps.Changes,
		projects: projectlive.Source{Reader: c, ConfigMaps: deps.Settings, Namespace: options.Namespace},
		bus:      deps.Bus, recorder: deps.Recorder, clock: deps.Clock, log: deps.Logger, metrics: metrics, options: options,
		making: deps.Making, configuredPolling: deps.Polling, signatures: deps.Signatures,
	}
	r.renders.Store(&render.Settings{})
	r.tracer = deps.Tracer
	r.manifests = observedManifests{r.manifests, metrics, r.tracer}
	r.hosts = bulkhead{few: max(1, options.Concurrency/4), most: options.Concurrency}
	r.fetches.running = map[string]bool{}
	return r, nil
}

// start begins to listen to everything that isn't an object of the hub.
func (r *Reconciler) start(ctx context.Context, q queue) error {
	r.queue.Store(&q)
	cancel := r.clusters.Subscribe(r.changed)
	context.AfterFunc(ctx, cancel)
	go r.listen(ctx)
	go r.poll(ctx)
	return nil
}

func enqueue(_ context.Context, app *v1alpha1.Application, q queue) {
	q.Add(ctrl.Request{NamespacedName: client.ObjectKeyFromObject(app)})
}

// news leaves out the updates that are only the echo of our own writes.
func (r *Reconciler) news() predicate.TypedPredicate[*v1alpha1.Application] {
	return predicate.TypedFuncs[*v1alpha1.Application]{
		UpdateFunc: func(e kubeevent.TypedUpdateEvent[*v1alpha1.Application]) bool {
			return !r.sessions.of(client.ObjectKeyFromObject(e.ObjectNew)).echoes(e.ObjectNew.ResourceVersion)
		},
	}
}

func inNamespace[T client.Object](namespace string) predicate.TypedPredicate[T] {
	return predicate.NewTypedPredicateFuncs(func(object T) bool { return object.GetNamespace() == namespace })
}
