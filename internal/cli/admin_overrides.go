package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/action"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/protocol"
)

// settingsSource is where argocd-cm comes from: a file, or the hub's cluster.
type settingsSource struct {
	file, secretFile string
	cluster          bool
	kube             *adminKube
}

func newAdminSettingsCommand(r *root) *cobra.Command {
	s := &settingsSource{}
	overrides := group("resource-overrides", "Try what argocd-cm says of kinds, on a manifest", nil,
		newOverrideHealthCommand(r, s), newOverrideActionsCommand(r, s), newOverrideRunCommand(r, s),
		newOverrideIgnoreCommand(r, s, "ignore-differences", "Ignore differences", "ignoreDifferences", func(o *protocol.ResourceOverride) protocol.OverrideIgnoreDiff {
			return o.IgnoreDifferences
		}),
		newOverrideIgnoreCommand(r, s, "ignore-resource-updates", "Ignore resource updates", "ignoreResourceUpdates", func(o *protocol.ResourceOverride) protocol.OverrideIgnoreDiff {
			return o.IgnoreResourceUpdates
		}))
	cmd := group("settings", "Look at settings", nil,
		group("rbac", "Look at policies", nil, newAdminCanCommand(r), newAdminValidateCommand(r)), overrides, newSettingsValidateCommand(r, s))
	flags := cmd.PersistentFlags()
	flags.StringVar(&s.file, "argocd-cm-path", "", "file with the ConfigMap argocd-cm")
	flags.StringVar(&s.secretFile, "argocd-secret-path", "", "file with the Secret argocd-secret")
	flags.BoolVar(&s.cluster, "load-cluster-settings", false, "read argocd-cm of the cluster, unless a file is given")
	for _, sub := range slices.Concat(overrides.Commands(), cmd.Commands()) {
		if sub.Name() != "rbac" && sub.Name() != "resource-overrides" {
			s.kube = r.sharedKube(sub, s.kube)
		}
	}
	return cmd
}

// sharedKube adds the flags for a cluster to one more command that reads it in the same way.
func (r *root) sharedKube(cmd *cobra.Command, k *adminKube) *adminKube {
	if k == nil {
		return r.adminKube(cmd)
	}
	k.bind(cmd)
	return k
}

// data are those of argocd-cm.
func (s *settingsSource) data(ctx context.Context, r *root) (map[string]string, error) {
	configMap := &corev1.ConfigMap{}
	switch {
	case s.file != "":
		text, err := r.readInput(s.file)
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, configMap); err != nil {
			return nil, fmt.Errorf("reading %s: %w", s.file, err)
		}
	case s.cluster:
		client, namespace, err := s.kube.connect()
		if err != nil {
			return nil, err
		}
		if err := client.Get(ctx, kubeclient.ObjectKey{Namespace: namespace, Name: "argocd-cm"}, configMap); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("either --argocd-cm-path must be provided or --load-cluster-settings must be set to true")
	}
	return configMap.Data, nil
}

// overridden is a manifest and what argocd-cm says of its kind.
type overridden struct {
	object   *unstructured.Unstructured
	override *protocol.ResourceOverride
	settings *customization.Settings
}

func (s *settingsSource) read(ctx context.Context, r *root, file string) (*overridden, error) {
	text, err := r.readInput(file)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &object.Object); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	data, err := s.data(ctx, r)
	if err != nil {
		return nil, err
	}
	settings, warnings := customization.Parse(data)
	for _, warning := range warnings {
		r.note("%s", warning)
	}
	kind := object.GroupVersionKind()
	override := customization.Overrides(data)[strings.TrimPrefix(kind.Group+"/"+kind.Kind, "/")]
	if override == nil {
		override = &protocol.ResourceOverride{}
	}
	return &overridden{object, override, settings}, nil
}

func (o *overridden) kind() string {
	kind := o.object.GroupVersionKind()
	return kind.Group + "/" + kind.Kind
}

func newOverrideHealthCommand(r *root, s *settingsSource) *cobra.Command {
	return &cobra.Command{
		Use: "health RESOURCE_YAML_PATH", Short: "Judge the health of an object", Args: exactArgs("RESOURCE_YAML_PATH"),
		Example: "  fairlead admin settings resource-overrides health widget.yaml --argocd-cm-path argocd-cm.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := s.read(cmd.Context(), r, args[0])
			if err != nil {
				return err
			}
			status := o.settings.Health.Of(o.object)
			if status == nil {
				r.printf("Health script is not configured for '%s'\n", o.kind())
				return nil
			}
			r.printf("STATUS: %s\nMESSAGE: %s\n", status.Code, status.Message)
			return nil
		},
	}
}

func newOverrideActionsCommand(r *root, s *settingsSource) *cobra.Command {
	return &cobra.Command{
		Use: "list-actions RESOURCE_YAML_PATH", Short: "List the actions of an object", Args: exactArgs("RESOURCE_YAML_PATH"),
		Example: "  fairlead admin settings resource-overrides list-actions widget.yaml --argocd-cm-path argocd-cm.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := s.read(cmd.Context(), r, args[0])
			if err != nil {
				return err
			}
			if o.override.Actions == "" {
				r.printf("Actions are not configured for '%s'\n", o.kind())
				return nil
			}
			actions, err := o.settings.Actions.Discover(o.object)
			if err != nil {
				return err
			}
			rows := [][]string{{"NAME", "DISABLED"}}
			for _, a := range actions {
				rows = append(rows, []string{a.Name, fmt.Sprint(a.Disabled)})
			}
			return output.Lines(r.streams.Out, rows)
		},
	}
}

func newOverrideRunCommand(r *root, s *settingsSource) *cobra.Command {
	var params []string
	cmd := &cobra.Command{
		Use: "run-action RESOURCE_YAML_PATH ACTION", Aliases: []string{"action"}, Short: "Show what an action makes of an object",
		Args: exactArgs("RESOURCE_YAML_PATH", "ACTION"), Example: "  fairlead admin settings resource-overrides run-action widget.yaml paint --argocd-cm-path argocd-cm.yaml",
	}
	cmd.Flags().StringArrayVar(&params, "param", nil, "KEY=VALUE for the action; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		values := map[string]string{}
		for _, param := range params {
			key, value, ok := strings.Cut(param, "=")
			if !ok {
				return refused("Invalid parameter format: " + param)
			}
			values[key] = value
		}
		o, err := s.read(cmd.Context(), r, args[0])
		if err != nil {
			return err
		}
		if o.override.Actions == "" {
			r.printf("Actions are not configured for '%s'\n", o.kind())
			return nil
		}
		changes, err := o.settings.Actions.Run(o.object, args[1], values, time.Now())
		if err != nil {
			return err
		}
		for _, change := range changes {
			if err := r.printChange(cmd.Context(), o.object, change, args[1]); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func (r *root) printChange(ctx context.Context, before *unstructured.Unstructured, change action.Change, name string) error {
	text, err := yaml.Marshal(change.Object.Object)
	if err != nil {
		return err
	}
	switch {
	case change.Operation == action.Create:
		r.printf("Following resource was created:\n%s\n", text)
		return nil
	case reflect.DeepEqual(before.Object, change.Object.Object):
		r.printf("No fields had been changed by action: \n%s\n", name)
		return nil
	}
	r.printf("Following fields have been changed:\n\n")
	return r.printManifests(ctx, before, change.Object)
}

func (r *root) printManifests(ctx context.Context, before, after *unstructured.Unstructured) error {
	old, err := yaml.Marshal(before.Object)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(after.Object)
	if err != nil {
		return err
	}
	return r.printDifference(ctx, before.GetName(), string(old), string(text))
}

func newOverrideIgnoreCommand(r *root, s *settingsSource, use, words, setting string, of func(*protocol.ResourceOverride) protocol.OverrideIgnoreDiff) *cobra.Command {
	cmd := &cobra.Command{
		Use: use + " RESOURCE_YAML_PATH", Short: "Show the fields of an object that " + setting + " leaves out", Args: exactArgs("RESOURCE_YAML_PATH"),
		Example: "  fairlead admin settings resource-overrides " + use + " widget.yaml --argocd-cm-path argocd-cm.yaml",
	}
	timeout := cmd.Flags().Duration("ignore-normalizer-jq-execution-timeout", diff.DefaultQueryTimeout, "how long one jq expression may take")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o, err := s.read(cmd.Context(), r, args[0])
		if err != nil {
			return err
		}
		fields := of(o.override)
		if len(fields.JSONPointers)+len(fields.JQPathExpressions) == 0 {
			r.printf("%s are not configured for '%s'\n", words, o.kind())
			return nil
		}
		kind := o.object.GroupVersionKind()
		rules, err := diff.Compile([]v1alpha1.ResourceIgnoreDifferences{{
			Group: kind.Group, Kind: kind.Kind, JSONPointers: fields.JSONPointers, JQPathExpressions: fields.JQPathExpressions,
		}}, diff.Defaults{QueryTimeout: *timeout})
		if err != nil {
			return err
		}
		// What an object without these fields would leave of them is what is compared.
		bare := &unstructured.Unstructured{Object: map[string]any{"apiVersion": o.object.GetAPIVersion(), "kind": o.object.GetKind()}}
		bare.SetName(o.object.GetName())
		left, err := rules.For(o.object).Keep(o.object, bare)
		if err != nil {
			return err
		}
		if reflect.DeepEqual(left.Object, o.object.Object) {
			r.printf("No fields are ignored by %s settings: \n%v\n", setting, fields)
			return nil
		}
		r.printf("Following fields are ignored:\n\n")
		return r.printManifests(cmd.Context(), o.object, left)
	}
	return cmd
}

// settingsGroups are what can be checked of argocd-cm, in order.
var settingsGroups = []string{"accounts", "general", "kustomize", "resource-overrides"}

func newSettingsValidateCommand(r *root, s *settingsSource) *cobra.Command {
	var groups []string
	cmd := &cobra.Command{
		Use: "validate", Short: "Check settings", Args: exactArgs(), Example: "  fairlead admin settings validate --argocd-cm-path argocd-cm.yaml",
	}
	cmd.Flags().StringArrayVar(&groups, "group", nil, "what to check, one of: "+strings.Join(settingsGroups, ", ")+"; default: all; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		data, err := s.data(cmd.Context(), r)
		if err != nil {
			return err
		}
		if len(groups) == 0 {
			groups = settingsGroups
		}
		for i, name := range groups {
			if i > 0 {
				r.printf("\n")
			}
			summary, err := checkSettings(name, data)
			if err != nil {
				r.printf("❌ %s\n%s\n", name, err)
				continue
			}
			r.printf("✅ %s\n%s\n", name, summary)
		}
		return nil
	}
	return cmd
}

// checkSettings sums up a part of argocd-cm.
func checkSettings(name string, data map[string]string) (string, error) {
	switch name {
	case "accounts":
		accounts := 1 // admin
		for key := range data {
			if account, ok := strings.CutPrefix(key, "accounts."); ok && !strings.Contains(account, ".") {
				accounts++
			}
		}
		return fmt.Sprintf("%d accounts", accounts), nil
	case "general":
		for _, sso := range []struct{ key, name string }{{"dex.config", "Dex"}, {"oidc.config", "OIDC"}} {
			if data[sso.key] == "" {
				continue
			}
			var config map[string]any
			if err := yaml.Unmarshal([]byte(data[sso.key]), &config); err != nil {
				return "", fmt.Errorf("invalid %s: %w", sso.key, err)
			}
			if data["url"] == "" {
				return sso.name + " is configured ('url' field is missing)", nil
			}
			return sso.name + " is configured", nil
		}
		return "SSO is not configured", nil
	case "kustomize":
		return firstOf(data["kustomize.buildOptions"], "default options"), nil
	case "resource-overrides":
		_, warnings := customization.Parse(data)
		return fmt.Sprintf("%d resource overrides", len(customization.Overrides(data))), errors.Join(warnings...)
	default:
		return "", fmt.Errorf("there is no such group; there are: %s", strings.Join(settingsGroups, ", "))
	}
}
