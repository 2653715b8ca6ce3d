package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppRollbackCommand(r *root) *cobra.Command {
	var prune, async bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "rollback APP [ID]",
		Short: "Deploy an earlier entry of the history again, and hold it",
		Long: `Deploy an earlier entry of the history again; without ID the one before the last. The rollback holds: neither automated
sync nor an image update undoes it, until it is released ('fairlead app release') or a person syncs to a version.`,
		Example: "  fairlead app rollback echo-production\n  fairlead app rollback echo-production 3",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 2 {
				return nil
			}
			return exactArgs("APP")(cmd, args)
		},
	}
	cmd.Flags().BoolVar(&prune, "prune", false, "delete what that version doesn't have")
	cmd.Flags().BoolVar(&async, "async", false, "don't wait for the end")
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait for the end; 0 for ever")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		id, err := historyID(ctx, c, args)
		if err != nil {
			return err
		}
		namespace, name := appRef(args[0])
		app, err := client.Call(ctx, c, protocol.HoldRollback,
			&protocol.ApplicationRollbackRequest{Name: name, AppNamespace: namespace, ID: id, Prune: prune})
		if err != nil {
			return err
		}
		r.printf("application '%s' is held at history entry %d\n", name, id)
		if async {
			return nil
		}
		if app, err = r.waitForOperation(ctx, c, app, timeout); err != nil {
			return err
		}
		return r.printOperation(app)
	})
	return cmd
}

// historyID is the entry that the user names, or the one before the last.
func historyID(ctx context.Context, c *client.Client, args []string) (int64, error) {
	if len(args) == 2 {
		id, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return 0, &UsageError{fmt.Errorf("the history entry %q is not a number", args[1])}
		}
		return id, nil
	}
	app, err := getApp(ctx, c, args[0], "")
	if err != nil {
		return 0, err
	}
	return previous(app.Status.History)
}

func previous(history v1alpha1.RevisionHistories) (int64, error) {
	if len(history) < 2 {
		return 0, errors.New("there is no earlier entry in the history to roll back to")
	}
	return history[len(history)-2].ID, nil
}
