package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/internal/local/controlplane"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// hubNamespace holds what an operator configures, under Argo CD's names.
const hubNamespace = "argocd"

// secretType is the label by which Argo CD's Secrets say what they are.
const secretType = "argocd.argoproj.io/secret-type"

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

// hubAccessUnit tells the hub how to push to the Git host, and by which secret it knows what Git host and registry tell
// it. It comes after the hub has made its own Secret, which this one adds to.
func (f *Fleet) hubAccessUnit() supervise.Unit {
	return supervise.Unit{Name: "hub-access", After: []string{"hub"}, Do: f.giveHubAccess}
}

func (f *Fleet) giveHubAccess(ctx context.Context) error {
	client, err := clientFor(f.hubCluster().AdminKubeconfig())
	if err != nil {
		return err
	}
	e := f.Endpoints()
	git := corev1apply.Secret("local-git", hubNamespace).
		WithLabels(map[string]string{secretType: "repo-creds"}).
		WithData(map[string][]byte{
			"type": []byte("git"), "url": []byte(e.Git), "username": []byte(e.GitUser), "password": []byte(e.GitPassword),
		})
	// Argo CD checks Gitea's signature with Gogs' secret; the registry's key is Fairlead's own.
	hooks := corev1apply.Secret("argocd-secret", hubNamespace).
		WithLabels(map[string]string{"app.kubernetes.io/part-of": "argocd"}).
		WithData(map[string][]byte{
			"webhook.gogs.secret": []byte(f.State.HookSecret), "webhook.registry.secret": []byte(f.State.HookSecret),
		})
	for _, secret := range []*corev1apply.SecretApplyConfiguration{git, hooks} {
		if err := applySecret(ctx, client, secret); err != nil {
			return fmt.Errorf("giving the hub access to Git host and registry: %w", err)
		}
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
