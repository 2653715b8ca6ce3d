package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/project"
)

// initialPassword is the Secret with the first password of admin.
const initialPassword = "argocd-initial-admin-secret"

func newAdminCommand(r *root) *cobra.Command {
	return group("admin", "What needs the hub's own cluster, or nothing at all: backups, specs, policies", nil,
		newAdminExportCommand(r), newAdminImportCommand(r), newAdminPasswordCommand(r),
		newAdminSettingsCommand(r),
		group("app", "Applications, without a hub", []string{"apps"}, newAdminAppCommand(r)),
		group("proj", "Projects, without a hub", []string{"projs"}, newAdminProjCommand(r), newAdminPolicyCommand(r), newAdminAllowListCommand(r)),
		group("repo", "Repositories, without a hub", []string{"repos"}, newAdminRepoCommand(r)),
		group("cluster", "Clusters, without a hub", nil, newAdminClusterCommand(r), newAdminKubeconfigCommand(r), newAdminNamespacesCommand(r)),
	)
}

// adminKube is the cluster that the hub runs in, by the user's own kubeconfig.
type adminKube struct {
	kubectl
	r *root
}

func (r *root) adminKube(cmd *cobra.Command) *adminKube {
	k := &adminKube{r: r}
	k.bind(cmd)
	return k
}

// bind adds kubectl's flags: --namespace is the hub's, --server and --token are the cluster's.
func (k *adminKube) bind(cmd *cobra.Command) {
	k.kubectl.bind(cmd, clientcmd.RecommendedConfigOverrideFlags(""))
}

// connect returns a client of the cluster, and the hub's namespace.
func (k *adminKube) connect() (kubeclient.Client, string, error) {
	rest, namespace, err := k.reach(k.r.connection.kubeContext)
	if err != nil {
		return nil, "", err
	}
	client, err := kubeClient(rest)
	if err != nil {
		return nil, "", fmt.Errorf("reaching the cluster: %w", err)
	}
	return client, namespace, nil
}

func newAdminPasswordCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "initial-password", Short: "Print the first password of admin", Args: exactArgs(), Example: "  fairlead admin initial-password -n argocd",
	}
	kube := r.adminKube(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, namespace, err := kube.connect()
		if err != nil {
			return err
		}
		secret := &corev1.Secret{}
		if err := client.Get(cmd.Context(), kubeclient.ObjectKey{Namespace: namespace, Name: initialPassword}, secret); err != nil {
			return err
		}
		r.printf("%s\n\n This password must be only used for first time login. We strongly recommend you update the password using `fairlead account update-password`.\n",
			secret.Data["password"])
		return nil
	}
	return cmd
}

// namespaceFlags say in which further namespaces applications and ApplicationSets are.
type namespaceFlags struct{ applications, sets []string }

func (n *namespaceFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&n.applications, "application-namespaces", nil, "further namespaces with applications, * allowed; default: those of argocd-cmd-params-cm")
	cmd.Flags().StringSliceVar(&n.sets, "applicationset-namespaces", nil, "further namespaces with ApplicationSets, * allowed; default: those of argocd-cmd-params-cm")
}

// complete takes what isn't given from argocd-cmd-params-cm; one that isn't there says nothing.
func (n *namespaceFlags) complete(ctx context.Context, client kubeclient.Client, namespace string) error {
	params := &corev1.ConfigMap{}
	err := client.Get(ctx, kubeclient.ObjectKey{Namespace: namespace, Name: "argocd-cmd-params-cm"}, params)
	if kubeclient.IgnoreNotFound(err) != nil {
		return err
	}
	for key, into := range map[string]*[]string{"application.namespaces": &n.applications, "applicationsetcontroller.namespaces": &n.sets} {
		if len(*into) == 0 {
			*into = strings.FieldsFunc(params.Data[key], func(c rune) bool { return c == ',' || c == ' ' })
		}
	}
	return nil
}

// matches tells whether one of the patterns, globs or /regular expressions/, is for a namespace.
func matches(patterns []string, namespace string) bool {
	for _, pattern := range patterns {
		if inner, ok := strings.CutPrefix(pattern, "/"); ok && strings.HasSuffix(inner, "/") {
			if expression, err := regexp.Compile(strings.TrimSuffix(inner, "/")); err == nil && expression.MatchString(namespace) {
				return true
			}
		} else if project.Glob(pattern, namespace, 0) {
			return true
		}
	}
	return false
}
