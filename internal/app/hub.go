package app

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/controller"
	"fairlead.dev/fairlead/internal/login"
)

// hubKinds are the definitions that the hub serves.
var hubKinds = []string{"applications.argoproj.io", "applicationsets.argoproj.io", "appprojects.argoproj.io", "buildrules.fairlead.dev", "builds.fairlead.dev"}

// RunHub runs a hub until ctx ends: installs what it needs, then serves the API and runs the controllers.
func RunHub(ctx context.Context, options HubOptions) error {
	if err := options.Validate(); err != nil {
		return err
	}
	if err := installHub(ctx, options); err != nil {
		return err
	}
	mgr, err := newManager(ctx, options)
	if err != nil {
		return err
	}
	parts, err := newParts(mgr, options)
	if err != nil {
		return err
	}
	if err := controller.SetupHub(mgr, parts.controllers()); err != nil {
		return err
	}
	api, err := newAPI(mgr, parts)
	if err != nil {
		return err
	}
	if err := mgr.Add(everywhere{api}); err != nil {
		return fmt.Errorf("adding the API: %w", err)
	}
	if err := mgr.Add(everywhere{stayFrugal()}); err != nil {
		return fmt.Errorf("adding the care for memory: %w", err)
	}
	options.Logger.Info("hub starts", "address", options.Address, "namespace", options.Namespace, "version", options.Version)
	defer parts.closeTracer()
	return runUntil(ctx, mgr)
}

func installHub(ctx context.Context, options HubOptions) error {
	install, err := newInstaller(options.Cluster)
	if err != nil {
		return err
	}
	// The definitions come first: they wait for an API server that is just starting.
	if err := install.definitions(ctx, hubKinds...); err != nil {
		return err
	}
	if err := install.namespace(ctx, options.Namespace); err != nil {
		return err
	}
	if err := install.defaults(ctx, options.Namespace); err != nil {
		return err
	}
	return login.EnsureAdmin(ctx, install.client, options.Namespace)
}

// newManager makes the hub's manager. Its cache holds the hub's namespace only, but for the kinds that may live in others too,
// and no managed fields, which nothing in the hub reads of its own objects.
func newManager(ctx context.Context, options HubOptions) (ctrl.Manager, error) {
	scheme, err := newScheme(corev1.AddToScheme, argo.AddToScheme, fairlead.AddToScheme)
	if err != nil {
		return nil, fmt.Errorf("preparing the hub: %w", err)
	}
	elsewhere, err := cachedElsewhere(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("preparing the hub: %w", err)
	}
	mgr, err := ctrl.NewManager(unlimited(options.Cluster), ctrl.Options{
		Scheme: scheme, MapperProvider: newMapper,
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{options.Namespace: {}},
			ByObject:          elsewhere,
			DefaultTransform:  cache.TransformStripManagedFields(),
			NewInformer:       newInformer,
		},
		Metrics:                       metricsserver.Options{BindAddress: "0"}, // the API serves them
		PprofBindAddress:              options.Profile,
		LeaderElection:                options.LeaderElection,
		LeaderElectionID:              "fairlead-hub",
		LeaderElectionNamespace:       options.Namespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the hub: %w", err)
	}
	return mgr, nil
}

// anywhere are the kinds whose objects may live in other namespaces than the hub's, with their resources.
var anywhere = map[string]client.Object{"applications": &argo.Application{}, "applicationsets": &argo.ApplicationSet{}}

// cachedElsewhere has those kinds cached of all namespaces that the hub may see: which of them count, an operator may say
// later. A hub that may list them in its own namespace only goes on with that.
func cachedElsewhere(ctx context.Context, options HubOptions) (map[client.Object]cache.ByObject, error) {
	install, err := newInstaller(options.Cluster)
	if err != nil {
		return nil, err
	}
	kinds := map[client.Object]cache.ByObject{}
	for resource, kind := range anywhere {
		allowed, err := install.mayWatchAll(ctx, resource)
		if err != nil {
			return nil, err
		}
		if allowed {
			kinds[kind] = cache.ByObject{Namespaces: map[string]cache.Config{cache.AllNamespaces: {}}}
		}
	}
	return kinds, nil
}

// everywhere runs on each replica, not only on the leader.
type everywhere struct{ manager.RunnableFunc }

// NeedLeaderElection says no.
func (everywhere) NeedLeaderElection() bool { return false }
