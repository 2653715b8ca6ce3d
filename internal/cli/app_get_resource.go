package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// objectView is which objects are shown, and what of them.
type objectView struct {
	name, kind, group, project string
	fields                     []string
	managed                    bool
}

func newAppGetResourceCommand(r *root) *cobra.Command {
	view, t := &objectView{}, &target{}
	cmd := &cobra.Command{
		Use: "get-resource APPNAME", Short: "Show live objects of an application, or some of their fields", Args: exactArgs("APPNAME"),
		Example: "  fairlead app get-resource echo-dev --kind Pod --resource-name echo-0 -o yaml\n" +
			"  fairlead app get-resource echo-dev --kind Pod --filter-fields status.podIP,status.hostIP",
	}
	cmd.Flags().StringVar(&view.name, "resource-name", "", "name of the object; default: all of the kind")
	cmd.Flags().StringVar(&view.kind, "kind", "", "kind of the objects; required")
	_ = cmd.MarkFlagRequired("kind") // it was added one line above
	cmd.Flags().StringVar(&view.group, "group", "", "group of the objects")
	cmd.Flags().StringVar(&view.project, "project", "", "project of the application")
	cmd.Flags().StringSliceVar(&view.fields, "filter-fields", nil, "fields to show, such as status.podIP; default: all")
	cmd.Flags().BoolVar(&view.managed, "show-managed-fields", false, "show the managed fields too")
	t.flag(cmd)
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		namespace, name := t.of(args[0])
		objects, err := view.objects(ctx, c, namespace, name)
		if err != nil {
			return err
		}
		var names []string
		for _, o := range objects {
			names = append(names, o.GetName())
		}
		if err := r.printObjectsAs(objects, view, format.Format); err != nil {
			return err
		}
		r.note("Resources '%s' fetched", strings.Join(names, ", "))
		return nil
	})
	return cmd
}

// objects gets the live objects that are meant, with the fields that are wanted.
func (v *objectView) objects(ctx context.Context, c *client.Client, namespace, name string) ([]*unstructured.Unstructured, error) {
	tree, err := client.Call(ctx, c, protocol.ApplicationResourceTree, &protocol.ResourcesQuery{ApplicationName: name, AppNamespace: namespace})
	if err != nil {
		return nil, err
	}
	var found []*unstructured.Unstructured
	for _, node := range tree.Nodes {
		if v.name != "" && v.name != node.Name || v.group != "" && v.group != node.Group || v.kind != node.Kind {
			continue
		}
		answer, err := client.Call(ctx, c, protocol.ApplicationResource, &protocol.ApplicationResourceRequest{
			Name: name, AppNamespace: namespace, Project: v.project,
			Group: node.Group, Version: node.Version, Kind: node.Kind, Namespace: node.Namespace, ResourceName: node.Name,
		})
		if err != nil {
			return nil, err
		}
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(answer.Manifest), &u.Object); err != nil {
			return nil, fmt.Errorf("reading an object from the hub: %w", err)
		}
		if !v.managed {
			unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
		}
		if len(v.fields) > 0 {
			u = only(u, v.fields)
		}
		found = append(found, u)
	}
	return found, nil
}

// only is an object with these fields alone, and its name. A path goes through lists to the field of each item.
func only(u *unstructured.Unstructured, fields []string) *unstructured.Unstructured {
	kept := map[string]any{}
	for _, field := range fields {
		if value := pick(u.Object, strings.Split(field, ".")); value != nil {
			merge(kept, value.(map[string]any))
		}
	}
	filtered := &unstructured.Unstructured{Object: kept}
	filtered.SetName(u.GetName())
	return filtered
}

// pick is a value with nothing but what a path leads to; nil if it leads nowhere.
func pick(value any, path []string) any {
	if len(path) == 0 {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		if below := pick(value[path[0]], path[1:]); below != nil {
			return map[string]any{path[0]: below}
		}
	case []any:
		var items []any
		for _, item := range value {
			if below := pick(item, path); below != nil {
				items = append(items, below)
			}
		}
		if items != nil {
			return items
		}
	}
	return nil
}

func merge(into, from map[string]any) {
	for key, value := range from {
		below, isMap := value.(map[string]any)
		old, wasMap := into[key].(map[string]any)
		if isMap && wasMap {
			merge(old, below)
			continue
		}
		into[key] = value
	}
}

// printObjectsAs prints objects as documents, or their fields as a table.
func (r *root) printObjectsAs(objects []*unstructured.Unstructured, view *objectView, format output.Format) error {
	if format == output.JSON || format == output.YAML {
		for i, u := range objects {
			text, err := json.MarshalIndent(u.Object, "", " ")
			if format == output.YAML {
				text, err = yaml.Marshal(u.Object)
			}
			if err != nil {
				return fmt.Errorf("printing an object: %w", err)
			}
			if i > 0 {
				r.printf("---\n")
			}
			r.printf("%s\n", text)
		}
		return nil
	}
	rows := [][]string{{"FIELD", "VALUE"}}
	if view.name == "" {
		rows[0] = []string{"FIELD", "RESOURCE NAME", "VALUE"}
	}
	for _, u := range objects {
		name := u.GetName()
		if len(view.fields) > 0 {
			unstructured.RemoveNestedField(u.Object, "metadata", "name")
		}
		flatten("", u.Object, func(field string, value any) {
			row := []string{field, oneLine(fmt.Sprint(value))}
			if view.name == "" {
				row = []string{field, name, row[1]}
			}
			rows = append(rows, row)
		})
	}
	return output.Lines(r.streams.Out, rows)
}

// flatten visits the leaves of an object, by their paths in order.
func flatten(path string, value any, leaf func(string, any)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			flatten(strings.TrimPrefix(path+"."+key, "."), value[key], leaf)
		}
	case []any:
		for i, item := range value {
			flatten(fmt.Sprintf("%s[%d]", path, i), item, leaf)
		}
	default:
		leaf(path, value)
	}
}
