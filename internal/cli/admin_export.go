package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// backupKinds are the kinds of a backup, in its order; the last one is ours.
var backupKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Secret"},
	{Group: "argoproj.io", Version: "v1alpha1", Kind: "AppProject"}, {Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"},
	{Group: "argoproj.io", Version: "v1alpha1", Kind: "ApplicationSet"}, {Group: "fairlead.dev", Version: "v1alpha1", Kind: "BuildRule"},
}

// backupConfigMaps are the ConfigMaps of a backup, in its order.
var backupConfigMaps = []string{"argocd-cm", "argocd-rbac-cm", "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm"}

// backupObjects are the objects that a backup has, in its order.
func (r *root) backupObjects(ctx context.Context, client kubeclient.Client, namespace string, further *namespaceFlags) ([]unstructured.Unstructured, error) {
	if err := further.complete(ctx, client, namespace); err != nil {
		return nil, err
	}
	var found []unstructured.Unstructured
	for _, kind := range backupKinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		patterns := map[string][]string{"Application": further.applications, "ApplicationSet": further.sets}[kind.Kind]
		var where []kubeclient.ListOption
		if len(patterns) == 0 {
			where = append(where, kubeclient.InNamespace(namespace))
		}
		err := client.List(ctx, list, where...)
		if optional := kind.Kind == "ApplicationSet" || kind.Kind == "BuildRule"; optional && (meta.IsNoMatchError(err) || apierrors.IsNotFound(err) || apierrors.IsForbidden(err)) {
			if !meta.IsNoMatchError(err) {
				r.note("%s: %v", kind.GroupKind(), err)
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind.GroupKind(), err)
		}
		slices.SortStableFunc(list.Items, func(a, b unstructured.Unstructured) int {
			return slices.Index(backupConfigMaps, a.GetName()) - slices.Index(backupConfigMaps, b.GetName())
		})
		for _, object := range list.Items {
			if belongs(&object) && (object.GetNamespace() == namespace || matches(patterns, object.GetNamespace())) {
				found = append(found, object)
			}
		}
	}
	return found, nil
}

// belongs holds for what is Argo CD's, of kinds that others use too.
func belongs(u *unstructured.Unstructured) bool {
	switch u.GetKind() {
	case "ConfigMap":
		return slices.Contains(backupConfigMaps, u.GetName())
	case "Secret":
		return u.GetName() == "argocd-secret" || u.GetName() == "argocd-notifications-secret" ||
			slices.Contains([]string{"cluster", "repository", "repo-creds", "repository-write", "repo-write-creds"}, u.GetLabels()["argocd.argoproj.io/secret-type"]) ||
			u.GetAnnotations()["managed-by"] == "argocd.argoproj.io"
	}
	return true
}

func newAdminExportCommand(r *root) *cobra.Command {
	var file string
	var strip bool
	further := &namespaceFlags{}
	cmd := &cobra.Command{
		Use: "export", Short: "Print a backup: settings, credentials, projects, applications, ApplicationSets", Args: exactArgs(),
		Long:    "Print a backup: settings, credentials, projects, applications, ApplicationSets and build rules. It holds secrets.",
		Example: "  fairlead admin export -n argocd > backup.yaml",
	}
	kube := r.adminKube(cmd)
	further.flags(cmd)
	cmd.Flags().StringVarP(&file, "out", "o", "-", "file to write to; - for the output")
	cmd.Flags().BoolVar(&strip, "strip-status", false, "leave out the status")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		client, namespace, err := kube.connect()
		if err != nil {
			return err
		}
		objects, err := r.backupObjects(cmd.Context(), client, namespace, further)
		if err != nil {
			return err
		}
		var out io.Writer = r.streams.Out
		if file != "-" {
			created, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // it holds secrets
			if err != nil {
				return fmt.Errorf("writing the backup: %w", err)
			}
			buffered := bufio.NewWriter(created)
			defer func() { err = errors.Join(err, buffered.Flush(), created.Close()) }()
			out = buffered
		}
		for i := range objects {
			if err := writeBackup(out, &objects[i], namespace, strip); err != nil {
				return fmt.Errorf("writing the backup: %w", err)
			}
		}
		return nil
	}
	return cmd
}

// writeBackup writes an object without what its cluster gave it.
func writeBackup(out io.Writer, u *unstructured.Unstructured, namespace string, strip bool) error {
	kept := &unstructured.Unstructured{Object: u.DeepCopy().Object}
	delete(kept.Object, "metadata")
	if strip {
		delete(kept.Object, "status")
	}
	kept.SetName(u.GetName())
	kept.SetFinalizers(u.GetFinalizers())
	kept.SetLabels(u.GetLabels())
	kept.SetAnnotations(u.GetAnnotations())
	if u.GetNamespace() != namespace {
		kept.SetNamespace(u.GetNamespace())
	}
	text, err := yaml.Marshal(kept.Object)
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, "---\n"...))
	return err
}
