package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/settings"
)

// shownNamespaces is how many namespaces of a cluster are listed by name.
const shownNamespaces = 4

// usedCluster is a cluster that the hub manages, and the namespaces there that applications use.
type usedCluster struct {
	name, server string
	namespaces   []string
	// secret is where it is configured; nil for the hub's own without one.
	secret *corev1.Secret
}

func newAdminNamespacesCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "namespaces", Short: "List the namespaces that applications use in each cluster", Args: exactArgs(), Example: "  fairlead admin cluster namespaces -n argocd",
	}
	kube := r.adminKube(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, namespace, err := kube.connect()
		if err != nil {
			return err
		}
		clusters, err := usedClusters(cmd.Context(), client, namespace)
		if err != nil {
			return err
		}
		rows := [][]string{{"CLUSTER", "NAMESPACES"}}
		for _, c := range clusters {
			text := strings.Join(c.namespaces, ",")
			if n := len(c.namespaces); n > shownNamespaces {
				text = fmt.Sprintf("%s (total %d)", strings.Join(c.namespaces[:shownNamespaces], ","), n)
			}
			rows = append(rows, []string{c.server, text})
		}
		return output.Lines(r.streams.Out, rows)
	}
	cmd.AddCommand(newNamespacedModeCommand(r, true), newNamespacedModeCommand(r, false))
	return cmd
}

func newNamespacedModeCommand(r *root, enable bool) *cobra.Command {
	verb, doing := "disable", "Disabling namespaced mode for cluster"
	if enable {
		verb, doing = "enable", "Setting cluster"
	}
	var dryRun, clusterResources bool
	var limit int
	cmd := &cobra.Command{
		Use: verb + "-namespaced-mode PATTERN", Short: strings.ToUpper(verb[:1]) + verb[1:] + " that clusters are managed in single namespaces only",
		Args: exactArgs("PATTERN"), Example: "  fairlead admin cluster namespaces " + verb + "-namespaced-mode 'https://*' -n argocd --dry-run=false",
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", true, "only say what would be done")
	if enable {
		cmd.Flags().BoolVar(&clusterResources, "cluster-resources", false, "manage cluster-scoped objects, too")
		cmd.Flags().IntVar(&limit, "max-namespace-count", 0, "leave clusters with more namespaces than this alone")
	}
	kube := r.adminKube(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, namespace, err := kube.connect()
		if err != nil {
			return err
		}
		clusters, err := usedClusters(cmd.Context(), client, namespace)
		if err != nil {
			return err
		}
		for _, c := range clusters {
			switch {
			case !project.Glob(args[0], c.server, 0), c.secret == nil:
				continue
			case enable && (len(c.namespaces) == 0 || len(c.namespaces) > limit):
				continue
			case !enable && len(c.secret.Data["namespaces"]) == 0:
				continue
			case enable:
				c.secret.Data["namespaces"] = []byte(strings.Join(c.namespaces, ","))
				c.secret.Data["clusterResources"] = fmt.Append(nil, clusterResources)
				doing := fmt.Sprintf("%s %s namespaces to %v...", doing, c.server, c.namespaces)
				r.printf("%s", doing)
			default:
				delete(c.secret.Data, "namespaces")
				r.printf("%s %s...", doing, c.server)
			}
			if dryRun {
				r.printf("done (dry run)\n")
				continue
			}
			if err := client.Update(cmd.Context(), c.secret); err != nil {
				return fmt.Errorf("error updating cluster: %w", err)
			}
			r.printf("done\n")
		}
		return nil
	}
	return cmd
}

// usedClusters are the hub's clusters, with the namespaces of what its applications deploy there, the shortest names first.
func usedClusters(ctx context.Context, client kubeclient.Client, namespace string) ([]usedCluster, error) {
	secrets := &corev1.SecretList{}
	if err := client.List(ctx, secrets, kubeclient.InNamespace(namespace), kubeclient.MatchingLabels{"argocd.argoproj.io/secret-type": "cluster"}); err != nil {
		return nil, fmt.Errorf("error listing clusters: %w", err)
	}
	var clusters []usedCluster
	for i := range secrets.Items {
		c, err := settings.ClusterFromSecret(&secrets.Items[i])
		if err != nil {
			return nil, fmt.Errorf("error listing clusters: %w", err)
		}
		clusters = append(clusters, usedCluster{name: c.Name, server: c.Server, secret: &secrets.Items[i]})
	}
	if !slices.ContainsFunc(clusters, func(c usedCluster) bool { return c.server == settings.InClusterServer }) {
		clusters = append(clusters, usedCluster{name: settings.InClusterName, server: settings.InClusterServer})
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Application"))
	if err := client.List(ctx, list, kubeclient.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("error listing application: %w", err)
	}
	apps, err := as[v1alpha1.ApplicationList](list)
	if err != nil {
		return nil, err
	}
	for i := range clusters {
		used := map[string]bool{}
		for _, app := range apps.Items {
			d := app.Spec.Destination
			if d.Server == clusters[i].server || d.Server == "" && d.Name == clusters[i].name {
				maps.Copy(used, appNamespaces(&app))
			}
		}
		clusters[i].namespaces = slices.SortedFunc(maps.Keys(used), func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	}
	return clusters, nil
}

// appNamespaces are those of an application's objects, or of its destination where it has none yet.
func appNamespaces(app *v1alpha1.Application) map[string]bool {
	used := map[string]bool{}
	for _, resource := range app.Status.Resources {
		if resource.Namespace != "" {
			used[resource.Namespace] = true
		}
	}
	if len(app.Status.Resources) == 0 {
		used[app.Spec.Destination.Namespace] = true
	}
	return used
}
