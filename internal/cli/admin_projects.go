package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// bulkPolicy is a change of the policies of many roles.
type bulkPolicy struct {
	resource, scope, role, permission string
	dryRun                            bool
}

func newAdminPolicyCommand(r *root) *cobra.Command {
	b := &bulkPolicy{}
	cmd := &cobra.Command{
		Use: "update-role-policy PROJECT_GLOB MODIFICATION ACTION", Short: "Set or remove a policy in the roles of many projects",
		Args: exactArgs("PROJECT_GLOB", "MODIFICATION", "ACTION"), Long: "Set or remove a policy in the roles of many projects. MODIFICATION is set or remove.",
		Example: "  fairlead admin proj update-role-policy '*' set 'action/*' --role '*deployer*' --resource applications --scope '*' --permission allow",
	}
	flags := cmd.Flags()
	flags.StringVar(&b.resource, "resource", "", "resource, such as applications")
	flags.StringVar(&b.scope, "scope", "", "objects in the project, such as '*'")
	flags.StringVar(&b.role, "role", "*", "names of roles, * allowed")
	flags.StringVar(&b.permission, "permission", "", "allow or deny")
	flags.BoolVar(&b.dryRun, "dry-run", true, "only show what would be changed")
	kube := r.adminKube(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := b.check(args[1]); err != nil {
			return err
		}
		client, namespace, err := kube.connect()
		if err != nil {
			return err
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("AppProject"))
		if err := client.List(cmd.Context(), list, kubeclient.InNamespace(namespace)); err != nil {
			return fmt.Errorf("error listing projects: %w", err)
		}
		for i := range list.Items {
			live := &list.Items[i]
			if !globbed(args[0], live.GetName()) {
				continue
			}
			changed := live.DeepCopy()
			if !b.change(changed, args[1], args[2]) {
				continue
			}
			r.printf("===== %s ======\n", live.GetName())
			if err := r.printManifests(cmd.Context(), live, changed); err != nil {
				return err
			}
			if b.dryRun {
				continue
			}
			if err := client.Update(cmd.Context(), changed); err != nil {
				return fmt.Errorf("error while updating project: %w", err)
			}
		}
		return nil
	}
	return cmd
}

func (b *bulkPolicy) check(modification string) error {
	switch {
	case modification == "remove":
		return nil
	case modification != "set":
		return fmt.Errorf("modification %s is not supported", modification)
	case b.scope == "":
		return errors.New("flag --group cannot be empty if permission should be set in role")
	case b.permission == "":
		return errors.New("flag --permission cannot be empty if permission should be set in role")
	}
	return nil
}

func globbed(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == "*" || err == nil && ok
}

// change sets or removes the policies for an action; false when nothing changes.
func (b *bulkPolicy) change(project *unstructured.Unstructured, modification, action string) bool {
	roles, _, _ := unstructured.NestedSlice(project.Object, "spec", "roles") // what is no list has no roles
	changed := false
	for i := range roles {
		role, ok := roles[i].(map[string]any)
		if !ok {
			continue
		}
		name, _, _ := unstructured.NestedString(role, "name")
		if !globbed(b.role, name) {
			continue
		}
		before, _, _ := unstructured.NestedStringSlice(role, "policies")
		after := slices.DeleteFunc(slices.Clone(before), func(policy string) bool {
			fields := strings.Split(policy, ",")
			return len(fields) == 6 && strings.TrimSpace(fields[3]) == action
		})
		if modification == "set" {
			after = append(after, fmt.Sprintf("p, proj:%s:%s, %s, %s, %s/%s, %s", project.GetName(), name, b.resource, action, project.GetName(), b.scope, b.permission))
		}
		if !slices.Equal(before, after) {
			changed = unstructured.SetNestedStringSlice(role, after, "policies") == nil || changed
		}
	}
	return changed && unstructured.SetNestedSlice(project.Object, roles, "spec", "roles") == nil
}

func newAdminAllowListCommand(r *root) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "generate-allow-list CLUSTERROLE_PATH PROJ_NAME", Short: "Print a project that allows what a ClusterRole may create",
		Args: exactArgs("CLUSTERROLE_PATH", "PROJ_NAME"), Example: "  fairlead admin proj generate-allow-list clusterrole.yaml demo",
	}
	cmd.Flags().StringVarP(&out, "out", "o", "-", "file to write to; - for standard output")
	kube := r.adminKube(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		text, err := r.readInput(args[0])
		if err != nil {
			return fmt.Errorf("error reading cluster role file: %w", err)
		}
		role := &rbacv1.ClusterRole{}
		if err := yaml.Unmarshal(text, role); err != nil {
			return fmt.Errorf("error unmarshalling cluster role file yaml: %w", err)
		}
		config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(kube.rules(), &kube.overrides).ClientConfig()
		if err != nil {
			return fmt.Errorf("reading the kubeconfig: %w", err)
		}
		found, err := discovery.NewDiscoveryClientForConfig(config)
		if err != nil {
			return fmt.Errorf("reaching the cluster: %w", err)
		}
		lists, err := found.ServerPreferredResources()
		if err != nil {
			return fmt.Errorf("error while getting server resources: %w", err)
		}
		project := map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": "AppProject", "metadata": map[string]any{"name": args[1]},
			"spec": map[string]any{"namespaceResourceWhitelist": creatable(role, lists)},
		}
		manifest, err := yaml.Marshal(project)
		if err != nil {
			return err
		}
		if out == "-" {
			r.printf("%s", bytes.TrimLeft(manifest, "\n"))
			return nil
		}
		return os.WriteFile(out, manifest, 0o644) //nolint:gosec // a manifest without secrets
	}
	return cmd
}

// creatable are the kinds that a role may create, of those that a cluster has.
func creatable(role *rbacv1.ClusterRole, lists []*metav1.APIResourceList) []metav1.GroupKind {
	kinds := []metav1.GroupKind{}
	for _, rule := range role.Rules {
		if len(rule.APIGroups) == 0 || !slices.ContainsFunc(rule.Verbs, func(verb string) bool { return strings.EqualFold(verb, "create") }) {
			continue
		}
		for _, resource := range rule.Resources {
			for _, list := range lists {
				version, err := schema.ParseGroupVersion(list.GroupVersion)
				if err != nil || version.Group != rule.APIGroups[0] {
					continue
				}
				for _, known := range list.APIResources {
					if known.Name == resource {
						kinds = append(kinds, metav1.GroupKind{Group: version.Group, Kind: known.Kind})
					}
				}
			}
		}
	}
	return kinds
}
