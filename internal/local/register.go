package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/internal/local/controlplane"
	"fairlead.dev/fairlead/internal/local/node"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// hubNamespace holds what an operator configures, under Argo CD's names.
const hubNamespace = "argocd"

// secretType is the label by which Argo CD's Secrets say what they are.
const secretType = "argocd.argoproj.io/secret-type"

// nodeUnit is a member's node; it is ready when the cluster says so.
func (f *Fleet) nodeUnit(i int) supervise.Unit {
	m, spec := f.State.Members[i], f.nodeSpec(i)
	kubeconfig := f.memberCluster(i).AdminKubeconfig()
	u := supervise.Unit{
		Name:  m.Name + "-node",
		After: []string{m.Name + "-apiserver"},
		Ready: func(ctx context.Context) error { return nodeReady(ctx, kubeconfig, spec.Name) },
	}
	if f.State.Nodes {
		u.Argv = []string{f.Tools.Pause, f.Tools.Fairlead, "local", "run", "node", spec.File()}
		u.Isolate = node.Isolation
		u.Files = f.machineNetwork()
	} else {
		u.Argv = f.simulatedNode(i)
	}
	return u
}

// machineNetwork is handed to nodes, so that they can make their link to the machine.
func (f *Fleet) machineNetwork() []*os.File {
	ns, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil // the node says what it misses
	}
	return []*os.File{ns}
}

func nodeReady(ctx context.Context, kubeconfig, name string) error {
	client, err := clientFor(kubeconfig)
	if err != nil {
		return err
	}
	n, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			if c.Status == corev1.ConditionTrue {
				return nil
			}
			return fmt.Errorf("node %s isn't ready: %s", name, c.Message)
		}
	}
	return fmt.Errorf("node %s hasn't said yet whether it is ready", name)
}

// registrationUnit tells the hub of a member.
func (f *Fleet) registrationUnit(i int) supervise.Unit {
	m := f.State.Members[i]
	return supervise.Unit{
		Name:  m.Name + "-registration",
		After: []string{f.hubCluster().APIServerUnit(), m.Name + "-apiserver"},
		Do:    func(ctx context.Context) error { return f.register(ctx, m.Name, f.memberCluster(i)) },
	}
}

func (f *Fleet) register(ctx context.Context, name string, cluster controlplane.Cluster) error {
	client, err := clientFor(f.hubCluster().AdminKubeconfig())
	if err != nil {
		return err
	}
	config, err := clusterConfig(cluster)
	if err != nil {
		return fmt.Errorf("registering cluster %s: %w", name, err)
	}
	secret := corev1apply.Secret("cluster-"+name, hubNamespace).
		WithLabels(map[string]string{secretType: "cluster", "fairlead.dev/environment": name}).
		WithData(map[string][]byte{"name": []byte(name), "server": []byte(cluster.Server()), "config": config})
	if err := applySecret(ctx, client, secret); err != nil {
		return fmt.Errorf("registering cluster %s: %w", name, err)
	}
	return nil
}

// clusterConfig is the "config" of an Argo CD cluster Secret (argo-cd, docs/operator-manual/declarative-setup.md).
func clusterConfig(cluster controlplane.Cluster) ([]byte, error) {
	ca, err1 := os.ReadFile(cluster.CertFile("ca.crt"))
	cert, err2 := os.ReadFile(cluster.CertFile("fairlead.crt"))
	key, err3 := os.ReadFile(cluster.CertFile("fairlead.key"))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	type tlsClientConfig struct {
		CAData   []byte `json:"caData"`
		CertData []byte `json:"certData"`
		KeyData  []byte `json:"keyData"`
	}
	return json.Marshal(map[string]tlsClientConfig{"tlsClientConfig": {ca, cert, key}})
}

// gitAccess tells the hub how to push to the Git host.
func (f *Fleet) gitAccess(ctx context.Context) error {
	client, err := clientFor(f.hubCluster().AdminKubeconfig())
	if err != nil {
		return err
	}
	e := f.Endpoints()
	secret := corev1apply.Secret("local-git", hubNamespace).
		WithLabels(map[string]string{secretType: "repo-creds"}).
		WithData(map[string][]byte{
			"type": []byte("git"), "url": []byte(e.Git), "username": []byte(e.GitUser), "password": []byte(e.GitPassword),
		})
	if err := applySecret(ctx, client, secret); err != nil {
		return fmt.Errorf("telling the hub of the Git host: %w", err)
	}
	return nil
}

// applySecret makes the hub's namespace if need be.
func applySecret(ctx context.Context, client kubernetes.Interface, secret *corev1apply.SecretApplyConfiguration) error {
	options := metav1.ApplyOptions{FieldManager: "fairlead-local", Force: true}
	if _, err := client.CoreV1().Namespaces().Apply(ctx, corev1apply.Namespace(hubNamespace), options); err != nil {
		return err
	}
	_, err := client.CoreV1().Secrets(hubNamespace).Apply(ctx, secret, options)
	return err
}

// clientFor makes a client whose calls end within some seconds, whatever the server does.
func clientFor(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	config.Timeout = 10 * time.Second
	return kubernetes.NewForConfig(config)
}
