package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
)

// logging are the flags of a process that logs.
type logging struct {
	level  slog.Level
	format string
}

func (l *logging) flags(cmd *cobra.Command) {
	cmd.Flags().TextVar(&l.level, "log-level", slog.LevelInfo, "debug, info, warn or error")
	cmd.Flags().StringVar(&l.format, "log-format", "json", "json or text")
}

// logger makes the process's logger and hands it to the libraries too.
func (l *logging) logger() (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: l.level}
	var handler slog.Handler
	switch l.format {
	case "json":
		handler = slog.NewJSONHandler(os.Stderr, options)
	case "text":
		handler = slog.NewTextHandler(os.Stderr, options)
	default:
		return nil, fmt.Errorf("unknown log format %q: use json or text", l.format)
	}
	logger := slog.New(handler)
	slog.SetDefault(logger)
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	return logger, nil
}

// clusterConfig reaches the cluster of a kubeconfig, or with none the one that the process runs in.
func clusterConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if errors.Is(err, rest.ErrNotInCluster) {
			return nil, errors.New("which cluster? Give --kubeconfig, or run inside one")
		}
		return config, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", kubeconfig, err)
	}
	return config, nil
}

// NewHubCommand is `fairlead hub`.
func NewHubCommand(version string) *cobra.Command {
	options := DefaultHub()
	options.Version = version
	var kubeconfig string
	var log logging
	cmd := &cobra.Command{
		Use:   "hub",
		Short: "Run a hub: the API, and the controllers for builds, image updates and applications",
		Long: `Run a hub on a Kubernetes cluster, which keeps its objects in the namespace argocd. It installs its own custom resource
definitions and, the first time, the password of admin (Secret argocd-initial-admin-secret).`,
		Example: "  fairlead hub --kubeconfig hub.kubeconfig --address 0.0.0.0:8080 --buildkit unix:///run/buildkit/buildkitd.sock",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if options.Logger, err = log.logger(); err != nil {
				return err
			}
			if options.Cluster, err = clusterConfig(kubeconfig); err != nil {
				return err
			}
			return RunHub(cmd.Context(), options)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", "", "the hub's cluster; default: the one that this runs in")
	flags.StringVar(&options.Namespace, "namespace", options.Namespace, "namespace of the hub's objects")
	flags.StringSliceVar(&options.ApplicationNamespaces, "application-namespaces", nil, "further namespaces with Applications, as globs or /regular expressions/; default: argocd-cmd-params-cm's application.namespaces")
	flags.StringSliceVar(&options.ApplicationSetNamespaces, "applicationset-namespaces", nil, "further namespaces with ApplicationSets; default: argocd-cmd-params-cm's applicationsetcontroller.namespaces")
	flags.StringVar(&options.Address, "address", options.Address, "what the API listens on")
	flags.BoolVar(&options.Insecure, "insecure", false, "serve the API without TLS; default: argocd-cmd-params-cm's server.insecure")
	flags.StringVar(&options.Data, "data", "/var/cache/fairlead", "folder for caches")
	flags.StringVar(&options.BuildKit, "buildkit", "", "the builder's address; without it nothing is built")
	flags.StringVar(&options.BuildKitTLS.CA, "buildkit-ca", "", "certificate authority of a builder at a tcp address")
	flags.StringVar(&options.BuildKitTLS.Certificate, "buildkit-cert", "", "client certificate for the builder")
	flags.StringVar(&options.BuildKitTLS.Key, "buildkit-key", "", "key of the client certificate for the builder")
	flags.StringSliceVar(&options.InsecureRegistries, "insecure-registry", nil, "registry (host:port) that speaks plain HTTP; may be repeated")
	flags.DurationVar(&options.PollInterval, "poll-interval", options.PollInterval, "how often Git and registries are asked when no event came")
	flags.BoolVar(&options.GitSubmodules, "git-submodules", options.GitSubmodules, "follow Git submodules in applications' sources")
	flags.StringVar(&options.Plugins, "plugins", options.Plugins, "folder of the sockets of config management plugins")
	flags.StringSliceVar(&options.PluginExclude, "plugin-exclude", nil, "pattern of files that plugins don't get, such as .git/*; may be repeated")
	flags.StringVar(&options.PluginAskPass, "plugin-ask-pass", options.PluginAskPass, "socket, shared with the sidecars of plugins that have provideGitCreds, at which their git asks for credentials (Argo CD's ARGOCD_ASK_PASS_SOCK)")
	flags.BoolVar(&options.LeaderElection, "leader-elect", false, "several hubs run: one leads, all serve the API")
	observability(flags, &options)
	flags.StringVar(&options.Profile, "profile", "", "address for Go's profiles (/debug/pprof), such as 127.0.0.1:6060; whoever reaches it sees into the hub")
	log.flags(cmd)
	return cmd
}

// observability are flags with upstream's names.
func observability(flags *pflag.FlagSet, options *HubOptions) {
	flags.StringVar(&options.Traces.Address, "otlp-address", "", "OpenTelemetry collector (host:port, OTLP over gRPC) to send traces to")
	flags.BoolVar(&options.Traces.Insecure, "otlp-insecure", true, "speak plaintext to the OpenTelemetry collector")
	flags.StringToStringVar(&options.Traces.Headers, "otlp-headers", nil, "headers (key=value) for the OpenTelemetry collector")
	flags.StringSliceVar(&options.Traces.Attributes, "otlp-attrs", nil, "attributes (key:value) of this hub in its traces")
	flags.StringSliceVar(&options.MetricsLabels, "metrics-application-labels", nil, "labels of applications that argocd_app_labels shows")
	flags.StringSliceVar(&options.MetricsConditions, "metrics-application-conditions", nil, "types of conditions that argocd_app_condition shows")
	flags.Float32Var(&options.ClusterQPS, "cluster-qps", 0, "requests a second to each cluster; 0 is no limit")
	flags.IntVar(&options.ClusterBurst, "cluster-burst", 0, "requests at once to each cluster, where there is a limit a second")
}

// NewAgentCommand is `fairlead agent`.
func NewAgentCommand() *cobra.Command {
	options := DefaultAgent()
	var kubeconfig string
	var log logging
	cmd := &cobra.Command{
		Use:     "agent",
		Short:   "Run the agent of a member cluster: it leads the canaries, whether or not the hub is there",
		Example: "  fairlead agent --kubeconfig production.kubeconfig",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if options.Logger, err = log.logger(); err != nil {
				return err
			}
			if options.Cluster, err = clusterConfig(kubeconfig); err != nil {
				return err
			}
			return RunAgent(cmd.Context(), options)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", "", "the member cluster; default: the one that this runs in")
	flags.StringVar(&options.Metrics, "metrics", options.Metrics, "address for Prometheus, such as :8090; 0 for none")
	flags.StringVar(&options.InstanceID, "instance-id", "", "only Rollouts with this controller instance id")
	flags.BoolVar(&options.LeaderElection, "leader-elect", false, "several agents run: one leads")
	log.flags(cmd)
	return cmd
}
