package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"fairlead.dev/fairlead/internal/build/buildkit"
	"fairlead.dev/fairlead/internal/render/plugin"
	"fairlead.dev/fairlead/internal/trace"
)

// HubOptions configure a hub. Start from DefaultHub.
type HubOptions struct {
	// Cluster reaches the hub's own API server. Required.
	Cluster *rest.Config
	// Namespace holds what the hub serves; it is made if it isn't there.
	Namespace string
	// ApplicationNamespaces and ApplicationSetNamespaces are further ones (globs, or regular expressions between slashes) where
	// those count; empty leaves it to argocd-cmd-params-cm.
	ApplicationNamespaces, ApplicationSetNamespaces []string
	// Address is what the API listens on.
	Address string
	// Insecure serves the API without TLS. argocd-cmd-params-cm's server.insecure does too.
	Insecure bool
	// Metrics is where measures are registered, and what the API shows. One process has at most one hub to a registry.
	Metrics metrics.RegistererGatherer
	// Data holds caches: Git mirrors and logs of builds that run. It may be deleted whenever the hub is down.
	Data string
	// BuildKit is the builder's address, such as unix:///run/buildkit/buildkitd.sock; empty means that nothing is built.
	BuildKit string
	// BuildKitTLS is for a builder at a tcp address.
	BuildKitTLS buildkit.TLS
	// InsecureRegistries are registries (host:port) that are spoken to over plain HTTP; those on the loopback address
	// always are.
	InsecureRegistries []string
	// PollInterval is how often Git and registries are asked when no event came.
	PollInterval time.Duration
	// GitSubmodules has the files of Git submodules in applications' sources (Argo CD's ARGOCD_GIT_MODULES_ENABLED).
	GitSubmodules bool
	// Plugins is the folder of the sockets of config management plugins.
	Plugins string
	// PluginAskPass is the socket at which the git of plugins that may have them asks for credentials.
	PluginAskPass string
	// PluginExclude are patterns of files that plugins don't get.
	PluginExclude []string
	// LeaderElection lets several hubs run: all serve the API, one runs the controllers.
	LeaderElection bool
	// Traces are OpenTelemetry's of reconciles.
	Traces trace.Options
	// MetricsLabels are labels of applications that argocd_app_labels shows, MetricsConditions the types of conditions that
	// argocd_app_condition does.
	MetricsLabels, MetricsConditions []string
	// ClusterQPS and ClusterBurst limit the requests to each cluster; 0 is no limit.
	ClusterQPS   float32
	ClusterBurst int
	// Profile is the address of Go's profiles (/debug/pprof), which shows what a process does and holds; empty is none.
	Profile string
	// Version is what the hub says of itself.
	Version string
	Logger  *slog.Logger
}

// DefaultHub are the options of a hub on its own.
func DefaultHub() HubOptions {
	return HubOptions{
		Namespace: "argocd",
		Address:   "127.0.0.1:8080",
		Data:      filepath.Join(os.TempDir(), "fairlead-hub"),
		Metrics:   metrics.Registry,
		// Argo CD's timeout.reconciliation: what its users expect when a webhook is missing.
		PollInterval:  2 * time.Minute,
		GitSubmodules: true, // as in Argo CD
		Plugins:       plugin.Default().Sockets,
		PluginAskPass: plugin.Default().AskPass,
		Logger:        slog.Default(),
	}
}

// Validate tells what can't be.
func (o HubOptions) Validate() error {
	switch {
	case o.Cluster == nil:
		return errors.New("checking the hub's options: there is no cluster to keep its objects in")
	case o.Namespace == "" || o.Address == "" || o.Data == "":
		return errors.New("checking the hub's options: namespace, address and data folder are required")
	case o.PollInterval < time.Second:
		return errors.New("checking the hub's options: the poll interval must be at least a second")
	}
	return nil
}
