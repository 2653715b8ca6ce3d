package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// refused is an error of argocd's own text, which ends with exit code 1.
func refused(text string) error { return &FailedError{errors.New(text)} }

// newProjPlaceCommands are the verbs that change from where and to where a project's applications may deploy.
func newProjPlaceCommands(r *root) []*cobra.Command {
	return []*cobra.Command{
		newProjDestinationCommand(r, true), newProjDestinationCommand(r, false),
		newProjAccountCommand(r, true), newProjAccountCommand(r, false),
		newProjOrphanCommand(r, true), newProjOrphanCommand(r, false),
		newProjKeyCommand(r, true), newProjKeyCommand(r, false),
		r.projList("add-source PROJECT URL", "Allow a repository", "https://git.example.com/demo.git", func(p *v1alpha1.AppProject, url string) (bool, error) {
			if slices.Contains(p.Spec.SourceRepos, "*") && url == "*" {
				r.printf("Source repository '*' already allowed in project\n")
				return false, nil
			}
			if slices.Contains(p.Spec.SourceRepos, url) {
				r.printf("Source repository '%s' already allowed in project\n", url)
				return false, nil
			}
			p.Spec.SourceRepos = append(p.Spec.SourceRepos, url)
			return true, nil
		}),
		r.projList("remove-source PROJECT URL", "No longer allow a repository", "https://git.example.com/demo.git", func(p *v1alpha1.AppProject, url string) (bool, error) {
			if !remove(&p.Spec.SourceRepos, url) {
				r.printf("Source repository '%s' does not exist in project\n", url)
				return false, nil
			}
			return true, nil
		}),
		r.projList("add-source-namespace PROJECT NAMESPACE", "Allow applications in a namespace", "team-a", func(p *v1alpha1.AppProject, namespace string) (bool, error) {
			if slices.Contains(p.Spec.SourceNamespaces, "*") || slices.Contains(p.Spec.SourceNamespaces, namespace) {
				r.printf("Source namespace '*' already allowed in project\n")
				return false, nil
			}
			p.Spec.SourceNamespaces = append(p.Spec.SourceNamespaces, namespace)
			return true, nil
		}),
		r.projList("remove-source-namespace PROJECT NAMESPACE", "No longer allow applications in a namespace", "team-a", func(p *v1alpha1.AppProject, namespace string) (bool, error) {
			if !remove(&p.Spec.SourceNamespaces, namespace) {
				r.printf("Source namespace '%s' does not exist in project or cannot be removed\n", namespace)
				return false, nil
			}
			return true, nil
		}),
	}
}

// projList is a verb that takes a project and one text.
func (r *root) projList(use, short, example string, change func(*v1alpha1.AppProject, string) (bool, error)) *cobra.Command {
	words := strings.Fields(use)
	return r.projChange(&cobra.Command{
		Use: use, Short: short, Args: exactArgs(words[1:]...), Example: "  fairlead proj " + words[0] + " demo " + example,
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) { return change(p, args[1]) })
}

// remove takes an item out of a list; false when it isn't there.
func remove[T comparable](items *[]T, item T) bool {
	i := slices.Index(*items, item)
	if i < 0 {
		return false
	}
	*items = slices.Delete(*items, i, i+1)
	return true
}

// alter puts an item into a list, or takes it out; it is an error if there is nothing to change.
func alter[T comparable](items *[]T, item T, add bool, there, missing string) (bool, error) {
	switch {
	case add && slices.Contains(*items, item):
		return false, refused(there)
	case add:
		*items = append(*items, item)
	case !remove(items, item):
		return false, refused(missing)
	}
	return true, nil
}

// verb is add or remove.
func verb(add bool) string {
	if add {
		return "add"
	}
	return "remove"
}

func newProjDestinationCommand(r *root, add bool) *cobra.Command {
	var named bool
	cmd := r.projChange(&cobra.Command{
		Use: verb(add) + "-destination PROJECT SERVER NAMESPACE", Short: strings.ToUpper(verb(add)[:1]) + verb(add)[1:] + " a destination of a project",
		Args: exactArgs("PROJECT", "SERVER", "NAMESPACE"), Example: "  fairlead proj " + verb(add) + "-destination demo https://kubernetes.default.svc demo",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		d := v1alpha1.ApplicationDestination{Server: args[1], Namespace: args[2]}
		if named {
			d = v1alpha1.ApplicationDestination{Name: args[1], Namespace: args[2]}
		}
		if !add && !named { // the cluster's name, which may stand beside the server, isn't asked for
			i := slices.IndexFunc(p.Spec.Destinations, func(o v1alpha1.ApplicationDestination) bool {
				return o.Server == d.Server && o.Namespace == d.Namespace
			})
			if i >= 0 {
				d = p.Spec.Destinations[i]
			}
		}
		return alter(&p.Spec.Destinations, d, add, "Specified destination is already defined in project", "Specified destination does not exist in project")
	})
	cmd.Flags().BoolVar(&named, "name", false, "SERVER is the cluster's name instead of its URL")
	return cmd
}

func newProjAccountCommand(r *root, add bool) *cobra.Command {
	var namespace string
	cmd := r.projChange(&cobra.Command{
		Use: verb(add) + "-destination-service-account PROJECT SERVER NAMESPACE SERVICE_ACCOUNT", Short: "Account that syncs to a destination run as: " + verb(add) + " it",
		Args:    exactArgs("PROJECT", "SERVER", "NAMESPACE", "SERVICE_ACCOUNT"),
		Example: "  fairlead proj " + verb(add) + "-destination-service-account demo https://kubernetes.default.svc demo deployer",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		account := args[3]
		if strings.ContainsAny(namespace, "*?[") {
			return false, refused("service-account-namespace for DestinationServiceAccount must not contain wildcards")
		}
		if strings.ContainsAny(account, "*?[") {
			return false, refused("ServiceAccount for DestinationServiceAccount must not contain wildcards")
		}
		if namespace != "" {
			account = namespace + ":" + account
		}
		return alter(&p.Spec.DestinationServiceAccounts,
			v1alpha1.ApplicationDestinationServiceAccount{Server: args[1], Namespace: args[2], DefaultServiceAccount: account}, add,
			"Specified destination service account is already defined in project", "Specified destination service account does not exist in project")
	})
	cmd.Flags().StringVar(&namespace, "service-account-namespace", "", "namespace of the account; default: the destination's")
	return cmd
}

func newProjOrphanCommand(r *root, add bool) *cobra.Command {
	var name string
	cmd := r.projChange(&cobra.Command{
		Use: verb(add) + "-orphaned-ignore PROJECT GROUP KIND", Short: "Objects that are no orphans: " + verb(add) + " a kind of them",
		Args: exactArgs("PROJECT", "GROUP", "KIND"), Example: "  fairlead proj " + verb(add) + "-orphaned-ignore demo '' ConfigMap --name 'kube-*'",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		if p.Spec.OrphanedResources == nil {
			if !add {
				return false, refused("Specified resource does not exist in the orphaned ignore list of project")
			}
			p.Spec.OrphanedResources = &v1alpha1.OrphanedResourcesMonitorSettings{}
		}
		return alter(&p.Spec.OrphanedResources.Ignore, v1alpha1.OrphanedResourceKey{Group: args[1], Kind: args[2], Name: name}, add,
			"Specified resource is already defined in the orphaned ignore list of project",
			"Specified resource does not exist in the orphaned ignore of project")
	})
	cmd.Flags().StringVar(&name, "name", "", "name of the objects, * allowed")
	return cmd
}

func newProjKeyCommand(r *root, add bool) *cobra.Command {
	return r.projChange(&cobra.Command{
		Use: verb(add) + "-signature-key PROJECT KEY-ID", Short: "GnuPG keys that commits must be signed with: " + verb(add) + " one",
		Args: exactArgs("PROJECT", "KEY-ID"), Example: "  fairlead proj " + verb(add) + "-signature-key demo 4AEE18F83AFDEB23",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		id, err := keyID(args[1])
		if err != nil {
			return false, refused(err.Error())
		}
		return alter(&p.Spec.SignatureKeys, v1alpha1.SignatureKey{KeyID: id}, add,
			"Specified signature key is already defined in project", "Specified signature key is not configured for project")
	})
}

// newProjKindCommands are the verbs that change which kinds a project's applications may have.
func newProjKindCommands(r *root) []*cobra.Command {
	var commands []*cobra.Command
	for _, allow := range []bool{true, false} {
		for _, namespaced := range []bool{true, false} {
			commands = append(commands, newProjKindCommand(r, allow, namespaced))
		}
	}
	return commands
}

func newProjKindCommand(r *root, allow, namespaced bool) *cobra.Command {
	word, scope, list := "deny", "cluster", "allow"
	if allow {
		word = "allow"
	}
	if namespaced {
		scope, list = "namespace", "deny"
	}
	use := word + "-" + scope + "-resource PROJECT GROUP KIND"
	if !namespaced {
		use += " [NAME]"
	}
	cmd := r.projChange(&cobra.Command{
		Use: use, Short: strings.ToUpper(word[:1]) + word[1:] + " a kind, in its list or out of the opposite one",
		Example: "  fairlead proj " + word + "-" + scope + "-resource demo apps Deployment",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 4 && !namespaced {
				return nil
			}
			return exactArgs("PROJECT", "GROUP", "KIND")(cmd, args)
		},
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		allowed := list == "allow" || list == "white"
		add := allowed == allow
		changed, text := changeKinds(&p.Spec, args[1:], allowed, add, namespaced)
		if changed {
			r.printf("%s\n", text)
		}
		return changed, nil
	})
	cmd.Flags().StringVarP(&list, "list", "l", list, "the list that is changed: allow or deny")
	return cmd
}

// changeKinds puts a kind into a list of a project, or takes it out; false when that is no change.
func changeKinds(spec *v1alpha1.AppProjectSpec, kind []string, allowed, add, namespaced bool) (bool, string) {
	action := "denied"
	if allowed {
		action = "allowed"
	}
	done := "removed from"
	if add {
		done = "added to"
	}
	if namespaced {
		items := &spec.NamespaceResourceBlacklist
		if allowed {
			items = &spec.NamespaceResourceWhitelist
		}
		changed, _ := alter(items, groupKinds([]string{kind[0] + "/" + kind[1]})[0], add, "", "") // an error says that nothing changes
		return changed, fmt.Sprintf("Group '%s' and kind '%s' is %s %s namespaced resources", kind[0], kind[1], done, action)
	}
	items := &spec.ClusterResourceBlacklist
	if allowed {
		items = &spec.ClusterResourceWhitelist
	}
	item := v1alpha1.ClusterResourceRestrictionItem{Group: kind[0], Kind: kind[1]}
	if len(kind) > 2 {
		item.Name = kind[2]
	}
	changed, _ := alter(items, item, add, "", "") // an error says that nothing changes
	return changed, fmt.Sprintf("Group '%s', kind '%s', and name '%s' is %s %s cluster resources", item.Group, item.Kind, item.Name, done, action)
}
