package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppActionsCommand(r *root) *cobra.Command {
	cmd := group("actions", "What can be done with an application's objects: restart, scale, suspend and the like", []string{"action"},
		newAppActionsListCommand(r), newAppActionsRunCommand(r))
	r.aboutApps(cmd)
	return cmd
}

// objectFilter says which of an application's objects are meant. The flags are those of argocd.
type objectFilter struct {
	group, kind, namespace, name string
	target                       target
	// anyGroup holds where no group is given: the core group's name is empty.
	anyGroup bool
	// withoutItself leaves the Application out, which else is one of its own objects.
	withoutItself bool
}

func (f *objectFilter) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.kind, "kind", "", "kind of the objects")
	cmd.Flags().StringVar(&f.group, "group", "", "group of the objects; empty for the core group")
	cmd.Flags().StringVar(&f.namespace, "namespace", "", "namespace of the objects")
	cmd.Flags().StringVar(&f.name, "resource-name", "", "name of the object")
	f.target.flag(cmd)
}

// query finds the application, and is what the hub is asked for each object of it that is meant.
func (f *objectFilter) query(ctx context.Context, c *client.Client, ref string) ([]protocol.ApplicationResourceRequest, error) {
	namespace, name := f.target.of(ref)
	app, err := client.Call(ctx, c, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: name, AppNamespace: namespace})
	if err != nil {
		return nil, err
	}
	var found []protocol.ApplicationResourceRequest
	for _, o := range f.choose(app) {
		found = append(found, protocol.ApplicationResourceRequest{
			Name: name, AppNamespace: namespace, Group: o.Group, Version: o.Version, Kind: o.Kind, Namespace: o.Namespace, ResourceName: o.Name,
		})
	}
	if len(found) == 0 {
		return nil, errors.New("no matching resource found")
	}
	return found, nil
}

// choose are the live objects that are meant; the application is one of its own.
func (f *objectFilter) choose(app *v1alpha1.Application) []v1alpha1.ResourceStatus {
	itself := v1alpha1.ResourceStatus{
		Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: "Application", Namespace: app.Namespace, Name: app.Name,
	}
	objects := slices.Clone(app.Status.Resources)
	if !f.withoutItself {
		objects = append(objects, itself)
	}
	return slices.DeleteFunc(objects, func(o v1alpha1.ResourceStatus) bool {
		missing := o.Health != nil && o.Health.Status == "Missing"
		return missing || !f.anyGroup && f.group != o.Group || f.kind != "" && f.kind != o.Kind ||
			f.namespace != "" && f.namespace != o.Namespace || f.name != "" && f.name != o.Name
	})
}

// listedAction is a line of the list, with argocd's names in JSON and YAML.
type listedAction struct {
	Group, Kind, Name, Action string
	Disabled                  bool
}

func newAppActionsListCommand(r *root) *cobra.Command {
	filter := &objectFilter{}
	cmd := &cobra.Command{
		Use: "list APPNAME", Short: "List the actions that an application's objects have", Args: exactArgs("APPNAME"),
		Example: "  fairlead app actions list echo-production\n  fairlead app actions list echo-production --kind Deployment --resource-name web",
	}
	format := outputFlag(cmd)
	cmd.Flags().Var(format, "out", "the same as --output, as argocd calls it")
	filter.flags(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		filter.anyGroup = !cmd.Flags().Changed("group")
		objects, err := filter.query(ctx, c, args[0])
		if err != nil {
			return err
		}
		lines := []listedAction{}
		for i := range objects {
			answer, err := client.Call(ctx, c, protocol.ApplicationActions, &objects[i])
			if err != nil {
				return err
			}
			for _, a := range answer.Actions {
				lines = append(lines, listedAction{objects[i].Group, objects[i].Kind, objects[i].ResourceName, a.Name, a.Disabled})
			}
		}
		return output.Print(r.streams.Out, format.Format, lines, lines, []output.Column[listedAction]{
			{Title: "GROUP", Cell: func(a listedAction) string { return a.Group }},
			{Title: "KIND", Cell: func(a listedAction) string { return a.Kind }},
			{Title: "NAME", Cell: func(a listedAction) string { return a.Name }},
			{Title: "ACTION", Cell: func(a listedAction) string { return a.Action }},
			{Title: "DISABLED", Cell: func(a listedAction) string { return strconv.FormatBool(a.Disabled) }},
		})
	})
	return cmd
}

func newAppActionsRunCommand(r *root) *cobra.Command {
	filter, all, given := &objectFilter{}, false, []string{}
	cmd := &cobra.Command{
		Use: "run APPNAME ACTION", Short: "Run an action on objects of an application; --kind says of which kind", Args: exactArgs("APPNAME", "ACTION"),
		Example: "  fairlead app actions run echo-production restart --kind Deployment --resource-name web\n" +
			"  fairlead app actions run echo-production scale --kind Deployment --all --param replicas=3",
	}
	filter.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "run the action on all objects that match, if they are more than one")
	cmd.Flags().StringArrayVar(&given, "param", nil, "a parameter of the action, as NAME=VALUE; repeatable")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if filter.kind == "" {
			return &UsageError{errors.New(`required flag(s) "kind" not set`)}
		}
		params, err := actionParameters(given)
		if err != nil {
			return err
		}
		filter.anyGroup = !cmd.Flags().Changed("group")
		objects, err := filter.query(ctx, c, args[0])
		if err != nil {
			return err
		}
		if err := unambiguous(objects, all); err != nil {
			return err
		}
		for _, o := range objects {
			if _, err := client.Call(ctx, c, protocol.ApplicationRunActionV2, &protocol.ResourceActionRunRequestV2{
				Name: o.Name, AppNamespace: o.AppNamespace, Group: o.Group, Version: o.Version, Kind: o.Kind, Namespace: o.Namespace,
				ResourceName: o.ResourceName, Action: args[1], ResourceActionParameters: params,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// unambiguous makes sure that the objects are those that were meant.
func unambiguous(objects []protocol.ApplicationResourceRequest, all bool) error {
	if len(objects) > 1 && !all {
		return errors.New("multiple resources match inputs, use the --all flag to patch multiple resources")
	}
	for _, o := range objects {
		if o.Group != objects[0].Group {
			//lint:ignore ST1005 argocd's text
			return &UsageError{errors.New("Ambiguous resource group. Use flag --group to specify resource group explicitly.")}
		}
	}
	return nil
}

func actionParameters(given []string) ([]*protocol.ResourceActionParameters, error) {
	var params []*protocol.ResourceActionParameters
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, &UsageError{fmt.Errorf("parameter %q is not of the form NAME=VALUE", text)}
		}
		params = append(params, &protocol.ResourceActionParameters{Name: name, Value: value})
	}
	return params, nil
}
