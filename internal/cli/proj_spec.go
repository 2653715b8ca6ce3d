package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// projectSpec are the flags that describe a project.
type projectSpec struct {
	set                                                        *pflag.FlagSet
	names                                                      []string
	description                                                string
	destinations, sources, keys, namespaces, accounts          []string
	allowCluster, denyCluster, allowNamespaced, denyNamespaced []string
	orphans, warn                                              bool
}

func (s *projectSpec) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	s.set = flags
	flags.StringVar(&s.description, "description", "", "description")
	flags.StringArrayVarP(&s.destinations, "dest", "d", nil, "SERVER,NAMESPACE that applications may deploy to; may be repeated")
	flags.StringArrayVarP(&s.sources, "src", "s", nil, "URL of a repository that applications may have; may be repeated")
	flags.StringSliceVar(&s.keys, "signature-keys", nil, "IDs of the GnuPG keys that commits must be signed with")
	flags.BoolVar(&s.orphans, "orphaned-resources", false, "look for objects that no application owns")
	flags.BoolVar(&s.warn, "orphaned-resources-warn", false, "warn of them in the applications' conditions")
	flags.StringArrayVar(&s.allowCluster, "allow-cluster-resource", nil, "[GROUP/]KIND[/NAME] of objects without namespace that are allowed; may be repeated")
	flags.StringArrayVar(&s.denyCluster, "deny-cluster-resource", nil, "[GROUP/]KIND[/NAME] of objects without namespace that are denied; may be repeated")
	flags.StringArrayVar(&s.allowNamespaced, "allow-namespaced-resource", nil, "[GROUP/]KIND of objects in namespaces that are allowed; may be repeated")
	flags.StringArrayVar(&s.denyNamespaced, "deny-namespaced-resource", nil, "[GROUP/]KIND of objects in namespaces that are denied; may be repeated")
	flags.StringSliceVar(&s.namespaces, "source-namespaces", nil, "namespaces that applications may be in")
	flags.StringArrayVar(&s.accounts, "dest-service-accounts", nil, "SERVER,NAMESPACE,ACCOUNT that syncs run as; may be repeated")
	s.names = []string{
		"description", "dest", "src", "signature-keys", "orphaned-resources", "orphaned-resources-warn", "allow-cluster-resource",
		"deny-cluster-resource", "allow-namespaced-resource", "deny-namespaced-resource", "source-namespaces", "dest-service-accounts",
	}
}

func (s *projectSpec) given() bool { return slices.ContainsFunc(s.names, s.set.Changed) }

// apply sets in a spec what the flags say.
func (s *projectSpec) apply(spec *v1alpha1.AppProjectSpec) (err error) {
	for name, apply := range map[string]func() error{
		"description":               func() error { spec.Description = s.description; return nil },
		"src":                       func() error { spec.SourceRepos = s.sources; return nil },
		"source-namespaces":         func() error { spec.SourceNamespaces = s.namespaces; return nil },
		"allow-cluster-resource":    func() error { spec.ClusterResourceWhitelist = clusterItems(s.allowCluster); return nil },
		"deny-cluster-resource":     func() error { spec.ClusterResourceBlacklist = clusterItems(s.denyCluster); return nil },
		"allow-namespaced-resource": func() error { spec.NamespaceResourceWhitelist = groupKinds(s.allowNamespaced); return nil },
		"deny-namespaced-resource":  func() error { spec.NamespaceResourceBlacklist = groupKinds(s.denyNamespaced); return nil },
		"dest":                      func() (err error) { spec.Destinations, err = parseDestinations(s.destinations); return err },
		"dest-service-accounts":     func() (err error) { spec.DestinationServiceAccounts, err = parseAccounts(s.accounts); return err },
		"signature-keys":            func() (err error) { spec.SignatureKeys, err = parseKeys(s.keys); return err },
	} {
		if s.set.Changed(name) {
			if err := apply(); err != nil {
				return &UsageError{err}
			}
		}
	}
	if warned := s.set.Changed("orphaned-resources-warn"); warned || s.set.Changed("orphaned-resources") {
		spec.OrphanedResources = nil
		if s.orphans || warned {
			spec.OrphanedResources = &v1alpha1.OrphanedResourcesMonitorSettings{}
		}
		if warned {
			spec.OrphanedResources.Warn = &s.warn
		}
	}
	return nil
}

func clusterItems(texts []string) []v1alpha1.ClusterResourceRestrictionItem {
	var items []v1alpha1.ClusterResourceRestrictionItem
	for _, text := range texts {
		switch parts := strings.Split(text, "/"); len(parts) {
		case 1:
			items = append(items, v1alpha1.ClusterResourceRestrictionItem{Kind: parts[0]})
		case 2:
			items = append(items, v1alpha1.ClusterResourceRestrictionItem{Group: parts[0], Kind: parts[1]})
		case 3:
			items = append(items, v1alpha1.ClusterResourceRestrictionItem{Group: parts[0], Kind: parts[1], Name: parts[2]})
		}
	}
	return items
}

func groupKinds(texts []string) []metav1.GroupKind {
	var kinds []metav1.GroupKind
	for _, text := range texts {
		group, kind, ok := strings.Cut(text, "/")
		if !ok {
			group, kind = "", text
		}
		kinds = append(kinds, metav1.GroupKind{Group: group, Kind: kind})
	}
	return kinds
}

func parseDestinations(texts []string) ([]v1alpha1.ApplicationDestination, error) {
	found := []v1alpha1.ApplicationDestination{}
	for _, text := range texts {
		parts := strings.Split(text, ",")
		if len(parts) != 2 {
			//lint:ignore ST1005 argocd's text
			return nil, fmt.Errorf("Expected destination of the form: server,namespace. Received: %s", text)
		}
		found = append(found, v1alpha1.ApplicationDestination{Server: parts[0], Namespace: parts[1]})
	}
	return found, nil
}

func parseAccounts(texts []string) ([]v1alpha1.ApplicationDestinationServiceAccount, error) {
	found := []v1alpha1.ApplicationDestinationServiceAccount{}
	for _, text := range texts {
		parts := strings.Split(text, ",")
		if len(parts) != 3 {
			//lint:ignore ST1005 argocd's text
			return nil, fmt.Errorf("Expected destination service account of the form: server,namespace, defaultServiceAccount. Received: %s", text)
		}
		found = append(found, v1alpha1.ApplicationDestinationServiceAccount{Server: parts[0], Namespace: parts[1], DefaultServiceAccount: parts[2]})
	}
	return found, nil
}

// parseKeys reads IDs of GnuPG keys, long or as fingerprints.
func parseKeys(texts []string) ([]v1alpha1.SignatureKey, error) {
	found := []v1alpha1.SignatureKey{}
	for _, text := range texts {
		id, err := keyID(text)
		if err != nil {
			return nil, err
		}
		found = append(found, v1alpha1.SignatureKey{KeyID: id})
	}
	return found, nil
}

// keyID is the long ID of a GnuPG key: the last 16 of a fingerprint's digits, in capital letters.
func keyID(text string) (string, error) {
	id := strings.ToUpper(strings.TrimPrefix(text, "0x"))
	if strings.Trim(id, "0123456789ABCDEF") != "" || len(id) != 16 && len(id) != 40 {
		return "", fmt.Errorf("%s is not a valid GnuPG key ID", text)
	}
	return id[len(id)-16:], nil
}

// project is the one that arguments, a file and flags describe.
func (s *projectSpec) project(r *root, file string, args []string) (*v1alpha1.AppProject, error) {
	p := &v1alpha1.AppProject{}
	p.Kind, p.APIVersion = "AppProject", v1alpha1.GroupVersion.String()
	if file != "" {
		text, err := r.readInput(file)
		if err != nil {
			return nil, err
		}
		if err := yaml.UnmarshalStrict(text, p); err != nil {
			return nil, fmt.Errorf("error reading proj from uri: %w", err)
		}
		if len(args) == 1 && file != "-" && args[0] != p.Name {
			return nil, fmt.Errorf("project name '%s' does not match project spec metadata.name '%s'", args[0], p.Name)
		}
	} else if len(args) == 1 {
		p.Name = args[0]
	}
	if p.Name == "" {
		return nil, &UsageError{errors.New("the project has no name: give PROJECT or -f FILE")}
	}
	return p, s.apply(&p.Spec)
}

func newProjCreateCommand(r *root) *cobra.Command {
	spec := &projectSpec{}
	var file string
	var upsert bool
	cmd := &cobra.Command{
		Use: "create PROJECT", Short: "Create a project from flags or a manifest", Args: cobra.MaximumNArgs(1),
		Example: "  fairlead proj create demo -d https://kubernetes.default.svc,demo -s https://git.example.com/demo.git\n  fairlead proj create -f project.yaml",
	}
	spec.flags(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "file or URL with the manifest; - for standard input")
	cmd.Flags().BoolVar(&upsert, "upsert", false, "update it if it exists and differs")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := spec.project(r, file, args)
		if err != nil {
			return err
		}
		_, err = client.Call(ctx, c, protocol.ProjectCreate, &protocol.ProjectCreateRequest{Project: p, Upsert: upsert})
		return err
	})
	return cmd
}

func newProjSetCommand(r *root) *cobra.Command {
	spec := &projectSpec{}
	cmd := r.projChange(&cobra.Command{
		Use: "set PROJECT", Short: "Change the spec of a project", Args: exactArgs("PROJECT"),
		Example: "  fairlead proj set demo --orphaned-resources --allow-cluster-resource Namespace",
	}, func(p *v1alpha1.AppProject, _ []string) (bool, error) {
		if !spec.given() {
			//lint:ignore ST1005 argocd's text
			return false, &UsageError{errors.New("Please set at least one option to update")}
		}
		return true, spec.apply(&p.Spec)
	})
	spec.flags(cmd)
	return cmd
}

func newProjEditCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "edit PROJECT", Short: "Change the spec of a project in an editor", Args: exactArgs("PROJECT"), Example: "  EDITOR=nano fairlead proj edit demo",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
			if err != nil {
				return err
			}
			text, err := yaml.Marshal(p.Spec)
			if err != nil {
				return fmt.Errorf("printing the spec: %w", err)
			}
			return r.edit(ctx, args[0]+"-*-edit.yaml", text, func(changed []byte) error {
				spec := v1alpha1.AppProjectSpec{}
				if err := yaml.UnmarshalStrict(changed, &spec); err != nil {
					return fmt.Errorf("error unmarshaling input into project spec: %w", err)
				}
				current, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
				if err != nil {
					return fmt.Errorf("could not get project by project name: %w", err)
				}
				current.Spec = spec
				if _, err := client.Call(ctx, c, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: current}); err != nil {
					return fmt.Errorf("failed to update project:\n%w", err)
				}
				return nil
			})
		}),
	}
}

// projChange is a verb that changes a project: change does, and tells whether there is anything to write.
func (r *root) projChange(cmd *cobra.Command, change func(*v1alpha1.AppProject, []string) (bool, error)) *cobra.Command {
	return r.projChangeSaid(cmd, change, nil)
}

// projChangeSaid is projChange that tells when it is done; said is nil for saying nothing.
func (r *root) projChangeSaid(cmd *cobra.Command, change func(*v1alpha1.AppProject, []string) (bool, error), said func([]string) string) *cobra.Command {
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
		if err != nil {
			return err
		}
		changed, err := change(p, args)
		if err != nil || !changed {
			return err
		}
		if _, err := client.Call(ctx, c, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: p}); err != nil {
			return err
		}
		if said != nil {
			r.printf("%s\n", said(args))
		}
		return nil
	})
	return cmd
}
