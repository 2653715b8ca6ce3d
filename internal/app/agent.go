package app

import (
	"context"
	"fmt"
	"log/slog"

	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/controller"
	"fairlead.dev/fairlead/internal/controller/rollout"
)

// AgentOptions configure an agent. Start from DefaultAgent.
type AgentOptions struct {
	// Cluster reaches the member cluster.
	Cluster *rest.Config
	// Metrics is the address for Prometheus; "0" means none.
	Metrics string
	// InstanceID restricts the agent to Rollouts with that controller instance id; empty means those without one.
	InstanceID string
	// LeaderElection lets several agents run, one of which leads.
	LeaderElection bool
	Logger         *slog.Logger
}

// DefaultAgent are the options of an agent that serves a whole cluster.
func DefaultAgent() AgentOptions { return AgentOptions{Metrics: "0", Logger: slog.Default()} }

// RunAgent runs an agent until ctx ends.
func RunAgent(ctx context.Context, options AgentOptions) error {
	install, err := newInstaller(options.Cluster)
	if err != nil {
		return err
	}
	if err := install.definitions(ctx, "rollouts.argoproj.io"); err != nil {
		return err
	}
	scheme, err := newScheme(clientgoscheme.AddToScheme, v1alpha1.AddToScheme)
	if err != nil {
		return fmt.Errorf("preparing the agent: %w", err)
	}
	manager, err := ctrl.NewManager(unlimited(options.Cluster), ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       server.Options{BindAddress: options.Metrics},
		LeaderElection:                options.LeaderElection,
		LeaderElectionID:              "fairlead-agent",
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("preparing the agent: %w", err)
	}
	rollouts := rollout.Default()
	rollouts.InstanceID, rollouts.Log = options.InstanceID, options.Logger
	if err := controller.SetupAgent(manager, rollouts); err != nil {
		return err
	}
	options.Logger.Info("agent starts", "cluster", options.Cluster.Host)
	return runUntil(ctx, manager)
}

// unlimited leaves the rate of requests to the API server's own priority and fairness.
func unlimited(config *rest.Config) *rest.Config {
	copied := rest.CopyConfig(config)
	copied.QPS = -1
	return copied
}
