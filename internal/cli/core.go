package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/internal/client"
)

// Core serves the hub's API to this process, over a cluster, in the hub's namespace; stop ends it.
type Core func(ctx context.Context, cluster *rest.Config, namespace, version string) (address, token string, stop func(), err error)

// hubNamespace is the hub's where the kubeconfig names none.
const hubNamespace = "argocd"

// kubeFlags choose a kubeconfig for --core, and say what counts in its place.
func (c *connection) kubeFlags(cmd *cobra.Command) {
	flags, kube := cmd.Flags(), &c.kube
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "kubeconfig of --core; default: $KUBECONFIG, else ~/.kube/config")
	flags.StringVar(&kube.CurrentContext, "context", "", "context of the kubeconfig")
	flags.StringVar(&kube.Context.Cluster, "cluster", "", "cluster of the kubeconfig")
	flags.StringVar(&kube.Context.AuthInfo, "user", "", "user of the kubeconfig")
	flags.StringVarP(&kube.Context.Namespace, "namespace", "n", "", "the hub's namespace")
	flags.StringVar(&kube.AuthInfo.Token, "token", "", "bearer token for the API server")
	flags.StringVar(&kube.AuthInfo.Username, "username", "", "user name for the API server")
	flags.StringVar(&kube.AuthInfo.Password, "password", "", "password for the API server")
	flags.StringVar(&kube.ClusterInfo.ProxyURL, "proxy-url", "", "proxy to reach the API server by")
	flags.BoolVar(&kube.ClusterInfo.InsecureSkipTLSVerify, "insecure-skip-tls-verify", false, "accept any certificate of the API server")
	flags.StringVar(&kube.Timeout, "request-timeout", "0", "how long a request to the API server may take, such as 30s; 0 for no bound")
}

// inProcess is a client of an API that this process serves itself, by the user's kubeconfig.
func (r *root) inProcess(ctx context.Context) (*client.Client, error) {
	if r.core == nil {
		return nil, errors.New("this program can't work without a hub")
	}
	rules, overrides := clientcmd.NewDefaultClientConfigLoadingRules(), r.connection.kube
	rules.ExplicitPath = r.connection.kubeconfig
	overrides.CurrentContext = cmp.Or(overrides.CurrentContext, r.connection.kubeContext)
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &overrides)
	cluster, err := config.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, _, err := config.Namespace()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	if namespace == "default" { // as kubectl says where none is set
		namespace = hubNamespace
	}
	address, token, stop, err := r.core(ctx, cluster, namespace, r.version)
	if err != nil {
		return nil, err
	}
	r.stop = stop
	c, err := client.Dial(client.Options{Server: address, Token: token, UserAgent: "fairlead/" + r.version})
	if err != nil {
		stop()
	}
	return c, err
}
