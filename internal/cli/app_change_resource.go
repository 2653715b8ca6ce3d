package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// objectChange is what the commands that change live objects have in common.
type objectChange struct {
	filter  objectFilter
	all     bool
	project string
}

func (o *objectChange) flags(cmd *cobra.Command) {
	o.filter.flags(cmd)
	_ = cmd.MarkFlagRequired("kind") // it was added one line above
	cmd.Flags().BoolVar(&o.all, "all", false, "all objects that match, if they are more than one")
	cmd.Flags().StringVar(&o.project, "project", "", "project of the application; with it an application that isn't there is said not to be")
}

// objects are those that are meant, which must be one unless --all is given. The application itself is none of them.
func (o *objectChange) objects(ctx context.Context, cmd *cobra.Command, c *client.Client, ref string) ([]protocol.ApplicationResourceRequest, error) {
	o.filter.anyGroup, o.filter.withoutItself = !cmd.Flags().Changed("group"), true
	objects, err := o.filter.query(ctx, c, ref)
	if err == nil && len(objects) > 1 && !o.all {
		err = errors.New("multiple resources match inputs, use the --all flag to patch multiple resources")
	}
	return objects, err
}

func newAppPatchResourceCommand(r *root) *cobra.Command {
	change := &objectChange{}
	var patch, kind string
	cmd := &cobra.Command{
		Use: "patch-resource APPNAME", Short: "Change a live object of an application by a patch", Args: exactArgs("APPNAME"),
		Example: `  fairlead app patch-resource echo-dev --kind Deployment --resource-name echo --patch '{"spec": {"replicas": 2}}'`,
	}
	cmd.Flags().StringVar(&patch, "patch", "", "the patch; required")
	_ = cmd.MarkFlagRequired("patch") // it was added one line above
	cmd.Flags().StringVar(&kind, "patch-type", "application/merge-patch+json",
		"application/json-patch+json, application/merge-patch+json or application/strategic-merge-patch+json")
	change.flags(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		objects, err := change.objects(ctx, cmd, c, args[0])
		if err != nil {
			return err
		}
		for _, o := range objects {
			if _, err := client.Call(ctx, c, protocol.ApplicationPatchObject, &protocol.ApplicationResourcePatchRequest{
				Name: o.Name, AppNamespace: o.AppNamespace, Project: change.project, Group: o.Group, Version: o.Version, Kind: o.Kind,
				Namespace: o.Namespace, ResourceName: o.ResourceName, Patch: patch, PatchType: kind,
			}); err != nil {
				return err
			}
			r.note("Resource '%s' patched", o.ResourceName)
		}
		return nil
	})
	return cmd
}

func newAppDeleteResourceCommand(r *root) *cobra.Command {
	change := &objectChange{}
	var force, orphan bool
	cmd := &cobra.Command{
		Use: "delete-resource APPNAME", Short: "Delete a live object of an application", Args: exactArgs("APPNAME"),
		Example: "  fairlead app delete-resource echo-dev --kind Deployment --resource-name echo",
	}
	cmd.Flags().BoolVar(&force, "force", false, "give pods no time to end")
	cmd.Flags().BoolVar(&orphan, "orphan", false, "leave what the object owns")
	change.flags(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		objects, err := change.objects(ctx, cmd, c, args[0])
		if err != nil {
			return err
		}
		for _, o := range objects {
			what := fmt.Sprintf("%s/%s %s/%s", o.Group, o.Kind, o.Namespace, o.ResourceName)
			if !r.confirm("Are you sure you want to delete " + what + " ? [y/n]") {
				r.printf("The command to delete %s was cancelled.\n", what)
				continue
			}
			if _, err := client.Call(ctx, c, protocol.ApplicationDeleteObject, &protocol.ApplicationResourceDeleteRequest{
				Name: o.Name, AppNamespace: o.AppNamespace, Project: change.project, Group: o.Group, Version: o.Version, Kind: o.Kind,
				Namespace: o.Namespace, ResourceName: o.ResourceName, Force: force, Orphan: orphan,
			}); err != nil {
				return err
			}
			r.note("Resource '%s' deleted", o.ResourceName)
		}
		return nil
	})
	return cmd
}
