package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/client"
)

// unsetting is what is taken out of a source.
type unsetting struct {
	prefix, suffix, version, namespace, missingComponents bool
	literal, missingFiles, credentials, ref               bool
	images, replicas, parameters, files, env              []string
}

func newAppUnsetCommand(r *root) *cobra.Command {
	what, source, t := &unsetting{}, &sourceFlags{}, &target{}
	cmd := &cobra.Command{
		Use: "unset APPNAME", Short: "Take overrides out of an application's spec", Args: exactArgs("APPNAME"),
		Example: "  fairlead app unset echo-dev --kustomize-image echo\n  fairlead app unset echo-dev -p image.tag\n" +
			"  fairlead app unset echo-dev --source-position 1 --namesuffix",
	}
	what.flags(cmd)
	source.flags(cmd)
	t.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		position, err := source.choose(&app.Spec, true)
		if err != nil {
			return err
		}
		chosen, err := appspec.At(&app.Spec, position)
		if err != nil {
			return err
		}
		if !what.asked() {
			_ = cmd.Help() // there is nowhere to say that saying it failed
			return &ExitCodeError{ExitUsage}
		}
		if !what.from(chosen) {
			return nil
		}
		if !r.confirm("Are you sure you want to unset the parameters? [y/n]") {
			r.printf("The command to unset the parameters has been cancelled.\n")
			return nil
		}
		return updateSpec(ctx, c, app, new(false))
	})
	return cmd
}

func (u *unsetting) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&u.parameters, "parameter", "p", nil, "Helm parameter; may be repeated")
	flags.StringArrayVar(&u.files, "values", nil, "Helm values file; may be repeated")
	flags.BoolVar(&u.literal, "values-literal", false, "the block of Helm values")
	flags.BoolVar(&u.missingFiles, "ignore-missing-value-files", false, "that missing Helm values files are skipped")
	flags.BoolVar(&u.suffix, "namesuffix", false, "Kustomize name suffix")
	flags.BoolVar(&u.prefix, "nameprefix", false, "Kustomize name prefix")
	flags.BoolVar(&u.version, "kustomize-version", false, "version of Kustomize")
	flags.BoolVar(&u.namespace, "kustomize-namespace", false, "namespace that Kustomize sets")
	flags.StringArrayVar(&u.images, "kustomize-image", nil, "image override, by the image's name; may be repeated")
	flags.StringArrayVar(&u.replicas, "kustomize-replica", nil, "replica override, by the workload's name; may be repeated")
	flags.BoolVar(&u.missingComponents, "ignore-missing-components", false, "that missing components are skipped")
	flags.StringArrayVar(&u.env, "plugin-env", nil, "variable for the plugin, by its name; may be repeated")
	flags.BoolVar(&u.credentials, "pass-credentials", false, "that credentials are sent to other hosts too")
	flags.BoolVar(&u.ref, "ref", false, "name by which other sources refer to this one")
}

// asked holds when there is anything to take out.
func (u *unsetting) asked() bool {
	return u.prefix || u.suffix || u.version || u.namespace || u.missingComponents || u.literal || u.missingFiles || u.credentials || u.ref ||
		len(u.images)+len(u.replicas)+len(u.parameters)+len(u.files)+len(u.env) > 0
}

// from takes out of a source what was asked; false when there was nothing of it.
func (u *unsetting) from(s *v1alpha1.ApplicationSource) bool {
	changed := unsetValue(&s.Ref, u.ref)
	if k := s.Kustomize; k != nil {
		for _, one := range []bool{
			unsetValue(&k.NamePrefix, u.prefix), unsetValue(&k.NameSuffix, u.suffix), unsetValue(&k.Version, u.version), unsetValue(&k.Namespace, u.namespace),
			unsetValue(&k.IgnoreMissingComponents, u.missingComponents),
			drop(&k.Images, u.images, func(i v1alpha1.KustomizeImage, name string) bool {
				return appspec.ImageName(i) == appspec.ImageName(v1alpha1.KustomizeImage(name))
			}),
			drop(&k.Replicas, u.replicas, func(r v1alpha1.KustomizeReplica, name string) bool { return r.Name == name }),
		} {
			changed = changed || one
		}
	}
	if h := s.Helm; h != nil {
		for _, one := range []bool{
			unsetValue(&h.Values, u.literal), unsetValue(&h.ValuesObject, u.literal), unsetValue(&h.IgnoreMissingValueFiles, u.missingFiles),
			unsetValue(&h.PassCredentials, u.credentials),
			drop(&h.Parameters, u.parameters, func(p v1alpha1.HelmParameter, name string) bool { return p.Name == name }),
			drop(&h.ValueFiles, u.files, func(file, name string) bool { return file == name }),
		} {
			changed = changed || one
		}
	}
	if p := s.Plugin; p != nil {
		changed = drop(&p.Env, u.env, func(e v1alpha1.EnvEntry, name string) bool { return e.Name == name }) || changed
	}
	return changed
}

// unsetValue sets a value to nothing if asked; true when that changed it.
func unsetValue[T comparable](value *T, asked bool) bool {
	var nothing T
	if !asked || *value == nothing {
		return false
	}
	*value = nothing
	return true
}

// drop takes items with these names out of a list; true when there were any.
func drop[S ~[]T, T any](items *S, names []string, is func(T, string) bool) bool {
	before := len(*items)
	*items = slices.DeleteFunc(*items, func(item T) bool {
		return slices.ContainsFunc(names, func(name string) bool { return is(item, name) })
	})
	return len(*items) != before
}
