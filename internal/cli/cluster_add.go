package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// inClusterServer is the address of the cluster that the hub runs in.
const inClusterServer = "https://kubernetes.default.svc"

// newCluster are the flags that describe a cluster.
type newCluster struct {
	cluster                                    protocol.Cluster
	aws                                        protocol.AWSAuthConfig
	exec                                       protocol.ExecProviderConfig
	labels, annotations                        []string
	inCluster, compression, yes, upsert        bool
	endpoint, proxy, serverProxy               string
	serverProxyGiven                           bool
	account, systemNamespace, token, givenName string
	shard                                      int64
	kube                                       kubeFlags
}

func (n *newCluster) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&n.inCluster, "in-cluster", false, "the hub runs in this cluster: it uses the address inside")
	flags.StringVar(&n.endpoint, "cluster-endpoint", "", "address to use: kubeconfig (default), kube-public, or internal")
	flags.StringVar(&n.aws.ClusterName, "aws-cluster-name", "", "log in by AWS IAM, to the cluster of this name")
	flags.StringVar(&n.aws.RoleARN, "aws-role-arn", "", "role that is taken on AWS")
	flags.StringVar(&n.aws.Profile, "aws-profile", "", "profile that is used on AWS")
	flags.StringArrayVar(&n.cluster.Namespaces, "namespace", nil, "only this namespace is managed; may be repeated")
	flags.BoolVar(&n.cluster.ClusterResources, "cluster-resources", false, "with --namespace: manage objects without a namespace too")
	flags.StringVar(&n.givenName, "name", "", "name; default: the context")
	flags.StringVar(&n.cluster.Project, "project", "", "project that the cluster belongs to")
	flags.Int64Var(&n.shard, "shard", -1, "shard; kept for Argo CD, without effect here")
	flags.StringVar(&n.exec.Command, "exec-command", "", "command that gives the hub credentials")
	flags.StringArrayVar(&n.exec.Args, "exec-command-args", nil, "argument of that command; may be repeated")
	flags.StringToStringVar(&n.exec.Env, "exec-command-env", nil, "variables of that command")
	flags.StringVar(&n.exec.APIVersion, "exec-command-api-version", "", "version of ExecCredential that the command gives")
	flags.StringVar(&n.exec.InstallHint, "exec-command-install-hint", "", "what to tell where the command is missing")
	flags.BoolVar(&n.compression, "disable-compression", false, "don't ask the API server for compressed answers")
	flags.StringVar(&n.proxy, "proxy-url", "", "proxy to reach the cluster by")
	flags.StringVar(&n.serverProxy, "server-proxy-url", "", "proxy by which the hub reaches the cluster, if it is another one; empty for none")
	flags.StringArrayVar(&n.labels, "label", nil, "KEY=VALUE label; may be repeated")
	flags.StringArrayVar(&n.annotations, "annotation", nil, "KEY=VALUE annotation; may be repeated")
	n.kube.flag(cmd)
}

func newClusterAddCommand(r *root) *cobra.Command {
	n := &newCluster{}
	cmd := &cobra.Command{
		Use: "add CONTEXT", Short: "Add the cluster of a kubeconfig's context", Args: cobra.MaximumNArgs(1),
		Long: `Add the cluster of a kubeconfig's context. An account argocd-manager is made in the cluster, with every right in it or in
the namespaces that are given, unless another way to log in is.`,
		Example: "  fairlead cluster add production\n  fairlead cluster add production --namespace shop --yes",
	}
	n.flags(cmd)
	cmd.Flags().BoolVar(&n.upsert, "upsert", false, "replace it if it exists and differs")
	cmd.Flags().StringVar(&n.account, "service-account", "", "account that is there already, instead of argocd-manager")
	cmd.Flags().StringVar(&n.systemNamespace, "system-namespace", managerNamespace, "namespace of the account")
	cmd.Flags().BoolVarP(&n.yes, "yes", "y", false, "don't ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			r.note("Choose a context name from:")
			return errors.Join(r.printKubeContexts(&n.kube), &ExitCodeError{ExitUsage})
		}
		if n.inCluster && n.endpoint != "" {
			//lint:ignore ST1005 argocd's text
			return &UsageError{errors.New("Can only use one of --in-cluster or --cluster-endpoint")}
		}
		n.serverProxyGiven = cmd.Flags().Changed("server-proxy-url")
		return r.run(func(ctx context.Context, c *client.Client, args []string) error {
			return r.addCluster(ctx, c, n, args[0])
		})(cmd, args)
	}
	return cmd
}

func (r *root) addCluster(ctx context.Context, c *client.Client, n *newCluster, name string) error {
	config, err := n.kube.config(name)
	if err != nil {
		return err
	}
	if n.proxy != "" {
		proxy, err := url.Parse(n.proxy)
		if err != nil {
			return fmt.Errorf("reading --proxy-url: %w", err)
		}
		config.Proxy = http.ProxyURL(proxy)
	}
	k, err := kubeClient(config)
	if err != nil {
		return fmt.Errorf("reaching the cluster of context %s: %w", name, err)
	}
	if n.aws.ClusterName == "" && n.exec.Command == "" {
		if n.token, err = r.managerToken(ctx, k, n, name); err != nil {
			return err
		}
	}
	cluster, err := n.describe(config, name)
	if err != nil {
		return err
	}
	if n.endpoint == "kube-public" {
		if err := publicEndpoint(ctx, k, cluster); err != nil {
			r.note("Failed to find the cluster endpoint from kube-public data: %v; using '%s' of the kubeconfig", err, cluster.Server)
		}
	}
	if _, err := client.Call(ctx, c, protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: cluster, Upsert: n.upsert}); err != nil {
		return err
	}
	r.printf("Cluster '%s' added\n", cluster.Server)
	return nil
}

// managerToken is a token of the account that is given, or of one that is made.
func (r *root) managerToken(ctx context.Context, k kubeclient.Client, n *newCluster, name string) (string, error) {
	if n.account != "" {
		return r.serviceAccountToken(ctx, k, n.systemNamespace, n.account)
	}
	level := "cluster"
	if len(n.cluster.Namespaces) > 0 {
		level = "namespace"
	}
	if r.streams.Terminal() && !n.yes && !r.proceed(fmt.Sprintf(
		"WARNING: This will create a service account `argocd-manager` on the cluster referenced by context `%s` with full %s level privileges. Do you want to continue [y/N]? ",
		name, level)) {
		return "", &ExitCodeError{ExitUsage}
	}
	return r.installManager(ctx, k, n.systemNamespace, n.cluster.Namespaces)
}

// describe is the cluster that the hub is told of.
func (n *newCluster) describe(config *rest.Config, name string) (*protocol.Cluster, error) {
	if err := rest.LoadTLSFiles(config); err != nil {
		return nil, fmt.Errorf("reading the kubeconfig's certificates: %w", err)
	}
	cluster := n.cluster
	cluster.Name, cluster.Server = firstOf(n.givenName, name), config.Host
	cluster.Config = protocol.ClusterConfig{
		TLSClientConfig: protocol.TLSClientConfig{
			Insecure: config.Insecure, ServerName: config.ServerName, CAData: config.CAData, CertData: config.CertData, KeyData: config.KeyData,
		},
		DisableCompression: config.DisableCompression || n.compression,
		ProxyURL:           n.proxy,
	}
	if len(config.CertData) == 0 || len(config.KeyData) == 0 {
		cluster.Config.BearerToken = n.token
	}
	if n.proxy == "" && config.Proxy != nil {
		if proxy, err := config.Proxy(nil); err == nil && proxy != nil {
			cluster.Config.ProxyURL = proxy.String()
		}
	}
	if n.serverProxyGiven {
		cluster.Config.ProxyURL = n.serverProxy
	}
	if cluster.Config.ProxyURL != "" {
		u, err := url.Parse(cluster.Config.ProxyURL)
		if err != nil || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
			return nil, fmt.Errorf("failed to parse proxy url, unsupported scheme %q, must be http, https, or socks5", strings.Split(cluster.Config.ProxyURL, ":")[0])
		}
	}
	if n.aws.ClusterName != "" {
		cluster.Config.AWSAuthConfig = &n.aws
	}
	if n.exec.Command != "" {
		cluster.Config.ExecProviderConfig = &n.exec
	}
	if n.shard >= 0 {
		cluster.Shard = &n.shard
	}
	if n.inCluster || n.endpoint == "internal" {
		cluster.Server = inClusterServer
	}
	var err error
	if cluster.Labels, err = appspec.Pairs(n.labels); err != nil {
		return nil, err
	}
	cluster.Annotations, err = appspec.Pairs(n.annotations)
	return &cluster, err
}

// publicEndpoint takes the address that a cluster publishes of itself.
func publicEndpoint(ctx context.Context, k kubeclient.Client, cluster *protocol.Cluster) error {
	info := &corev1.ConfigMap{}
	if err := k.Get(ctx, kubeclient.ObjectKey{Namespace: "kube-public", Name: "cluster-info"}, info); err != nil {
		return err
	}
	kubeconfig, err := clientcmd.Load([]byte(info.Data["kubeconfig"]))
	if err != nil {
		return err
	}
	for _, public := range kubeconfig.Clusters {
		cluster.Server, cluster.Config.TLSClientConfig.CAData = public.Server, public.CertificateAuthorityData
		return nil
	}
	return os.ErrNotExist
}
