package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// conditions are what is waited for.
type conditions struct{ sync, health, suspended, degraded, operation, deletion, hydrated bool }

func newAppWaitCommand(r *root) *cobra.Command {
	wait, t := &waiting{}, &target{}
	var selector string
	var resources []string
	cmd := &cobra.Command{
		Use: "wait APPNAME...", Short: "Wait until applications are synced and healthy", Args: someArgs("APPNAME", func() bool { return selector != "" }),
		Example: "  fairlead app wait echo-dev --timeout 2m\n  fairlead app wait echo-staging --suspended\n" +
			"  fairlead app wait echo-dev --resource apps:Deployment:echo\n  fairlead app wait -l stage=dev --health",
	}
	flags := cmd.Flags()
	flags.BoolVar(&wait.on.sync, "sync", false, "wait for Synced")
	flags.BoolVar(&wait.on.health, "health", false, "wait for Healthy")
	flags.BoolVar(&wait.on.suspended, "suspended", false, "wait for Suspended, as a paused canary is")
	flags.BoolVar(&wait.on.degraded, "degraded", false, "wait for Degraded")
	flags.BoolVar(&wait.on.operation, "operation", false, "wait for the end of the operation that runs")
	flags.BoolVar(&wait.on.deletion, "delete", false, "wait until the application is gone")
	flags.BoolVar(&wait.on.hydrated, "hydrated", false, "wait until the source hydrator's newest commit is rendered")
	flags.StringVarP(&selector, "selector", "l", "", "the applications with these labels")
	flags.StringArrayVar(&resources, "resource", nil, "only this object, [!]GROUP:KIND:[NAMESPACE/]NAME, with * for any; may be repeated")
	wait.timeout.flag(cmd, "how long to wait")
	t.flag(cmd)
	format := outputFlag(cmd, appFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) (err error) {
		if wait.on == (conditions{}) {
			wait.on = conditions{sync: true, health: true, operation: true}
		}
		wait.format = format.Format
		if wait.selected, err = parseResources(resources); err != nil {
			return err
		}
		names := args
		if selector != "" {
			more, err := named(ctx, c, &protocol.ApplicationQuery{Selector: selector})
			if err != nil {
				return err
			}
			names = append(names, more...)
		}
		for _, ref := range names {
			wait.namespace, wait.name = t.of(ref)
			if _, _, err := r.wait(ctx, c, *wait); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// met tells whether a health and a sync status are what is waited for.
func (on conditions) met(health, sync string, operation *v1alpha1.Operation) bool {
	if on.deletion {
		return false
	}
	healthy := !on.health && !on.suspended && !on.degraded ||
		on.health && health == string(v1alpha1.HealthStatusHealthy) ||
		on.suspended && health == string(v1alpha1.HealthStatusSuspended) ||
		on.degraded && health == string(v1alpha1.HealthStatusDegraded)
	return healthy && (!on.sync || sync == string(v1alpha1.SyncStatusCodeSynced)) && (!on.operation || operation == nil)
}

// ready tells whether an application, or what is selected of it, is as it should be.
func (w *waiting) ready(app *v1alpha1.Application) bool {
	if w.on.operation && operating(app) || w.on.hydrated && !hydrated(app.Status.SourceHydrator) {
		return false
	}
	if len(w.selected) == 0 {
		return w.on.met(string(app.Status.Health.Status), string(app.Status.Sync.Status), app.Operation)
	}
	for _, s := range objectStates(app, w.selected) {
		if !w.on.met(s.health, s.status, app.Operation) {
			return false
		}
	}
	return !w.on.deletion
}

// operating holds while an operation waits or runs, and until the application was compared after it.
func operating(app *v1alpha1.Application) bool {
	state := app.Status.OperationState
	switch {
	case app.Operation != nil:
		return true
	case state == nil:
		return false
	case state.FinishedAt == nil:
		return true
	case state.Operation.Sync != nil && state.Operation.Sync.DryRun:
		return false
	}
	return app.Status.ReconciledAt == nil || app.Status.ReconciledAt.Before(state.FinishedAt)
}

// hydrated tells whether what was last rendered is all that there is to render.
func hydrated(status *v1alpha1.SourceHydratorStatus) bool {
	if status == nil || status.CurrentOperation == nil || status.LastSuccessfulOperation == nil {
		return false
	}
	current, last := status.CurrentOperation, status.LastSuccessfulOperation
	return current.Phase == v1alpha1.HydrateOperationPhaseHydrated && current.DrySHA == last.DrySHA &&
		equality.Semantic.DeepEqual(current.SourceHydrator, last.SourceHydrator)
}

// timedOut is the error of a wait that ran out of time.
func (w *waiting) timedOut() error {
	return fmt.Errorf("timed out (%ss) waiting for app %q match desired state", w.timeout.String(), w.ref())
}
