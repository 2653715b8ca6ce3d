package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppRollbackCommand(r *root) *cobra.Command {
	var prune, async bool
	wait, t := &waiting{on: conditions{operation: true}}, &target{}
	cmd := &cobra.Command{
		Use:   "rollback APPNAME [ID]",
		Short: "Deploy an earlier entry of the history again, and hold it",
		Long: `Deploy an earlier entry of the history again; without ID the one before the last. The rollback holds: neither automated
sync nor an image update undoes it, until it is released ('fairlead app release') or a person syncs to a version.`,
		Example: "  fairlead app rollback echo-production\n  fairlead app rollback echo-production 3",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 2 {
				return nil
			}
			return exactArgs("APPNAME")(cmd, args)
		},
	}
	cmd.Flags().BoolVar(&prune, "prune", false, "delete what that version doesn't have")
	cmd.Flags().BoolVar(&async, "async", false, "don't wait for the end")
	wait.timeout.flag(cmd, "how long to wait for the end")
	t.flag(cmd)
	format := outputFlag(cmd, appFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		id := int64(-1)
		if len(args) == 2 {
			parsed, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return fmt.Errorf("the history entry %q is not a number", args[1])
			}
			id = parsed
		}
		app, err := t.get(ctx, c, args[0], "")
		if err != nil {
			return err
		}
		entry, err := historyEntry(app, id)
		if err != nil {
			return err
		}
		wait.namespace, wait.name = t.of(args[0])
		wait.format = format.Format
		asked, err := client.Call(ctx, c, protocol.HoldRollback,
			&protocol.ApplicationRollbackRequest{Name: wait.name, AppNamespace: wait.namespace, ID: entry.ID, Prune: prune})
		if err != nil {
			return err
		}
		r.note("application '%s' is held at history entry %d", wait.name, entry.ID)
		if async {
			return nil
		}
		wait.since = asked.ResourceVersion
		app, state, err := r.wait(ctx, c, *wait)
		if err != nil {
			return err
		}
		return outcome(app, state, true)
	})
	return cmd
}

// historyEntry is the entry with that ID, or the one before the last for a negative one.
func historyEntry(app *v1alpha1.Application, id int64) (*v1alpha1.RevisionHistory, error) {
	history := app.Status.History
	switch entry := history.ByID(id); {
	case id < 0 && len(history) < 2:
		return nil, fmt.Errorf("application '%s' should have at least two successful deployments", app.Name)
	case id < 0:
		return &history[len(history)-2], nil
	case entry == nil:
		return nil, fmt.Errorf("application '%s' does not have deployment id '%d' in history", app.Name, id)
	default:
		return entry, nil
	}
}
