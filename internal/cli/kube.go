package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/cli/output"
)

// The account that clusters are managed with, by argocd's names.
const (
	managerName, managerNamespace = "argocd-manager", "kube-system"
	managerRole, managerBinding   = "argocd-manager-role", "argocd-manager-role-binding"
	longLivedToken                = "-long-lived-token"
	// tokenTimeout bounds how long a cluster may take to issue a token.
	tokenTimeout, tokenPoll = 30 * time.Second, 500 * time.Millisecond
)

// kubeFlags choose a kubeconfig.
type kubeFlags struct{ path string }

func (k *kubeFlags) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.path, "kubeconfig", "", "kubeconfig; default: $KUBECONFIG, else ~/.kube/config")
}

func (k *kubeFlags) rules() *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = k.path
	return rules
}

// kubectl is a kubeconfig, and what kubectl's flags say in its place.
type kubectl struct {
	kubeFlags
	overrides clientcmd.ConfigOverrides
}

// bind adds kubectl's flags, by the names that they have here.
func (k *kubectl) bind(cmd *cobra.Command, names clientcmd.ConfigOverrideFlags) {
	k.flag(cmd)
	clientcmd.BindOverrideFlags(&k.overrides, cmd.Flags(), names)
}

// reach is how the cluster is reached, and the namespace; the context counts unless the flags name another.
func (k *kubectl) reach(context string) (*rest.Config, string, error) {
	k.overrides.CurrentContext = firstOf(k.overrides.CurrentContext, context)
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(k.rules(), &k.overrides)
	cluster, err := config.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, _, err := config.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return cluster, namespace, nil
}

// config is how the cluster of a context is reached.
func (k *kubeFlags) config(name string) (*rest.Config, error) {
	kubeconfig, err := k.rules().Load()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	if kubeconfig.Contexts[name] == nil {
		return nil, fmt.Errorf("context %s does not exist in kubeconfig", name)
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*kubeconfig, name, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return config, nil
}

// printContexts lists the contexts of the kubeconfig.
func (r *root) printKubeContexts(k *kubeFlags) error {
	kubeconfig, err := k.rules().Load()
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	rows := [][]string{{"CURRENT", "NAME", "CLUSTER", "SERVER"}}
	for _, name := range slices.Sorted(maps.Keys(kubeconfig.Contexts)) {
		var cluster *clientcmdapi.Cluster
		if context := kubeconfig.Contexts[name]; context != nil {
			cluster = kubeconfig.Clusters[context.Cluster]
		}
		if cluster == nil {
			continue
		}
		current := " "
		if kubeconfig.CurrentContext == name {
			current = "*"
		}
		rows = append(rows, []string{current, name, kubeconfig.Contexts[name].Cluster, cluster.Server})
	}
	return output.Lines(r.streams.Out, rows)
}

func kubeClient(config *rest.Config) (kubeclient.Client, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), rbacv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	return kubeclient.New(config, kubeclient.Options{Scheme: scheme})
}

// installManager makes the account that a cluster is managed with, with every right in the cluster or in some namespaces,
// and returns a token of it that doesn't expire.
func (r *root) installManager(ctx context.Context, k kubeclient.Client, systemNamespace string, namespaces []string) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: managerName, Namespace: systemNamespace}}
	everything := rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Name: managerName, Namespace: systemNamespace}}
	objects := []kubeclient.Object{account}
	for _, namespace := range namespaces {
		objects = append(objects,
			&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: managerRole, Namespace: namespace}, Rules: []rbacv1.PolicyRule{everything}},
			&rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: managerBinding, Namespace: namespace}, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: managerRole},
			})
	}
	if len(namespaces) == 0 {
		paths := rbacv1.PolicyRule{NonResourceURLs: []string{"*"}, Verbs: []string{"*"}}
		objects = append(objects,
			&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: managerRole}, Rules: []rbacv1.PolicyRule{everything, paths}},
			&rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: managerBinding}, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: managerRole},
			})
	}
	for _, object := range objects {
		if err := r.createOrUpdate(ctx, k, object); err != nil {
			return "", err
		}
	}
	return r.serviceAccountToken(ctx, k, systemNamespace, managerName)
}

func (r *root) createOrUpdate(ctx context.Context, k kubeclient.Client, object kubeclient.Object) error {
	_, kind, _ := strings.Cut(fmt.Sprintf("%T", object), ".")
	err := k.Create(ctx, object)
	switch {
	case err == nil:
		r.note("%s %q created", kind, object.GetName())
		return nil
	case !apierrors.IsAlreadyExists(err):
		return fmt.Errorf("failed to create %s %q: %w", kind, object.GetName(), err)
	case kind == "ServiceAccount":
		r.note("%s %q already exists in namespace %q", kind, object.GetName(), object.GetNamespace())
		return nil
	}
	if err := k.Update(ctx, object); err != nil {
		return fmt.Errorf("failed to update %s %q: %w", kind, object.GetName(), err)
	}
	r.note("%s %q updated", kind, object.GetName())
	return nil
}

// serviceAccountToken is a token of an account that doesn't expire: that of a Secret, which the cluster fills in.
func (r *root) serviceAccountToken(ctx context.Context, k kubeclient.Client, namespace, name string) (string, error) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: name + longLivedToken, Namespace: namespace, Annotations: map[string]string{corev1.ServiceAccountNameKey: name},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	err := k.Create(ctx, secret)
	switch {
	case err == nil:
		r.note("Created bearer token secret %q for ServiceAccount %q", secret.Name, name)
	case !apierrors.IsAlreadyExists(err):
		return "", fmt.Errorf("failed to create token secret for service account %q: %w", name, err)
	}
	token := ""
	err = wait.PollUntilContextTimeout(ctx, tokenPoll, tokenTimeout, true, func(ctx context.Context) (bool, error) {
		if err := k.Get(ctx, kubeclient.ObjectKeyFromObject(secret), secret); err != nil {
			return false, err
		}
		token = string(secret.Data[corev1.ServiceAccountTokenKey])
		return token != "", nil
	})
	if err != nil {
		return "", fmt.Errorf("getting a token of service account %q: %w", name, err)
	}
	return token, nil
}

// removeManager removes that account from a cluster.
func (r *root) removeManager(ctx context.Context, k *kubeFlags, name string) error {
	config, err := k.config(name)
	if err != nil {
		return err
	}
	cluster, err := kubeClient(config)
	if err != nil {
		return err
	}
	for _, object := range []kubeclient.Object{
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: managerBinding}},
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: managerRole}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: managerName, Namespace: managerNamespace}},
	} {
		if err := cluster.Delete(ctx, object); kubeclient.IgnoreNotFound(err) != nil {
			return fmt.Errorf("failed to delete %q: %w", object.GetName(), err)
		}
		r.note("%q deleted", object.GetName())
	}
	return nil
}
