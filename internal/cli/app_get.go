package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
)

func newAppGetCommand(r *root) *cobra.Command {
	var refresh, hard bool
	cmd := &cobra.Command{
		Use: "get APP", Short: "Show an application: state, resources, conditions", Args: exactArgs("APP"),
		Example: "  fairlead app get echo-production\n  fairlead app get echo-dev --refresh -o yaml",
	}
	cmd.Flags().BoolVar(&refresh, "refresh", false, "compare with Git first")
	cmd.Flags().BoolVar(&hard, "hard-refresh", false, "render anew and compare first")
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		mode := ""
		switch {
		case hard:
			mode = "hard"
		case refresh:
			mode = "normal"
		}
		app, err := getApp(ctx, c, args[0], mode)
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, app); done {
			return err
		}
		return r.printApp(app)
	})
	return cmd
}

func (r *root) printApp(app *v1alpha1.Application) error {
	source := firstSource(*app)
	err := output.Fields(r.streams.Out,
		[2]string{"Name", app.Name},
		[2]string{"Project", app.Spec.ProjectName()},
		[2]string{"Destination", destination(app.Spec.Destination)},
		[2]string{"Source", source.RepoURL + " " + firstOf(source.Path, source.Chart) + " @ " + firstOf(source.TargetRevision, "HEAD")},
		[2]string{"Sync Policy", policy(*app)},
		[2]string{"Sync Status", fmt.Sprintf("%s (%s)", app.Status.Sync.Status, firstOf(short(app.Status.Sync.Revision), "no revision"))},
		[2]string{"Health Status", joinNonEmpty(string(app.Status.Health.Status), app.Status.Health.Message)},
		[2]string{"Hold", holdText(app)},
		[2]string{"Operation", operationText(app.Status.OperationState)},
	)
	if err != nil {
		return err
	}
	for _, condition := range app.Status.Conditions {
		r.printf("\n%s: %s\n", condition.Type, condition.Message)
	}
	if len(app.Status.Resources) == 0 {
		return nil
	}
	r.printf("\n")
	return output.Print(r.streams.Out, output.Table, nil, app.Status.Resources, []output.Column[v1alpha1.ResourceStatus]{
		{Title: "GROUP", Cell: func(s v1alpha1.ResourceStatus) string { return s.Group }},
		{Title: "KIND", Cell: func(s v1alpha1.ResourceStatus) string { return s.Kind }},
		{Title: "NAMESPACE", Cell: func(s v1alpha1.ResourceStatus) string { return s.Namespace }},
		{Title: "NAME", Cell: func(s v1alpha1.ResourceStatus) string { return s.Name }},
		{Title: "STATUS", Cell: func(s v1alpha1.ResourceStatus) string { return string(s.Status) }},
		{Title: "HEALTH", Cell: func(s v1alpha1.ResourceStatus) string {
			if s.Health == nil {
				return ""
			}
			return joinNonEmpty(string(s.Health.Status), s.Health.Message)
		}},
	})
}

func holdText(app *v1alpha1.Application) string {
	hold, err := app.Hold()
	switch {
	case err != nil:
		return "unreadable; release it with 'fairlead app release " + app.Name + "'"
	case hold == nil:
		return ""
	}
	return fmt.Sprintf("rolled back to %s (history %d) by %s at %s; release it with 'fairlead app release %s'",
		short(hold.Revision), hold.HistoryID, firstOf(hold.By, "unknown"), hold.At.Format(time.RFC3339), app.Name)
}

func operationText(state *v1alpha1.OperationState) string {
	if state == nil {
		return ""
	}
	return joinNonEmpty(string(state.Phase), state.Message)
}

func joinNonEmpty(first, second string) string {
	if second == "" {
		return first
	}
	return first + ": " + second
}
