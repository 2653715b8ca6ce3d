package applicationset

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// kept is the queue, once there is one.
type kept = atomic.Pointer[queue]

// Setup lets the manager run the controller. Its service account needs applicationsets (get, list, watch, patch; their status
// too), applications (get, list, watch, create, patch, delete), appprojects, secrets and configmaps (get, list, watch), and
// events (create, patch).
func Setup(mgr ctrl.Manager, deps Dependencies, options Options) error {
	if deps.Recorder == nil {
		deps.Recorder = mgr.GetEventRecorder("applicationset-controller")
	}
	r, err := New(mgr.GetClient(), deps, options)
	if err != nil {
		return err
	}
	c, err := controller.New("applicationset", mgr, controller.Options{Reconciler: r, MaxConcurrentReconciles: options.Concurrency})
	if err != nil {
		return fmt.Errorf("setting up the application set controller: %w", err)
	}
	for _, trigger := range []source.Source{
		source.Kind(mgr.GetCache(), &v1alpha1.ApplicationSet{}, &handler.TypedEnqueueRequestForObject[*v1alpha1.ApplicationSet]{}, ofSets()),
		source.Kind(mgr.GetCache(), &v1alpha1.Application{}, handler.TypedEnqueueRequestsFromMapFunc(onApplication), r.ofApplications()),
		source.Kind(mgr.GetCache(), &corev1.Secret{}, handler.TypedEnqueueRequestsFromMapFunc(r.onSecret), ofClusters(options.Namespace)),
		source.Kind(mgr.GetCache(), &corev1.ConfigMap{}, handler.TypedEnqueueRequestsFromMapFunc(r.onParams), ofParams(options.Namespace)),
		source.Kind(mgr.GetCache(), &v1alpha1.AppProject{}, handler.TypedEnqueueRequestsFromMapFunc(r.onProject), created[*v1alpha1.AppProject]()),
		source.Func(func(ctx context.Context, q queue) error {
			r.queue.Store(&q)
			go r.listen(ctx, deps)
			return nil
		}),
	} {
		if err := c.Watch(trigger); err != nil {
			return fmt.Errorf("setting up the application set controller: %w", err)
		}
	}
	return nil
}

// New makes a reconciler, which Setup gives to a manager.
func New(c client.Client, deps Dependencies, options Options) (*Reconciler, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if deps.Generators == nil || deps.Settings == nil || deps.Bus == nil || deps.Recorder == nil {
		return nil, errors.New("setting up the application set controller: generators, settings, bus and recorder are required")
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	return &Reconciler{
		client: c, generators: deps.Generators, settings: deps.Settings, recorder: deps.Recorder, clock: deps.Clock, log: deps.Logger,
		options: options, making: deps.Making,
	}, nil
}
