package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newRolloutCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rollout", Aliases: []string{"ro"}, Short: "Canaries of an application: see, promote, abort, retry, undo",
		Long: `Canaries of an application. A rollout is named by its application and, where that has several, by its own name.`,
	}
	cmd.AddCommand(newRolloutListCommand(r), newRolloutGetCommand(r))
	for _, action := range rolloutActions {
		cmd.AddCommand(newRolloutActionCommand(r, action))
	}
	r.aboutApps(cmd)
	return cmd
}

// rolloutQuery is APP [ROLLOUT].
func rolloutQuery(args []string) protocol.RolloutQuery {
	namespace, name := (&target{}).of(args[0])
	query := protocol.RolloutQuery{Application: name, AppNamespace: namespace}
	if len(args) > 1 {
		query.Namespace, query.Name = (&target{}).of(args[1])
	}
	return query
}

// appAndRollout checks for APP [ROLLOUT].
func appAndRollout(cmd *cobra.Command, args []string) error {
	if len(args) == 1 || len(args) == 2 {
		return nil
	}
	return exactArgs("APP")(cmd, args)
}

var rolloutColumns = []output.Column[*protocol.Rollout]{
	{Title: "NAME", Cell: func(ro *protocol.Rollout) string { return ro.Namespace + "/" + ro.Name }},
	{Title: "PHASE", Cell: func(ro *protocol.Rollout) string { return ro.Phase }},
	{Title: "STEP", Cell: func(ro *protocol.Rollout) string { return fmt.Sprintf("%d/%d", ro.Step, ro.Steps) }},
	{Title: "WEIGHT", Cell: func(ro *protocol.Rollout) string { return fmt.Sprint(ro.Weight) }},
	{Title: "READY", Cell: func(ro *protocol.Rollout) string { return fmt.Sprintf("%d/%d", ro.Ready, ro.Desired) }},
	{Title: "UPDATED", Cell: func(ro *protocol.Rollout) string { return fmt.Sprint(ro.Updated) }},
	{Title: "AVAILABLE", Cell: func(ro *protocol.Rollout) string { return fmt.Sprint(ro.Available) }},
	{Title: "IMAGES", Wide: true, Cell: func(ro *protocol.Rollout) string { return strings.Join(ro.Images, ",") }},
	{Title: "MESSAGE", Wide: true, Cell: func(ro *protocol.Rollout) string { return ro.Message }},
}

func newRolloutListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list APP", Short: "List the rollouts of an application", Args: exactArgs("APP"),
		Example: "  fairlead rollout list echo-production",
	}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		query := rolloutQuery(args)
		list, err := client.Call(ctx, c, protocol.RolloutGetList, &query)
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, rolloutColumns)
	})
	return cmd
}
