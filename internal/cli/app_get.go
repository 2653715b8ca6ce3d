package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// appFormats are how one application is shown.
var appFormats = []output.Format{output.Wide, output.JSON, output.YAML, output.Tree, output.Detailed}

// getFlags are what `app get` shows besides.
type getFlags struct {
	refresh, hard, operation, parameters bool
	source                               sourceFlags
	timeout                              seconds
}

func newAppGetCommand(r *root) *cobra.Command {
	flags, t := &getFlags{}, &target{}
	cmd := &cobra.Command{
		Use: "get APPNAME", Short: "Show an application: state, resources, conditions", Args: exactArgs("APPNAME"),
		Example: "  fairlead app get echo-production\n  fairlead app get echo-dev --refresh -o yaml\n  fairlead app get echo-dev -o tree=detailed",
	}
	cmd.Flags().BoolVar(&flags.refresh, "refresh", false, "compare with Git first")
	cmd.Flags().BoolVar(&flags.hard, "hard-refresh", false, "render anew and compare first")
	cmd.Flags().BoolVar(&flags.operation, "show-operation", false, "show the last operation too")
	cmd.Flags().BoolVar(&flags.parameters, "show-params", false, "show the Helm parameters too")
	flags.timeout.flag(cmd, "how long to wait for the comparison; after it the state before is shown")
	flags.source.flags(cmd)
	t.flag(cmd)
	format := outputFlag(cmd, appFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		app, err := t.getInTime(ctx, c, args[0], flags)
		if err != nil {
			return err
		}
		position, err := flags.source.choose(&app.Spec, flags.parameters)
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, app); done {
			return err
		}
		return r.printApp(ctx, c, app, flags, position, format.Format)
	})
	return cmd
}

// getInTime gets an application, without the comparison if that takes too long.
func (t *target) getInTime(ctx context.Context, c *client.Client, ref string, flags *getFlags) (*v1alpha1.Application, error) {
	bounded := ctx
	if flags.timeout > 0 {
		with, cancel := context.WithTimeout(ctx, time.Duration(flags.timeout))
		defer cancel()
		bounded = with
	}
	app, err := t.get(bounded, c, ref, refreshMode(flags.refresh, flags.hard))
	if errors.Is(bounded.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return t.get(ctx, c, ref, "")
	}
	return app, err
}

func (r *root) printApp(ctx context.Context, c *client.Client, app *v1alpha1.Application, flags *getFlags, position int, format output.Format) error {
	url, err := appURL(ctx, c, app.Name)
	if err != nil {
		return err
	}
	windows, err := client.Call(ctx, c, protocol.ApplicationSyncWindows, &protocol.ApplicationSyncWindowsQuery{Name: app.Name, AppNamespace: app.Namespace})
	if err != nil {
		return err
	}
	r.printSummary(app, url, windows)
	if len(app.Status.Conditions) > 0 {
		r.printf("\n")
		if err := r.printConditions(app); err != nil {
			return err
		}
		r.printf("\n")
	}
	if flags.operation && app.Status.OperationState != nil {
		r.printf("\n")
		r.printOperation(app.Status.OperationState)
	}
	if flags.parameters {
		source, err := appspec.At(&app.Spec, position)
		if err != nil {
			return err
		}
		if err := r.printParameters(*source); err != nil {
			return err
		}
	}
	return r.printParts(ctx, c, app, format)
}

// printParts shows the objects of an application as a table or as a tree.
func (r *root) printParts(ctx context.Context, c *client.Client, app *v1alpha1.Application, format output.Format) error {
	switch {
	case format == output.Tree || format == output.Detailed:
		return r.printTree(ctx, c, app, format == output.Detailed)
	case len(app.Status.Resources) == 0:
		return nil
	}
	r.printf("\n")
	return r.printObjects(app)
}
