package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/internal/client"
)

// Core serves the hub's API to this process, over a cluster, in the hub's namespace; stop ends it.
type Core func(ctx context.Context, cluster *rest.Config, namespace, version string) (address, token string, stop func(), err error)

// hubNamespace is the hub's where the kubeconfig names none.
const hubNamespace = "argocd"

// kubeFlags add kubectl's flags for --core; --server stays the hub's.
func (c *connection) kubeFlags(cmd *cobra.Command) {
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ClusterOverrideFlags.APIServer.LongName = "" // it isn't added
	c.kube.bind(cmd, names)
}

// inProcess is a client of an API that this process serves itself, by the user's kubeconfig.
func (r *root) inProcess(ctx context.Context) (*client.Client, error) {
	if r.core == nil {
		return nil, errors.New("this program can't work without a hub")
	}
	cluster, namespace, err := r.connection.kube.reach(r.connection.kubeContext)
	if err != nil {
		return nil, err
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
