package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

type syncFlags struct {
	revision             string
	prune, dryRun, force bool
	async                bool
	resources            []string
	timeout              time.Duration
}

func newAppSyncCommand(r *root) *cobra.Command {
	flags := syncFlags{}
	cmd := &cobra.Command{
		Use:   "sync APP...",
		Short: "Make the cluster what Git says; a changed Rollout begins its canary",
		Long: `Make the cluster what Git says. Where the application's workload is a Rollout, its canary begins: the command returns
once the manifests are applied, and 'fairlead rollout get' shows how the canary goes on.
Syncing releases the hold of a rollback: a version is chosen.`,
		Example: `  fairlead app sync echo-staging
  fairlead app sync echo-production --revision 1f0c9a2 --dry-run
  fairlead app sync echo-production --resource apps:Deployment:echo`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return exactArgs("APP")(cmd, args)
		},
	}
	cmd.Flags().StringVar(&flags.revision, "revision", "", "branch, tag or commit; default: the application's own")
	cmd.Flags().BoolVar(&flags.prune, "prune", false, "delete what Git no longer has")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what would happen")
	cmd.Flags().BoolVar(&flags.force, "force", false, "delete and create what can't be updated")
	cmd.Flags().BoolVar(&flags.async, "async", false, "don't wait for the end")
	cmd.Flags().StringSliceVar(&flags.resources, "resource", nil, "only this object, GROUP:KIND:[NAMESPACE/]NAME; may be repeated")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", 10*time.Minute, "how long to wait for the end; 0 for ever")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		for _, ref := range args {
			if err := r.sync(ctx, c, ref, flags); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

func (r *root) sync(ctx context.Context, c *client.Client, ref string, flags syncFlags) error {
	namespace, name := appRef(ref)
	request := &protocol.ApplicationSyncRequest{
		Name: name, AppNamespace: namespace, Revision: flags.revision, Prune: flags.prune, DryRun: flags.dryRun,
	}
	if flags.force {
		request.Strategy = &v1alpha1.SyncStrategy{Hook: &v1alpha1.SyncStrategyHook{SyncStrategyApply: v1alpha1.SyncStrategyApply{Force: true}}}
	}
	for _, text := range flags.resources {
		resource, err := parseResource(text)
		if err != nil {
			return &UsageError{err}
		}
		request.Resources = append(request.Resources, resource)
	}
	app, err := client.Call(ctx, c, protocol.ApplicationSync, request)
	if err != nil {
		return err
	}
	if flags.async {
		r.printf("sync of application '%s' started\n", name)
		return nil
	}
	app, err = r.waitForOperation(ctx, c, app, flags.timeout)
	if err != nil {
		return err
	}
	return r.printOperation(app)
}

// parseResource reads GROUP:KIND:[NAMESPACE/]NAME.
func parseResource(text string) (v1alpha1.SyncOperationResource, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return v1alpha1.SyncOperationResource{}, fmt.Errorf("reading resource %q: it should be GROUP:KIND:[NAMESPACE/]NAME", text)
	}
	resource := v1alpha1.SyncOperationResource{Group: parts[0], Kind: parts[1], Name: parts[2]}
	if namespace, name, ok := strings.Cut(parts[2], "/"); ok {
		resource.Namespace, resource.Name = namespace, name
	}
	return resource, nil
}

// printOperation shows what an operation did; the error says that it failed.
func (r *root) printOperation(app *v1alpha1.Application) error {
	state := app.Status.OperationState
	if state.SyncResult != nil && len(state.SyncResult.Resources) > 0 {
		err := output.Print(r.streams.Out, output.Table, nil, state.SyncResult.Resources, []output.Column[*v1alpha1.ResourceResult]{
			{Title: "KIND", Cell: func(s *v1alpha1.ResourceResult) string { return s.Kind }},
			{Title: "NAMESPACE", Cell: func(s *v1alpha1.ResourceResult) string { return s.Namespace }},
			{Title: "NAME", Cell: func(s *v1alpha1.ResourceResult) string { return s.Name }},
			{Title: "RESULT", Cell: func(s *v1alpha1.ResourceResult) string { return firstOf(string(s.Status), string(s.HookPhase)) }},
			{Title: "MESSAGE", Cell: func(s *v1alpha1.ResourceResult) string { return s.Message }},
		})
		if err != nil {
			return err
		}
	}
	revision := ""
	if state.SyncResult != nil {
		revision = " at " + short(state.SyncResult.Revision)
	}
	r.printf("application '%s'%s: %s\n", app.Name, revision, operationText(state))
	if state.Phase != v1alpha1.OperationSucceeded {
		return &FailedError{fmt.Errorf("operation on application '%s' ended as %s: %s", app.Name, state.Phase, state.Message)}
	}
	return nil
}
