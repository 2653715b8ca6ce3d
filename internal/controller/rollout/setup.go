package rollout

import (
	"context"
	"fmt"
	"log/slog"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout/workload"
)

// Options configure the controller.
type Options struct {
	// Concurrency is how many Rollouts are worked on at a time.
	Concurrency int
	// InstanceID restricts the controller to Rollouts with this value of the label
	// argo-rollouts.argoproj.io/controller-instance-id; empty means those without the label.
	InstanceID string
	// Clock tells the time.
	Clock clock.PassiveClock
	// Log is where actions are written to.
	Log *slog.Logger
}

// Default is what serves a cluster of some hundred Rollouts: a turn takes milliseconds, so ten at a time keep up.
func Default() Options {
	return Options{Concurrency: 10, Clock: clock.RealClock{}, Log: slog.Default()}
}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Concurrency < 1:
		return fmt.Errorf("rollout controller: concurrency is %d, it must be at least 1", o.Concurrency)
	case o.Clock == nil, o.Log == nil:
		return fmt.Errorf("rollout controller: clock and log must be set")
	}
	return nil
}

// New makes a reconciler that works through the manager's client. The manager's scheme must know v1alpha1 and Kubernetes'
// own kinds.
func New(mgr ctrl.Manager, options Options) (*Reconciler, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	return &Reconciler{
		client:     mgr.GetClient(),
		workload:   &workload.Driver{Client: mgr.GetClient(), Live: mgr.GetAPIReader()},
		recorder:   mgr.GetEventRecorder("rollouts-controller"),
		clock:      options.Clock,
		log:        options.Log,
		instanceID: options.InstanceID,
	}, nil
}

// SetupWithManager lets the manager run a controller for Rollouts. Its service account needs, in the namespaces it serves:
// rollouts (get, list, watch, patch) and rollouts/status (patch); replicasets (get, list, watch, create, patch, delete);
// services (get, list, watch, patch); pods (list), pods/eviction (create); events (create, patch).
func SetupWithManager(mgr ctrl.Manager, options Options) error {
	r, err := New(mgr, options)
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(mgr).
		Named("rollout").
		For(&v1alpha1.Rollout{}).
		Owns(&appsv1.ReplicaSet{}).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(rolloutOfService)).
		WithOptions(controller.Options{MaxConcurrentReconciles: options.Concurrency}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up rollout controller: %w", err)
	}
	return nil
}

// rolloutOfService is the Rollout that switches a Service, so that it mends a selector that somebody else has changed.
func rolloutOfService(_ context.Context, service client.Object) []reconcile.Request {
	name := service.GetAnnotations()[v1alpha1.RolloutManagedByAnnotation]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: service.GetNamespace(), Name: name}}}
}
