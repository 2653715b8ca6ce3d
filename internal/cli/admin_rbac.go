package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/access"
)

// policySource is where a policy comes from: a file, or the hub's ConfigMap.
type policySource struct {
	file string
	kube *adminKube
}

func (r *root) policySource(cmd *cobra.Command) *policySource {
	p := &policySource{kube: r.adminKube(cmd)}
	cmd.Flags().StringVar(&p.file, "policy-file", "", "file with a policy: CSV, or the ConfigMap argocd-rbac-cm")
	return p
}

// data are those of argocd-rbac-cm.
func (p *policySource) data(ctx context.Context, r *root) (map[string]string, error) {
	if (p.file == "") == (p.kube.overrides.Context.Namespace == "") {
		return nil, &UsageError{errors.New("please provide exactly one of --policy-file or --namespace")}
	}
	configMap := &corev1.ConfigMap{}
	if p.file == "" {
		client, namespace, err := p.kube.connect()
		if err != nil {
			return nil, err
		}
		if err := client.Get(ctx, kubeclient.ObjectKey{Namespace: namespace, Name: "argocd-rbac-cm"}, configMap); err != nil {
			return nil, fmt.Errorf("could not get configmap: %w", err)
		}
		return configMap.Data, nil
	}
	text, err := r.readInput(p.file)
	if err != nil {
		return nil, fmt.Errorf("error opening policy file: %w", err)
	}
	if err := yaml.Unmarshal(text, configMap); err != nil || configMap.Kind != "ConfigMap" {
		return map[string]string{"policy.csv": string(text)}, nil
	}
	return configMap.Data, nil
}

// resourceNames are the names of resources that people use.
var resourceNames = map[string]string{
	"account": "accounts", "app": "applications", "apps": "applications", "application": "applications", "cert": "certificates", "certs": "certificates",
	"certificate": "certificates", "cluster": "clusters", "extension": "extensions", "gpgkey": "gpgkeys", "key": "gpgkeys", "log": "logs",
	"proj": "projects", "projs": "projects", "project": "projects", "repo": "repositories", "repos": "repositories", "repository": "repositories",
}

func newAdminCanCommand(r *root) *cobra.Command {
	var role string
	var strict, quiet bool
	cmd := &cobra.Command{
		Use: "can ROLE/SUBJECT ACTION RESOURCE [SUB-RESOURCE]", Short: "Ask whether a policy lets somebody do something; prints Yes or No",
		Example: "  fairlead admin settings rbac can role:ci sync applications 'demo/*' --policy-file policy.csv",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 4 {
				return nil
			}
			return exactArgs("ROLE/SUBJECT", "ACTION", "RESOURCE")(cmd, args)
		},
	}
	source := r.policySource(cmd)
	cmd.Flags().StringVar(&role, "default-role", "", "role of everybody, instead of policy.default")
	cmd.Flags().Bool("use-builtin-policy", true, "accepted for argocd's sake: the built-in roles are always there")
	cmd.Flags().BoolVar(&strict, "strict", true, "refuse resources that there are none of")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "say it by the exit code alone")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		data, err := source.data(cmd.Context(), r)
		if err != nil {
			return err
		}
		if role != "" {
			copied := map[string]string{"policy.default": role}
			for key, value := range data {
				if key != "policy.default" {
					copied[key] = value
				}
			}
			data = copied
		}
		policy, _, err := access.Compile(access.Config{Data: data})
		if err != nil {
			return refused("invalid user policy: " + err.Error())
		}
		resource := firstOf(resourceNames[args[2]], args[2])
		if strict && !slices.Contains(access.Resources, resource) {
			return refused(fmt.Sprintf("error in RBAC request: '%s' is not a valid resource name", resource))
		}
		object := strings.Join(args[3:], "")
		if (object == "" || object == "*") && slices.Contains(projectScoped, resource) {
			object = "*/*"
		}
		can := policy.User(args[0]).Allowed(resource, args[1], object)
		if !quiet {
			r.printf("%s\n", map[bool]string{true: "Yes", false: "No"}[can])
		}
		if !can {
			return &ExitCodeError{1}
		}
		return nil
	}
	return cmd
}

func newAdminValidateCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "validate", Short: "Tell whether a policy can be read", Args: exactArgs(), Example: "  fairlead admin settings rbac validate --policy-file policy.csv",
	}
	source := r.policySource(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		data, err := source.data(cmd.Context(), r)
		if err != nil {
			return err
		}
		if _, _, err := access.Compile(access.Config{Data: data}); err != nil {
			r.printf("Policy is invalid: %v\n", err)
			return &ExitCodeError{1}
		}
		r.printf("Policy is valid.\n")
		return nil
	}
	return cmd
}
