package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppWaitCommand(r *root) *cobra.Command {
	var sync, health, operation, suspended bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "wait APP", Short: "Wait until an application is synced and healthy", Args: exactArgs("APP"),
		Example: "  fairlead app wait echo-dev --timeout 2m\n  fairlead app wait echo-staging --suspended",
	}
	cmd.Flags().BoolVar(&sync, "sync", false, "wait for Synced")
	cmd.Flags().BoolVar(&health, "health", false, "wait for Healthy")
	cmd.Flags().BoolVar(&operation, "operation", false, "wait for the end of the operation that runs")
	cmd.Flags().BoolVar(&suspended, "suspended", false, "wait for Suspended, as a paused canary is")
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait; 0 for ever")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if !sync && !health && !operation && !suspended {
			sync, health, operation = true, true, true
		}
		app, err := r.watchApp(ctx, c, args[0], timeout, func(app *v1alpha1.Application) bool {
			state := app.Status.OperationState
			return (!sync || app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced) &&
				(!operation || app.Operation == nil && (state == nil || state.Phase.Completed())) &&
				healthReached(app.Status.Health.Status, health, suspended)
		})
		if err != nil {
			return err
		}
		r.printf("application '%s' is %s and %s\n", app.Name, app.Status.Sync.Status, app.Status.Health.Status)
		return nil
	})
	return cmd
}

func healthReached(status v1alpha1.HealthStatusCode, healthy, suspended bool) bool {
	if !healthy && !suspended {
		return true
	}
	return healthy && status == v1alpha1.HealthStatusHealthy || suspended && status == v1alpha1.HealthStatusSuspended
}

// waitForOperation waits until the operation that was just asked for has ended. Asked is the answer to the request: what
// the stream tells of the time before it doesn't count.
func (r *root) waitForOperation(ctx context.Context, c *client.Client, asked *v1alpha1.Application, timeout time.Duration) (*v1alpha1.Application, error) {
	return r.watchApp(ctx, c, asked.Namespace+"/"+asked.Name, timeout, func(app *v1alpha1.Application) bool {
		newer, err := resourceversion.CompareResourceVersion(app.ResourceVersion, asked.ResourceVersion)
		if err != nil || newer <= 0 {
			return false
		}
		state := app.Status.OperationState
		return app.Operation == nil && state != nil && state.Phase.Completed()
	})
}

// watchApp follows an application until it is as wanted, and returns it then. Changes of its state are told on the error
// stream.
func (r *root) watchApp(ctx context.Context, c *client.Client, ref string, timeout time.Duration, done func(*v1alpha1.Application) bool) (*v1alpha1.Application, error) {
	watch := ctx
	if timeout > 0 {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		watch = bounded
	}
	namespace, name := appRef(ref)
	told := ""
	for event, err := range client.Stream(watch, c, protocol.ApplicationWatch, &protocol.ApplicationQuery{Name: name, AppNamespace: namespace}) {
		if watch.Err() != nil {
			break
		}
		if err != nil {
			return nil, err
		}
		app := &event.Application
		if event.Type == "DELETED" {
			return nil, fmt.Errorf("application '%s' was deleted meanwhile", name)
		}
		if done(app) {
			return app, nil
		}
		if state := progress(app); state != told {
			r.note("%s", state)
			told = state
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if watch.Err() != nil {
		return nil, &TimeoutError{fmt.Errorf("waiting for application '%s': not done after %s; at last: %s", name, timeout, firstOf(told, "nothing heard"))}
	}
	return nil, fmt.Errorf("waiting for application '%s': the hub ended the stream; try again", name)
}

func progress(app *v1alpha1.Application) string {
	text := fmt.Sprintf("%s: %s, %s", app.Name, firstOf(string(app.Status.Sync.Status), "not compared yet"), firstOf(string(app.Status.Health.Status), "health unknown"))
	switch state := app.Status.OperationState; {
	case app.Operation != nil:
		text += "; operation is waiting"
	case state != nil && !state.Phase.Completed():
		text += "; operation " + operationText(state)
	}
	return text
}
