package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppSetCreateCommand(r *root) *cobra.Command {
	request := &protocol.ApplicationSetCreateRequest{}
	var wait bool
	cmd := &cobra.Command{
		Use: "create FILE", Short: "Create ApplicationSets from a file or URL", Args: exactArgs("FILE"),
		Example: "  fairlead appset create set.yaml --upsert\n  fairlead appset create set.yaml --dry-run -o json | jq -r '.status.resources[].name'",
	}
	cmd.Flags().BoolVar(&request.Upsert, "upsert", false, "update those that exist and differ")
	cmd.Flags().BoolVar(&request.DryRun, "dry-run", false, "only show which applications they would make")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the applications are up to date")
	t := setTarget(cmd)
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		sets, err := r.readAppSets(args[0], t)
		if err != nil {
			return err
		}
		if len(sets) == 0 {
			return refused("No ApplicationSets found while parsing the input file")
		}
		for _, set := range sets {
			request.Applicationset = set
			created, err := r.createAppSet(ctx, c, request)
			if err != nil {
				return err
			}
			if err := r.printAppSet(created, format.Format); err != nil {
				return err
			}
			if !wait || request.DryRun {
				continue
			}
			if err := r.upToDate(ctx, c, created); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// readAppSets reads the ApplicationSets of a file; those without a namespace get the one that is given.
func (r *root) readAppSets(file string, t *target) ([]*v1alpha1.ApplicationSet, error) {
	text, err := r.readInput(file)
	if err != nil {
		return nil, err
	}
	sets, err := documents[v1alpha1.ApplicationSet](text)
	if err != nil {
		return nil, fmt.Errorf("error reading applicationset from file %s: %w", file, err)
	}
	for _, set := range sets {
		if set.Name == "" {
			return nil, errors.New("Error creating ApplicationSet. ApplicationSet does not have Name field set")
		}
		if set.Namespace == "" && t.namespace != "" {
			r.note("ApplicationSet YAML file does not have namespace; using --appset-namespace=%q.", t.namespace)
			set.Namespace = t.namespace
		}
	}
	return sets, nil
}

// createAppSet creates an ApplicationSet, and tells whether it was there before.
func (r *root) createAppSet(ctx context.Context, c *client.Client, request *protocol.ApplicationSetCreateRequest) (*v1alpha1.ApplicationSet, error) {
	set := request.Applicationset
	before, err := client.Call(ctx, c, protocol.ApplicationSetGet, &protocol.ApplicationSetGetQuery{Name: set.Name, AppsetNamespace: set.Namespace})
	if err != nil && connect.CodeOf(err) != connect.CodeNotFound {
		return nil, err
	}
	created, err := client.Call(ctx, c, protocol.ApplicationSetCreate, request)
	if err != nil {
		return nil, err
	}
	what, dry := "updated", ""
	switch {
	case before == nil:
		what = "created"
	case !request.Upsert || sameAppSet(before, created):
		what = "unchanged"
	}
	if request.DryRun {
		dry = " (dry-run)"
	}
	r.note("ApplicationSet '%s' %s%s", created.Name, what, dry)
	return created, nil
}

func sameAppSet(a, b *v1alpha1.ApplicationSet) bool {
	return reflect.DeepEqual(a.Spec, b.Spec) && slices.Equal(a.Finalizers, b.Finalizers) &&
		(len(a.Labels)+len(b.Labels) == 0 || reflect.DeepEqual(a.Labels, b.Labels)) &&
		(len(a.Annotations)+len(b.Annotations) == 0 || reflect.DeepEqual(a.Annotations, b.Annotations))
}

// upToDate waits until the applications of an ApplicationSet are as it says.
func (r *root) upToDate(ctx context.Context, c *client.Client, set *v1alpha1.ApplicationSet) error {
	query := &protocol.ApplicationSetGetQuery{Name: set.Name, AppsetNamespace: set.Namespace}
	err := every(ctx, func() (bool, error) {
		now, err := client.Call(ctx, c, protocol.ApplicationSetGet, query)
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(now.Status.Conditions, func(condition v1alpha1.ApplicationSetCondition) bool {
			return condition.Type == v1alpha1.ApplicationSetConditionResourcesUpToDate && condition.Status == "True"
		}), nil
	})
	if err == nil {
		r.note("ApplicationSet '%s' resources are up to date", set.Name)
	}
	return err
}

// gone waits until an ApplicationSet isn't there any more, if that is asked for.
func gone(ctx context.Context, c *client.Client, asked bool, query *protocol.ApplicationSetGetQuery) error {
	if !asked {
		return nil
	}
	return every(ctx, func() (bool, error) {
		_, err := client.Call(ctx, c, protocol.ApplicationSetGet, query)
		if connect.CodeOf(err) == connect.CodeNotFound {
			return true, nil
		}
		return false, err
	})
}

// every asks again and again until the answer is yes.
func every(ctx context.Context, ask func() (bool, error)) error {
	ticks := time.NewTicker(againAfter)
	defer ticks.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

func newAppSetGenerateCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "generate FILE", Short: "Show the applications that an ApplicationSet of a file would make", Args: exactArgs("FILE"),
		Example: "  fairlead appset generate set.yaml -o yaml",
	}
	t := setTarget(cmd)
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		sets, err := r.readAppSets(args[0], t)
		if err != nil {
			return err
		}
		if len(sets) != 1 {
			return refused("Input file must contain one ApplicationSet")
		}
		answer, err := client.Call(ctx, c, protocol.ApplicationSetGenerate, &protocol.ApplicationSetGenerateRequest{ApplicationSet: sets[0]})
		if err != nil {
			return err
		}
		var apps []v1alpha1.Application
		for _, app := range answer.Applications {
			app.Kind, app.APIVersion = "Application", v1alpha1.GroupVersion.String()
			apps = append(apps, *app)
		}
		if format.Format == output.Wide {
			return output.Print(r.streams.Out, output.Wide, apps, apps, appColumns)
		}
		return printAll(r, format.Format, apps)
	})
	return cmd
}

// printAll prints objects as documents of YAML, or as JSON: one alone, several as a list.
func printAll[T any](r *root, format output.Format, objects []T) error {
	if format == output.JSON {
		var value any = objects
		if len(objects) == 1 {
			value = objects[0]
		}
		_, err := output.Value(r.streams.Out, format, value)
		return err
	}
	for i, object := range objects {
		if i > 0 {
			r.printf("---\n")
		}
		if _, err := output.Value(r.streams.Out, output.YAML, object); err != nil {
			return err
		}
	}
	return nil
}
