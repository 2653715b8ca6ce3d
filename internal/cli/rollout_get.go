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

func newRolloutGetCommand(r *root) *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use: "get APP [ROLLOUT]", Short: "Show how a canary goes", Args: appAndRollout,
		Example: "  fairlead rollout get echo-production\n  fairlead rollout get echo-production --watch",
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing it as it changes")
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		query := rolloutQuery(args)
		if watch {
			for rollout, err := range client.Stream(ctx, c, protocol.RolloutWatch, &query) {
				if err != nil {
					return err
				}
				r.printf("%s\n", rolloutLine(rollout))
			}
			return nil
		}
		rollout, err := client.Call(ctx, c, protocol.RolloutGet, &query)
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, rollout); done {
			return err
		}
		return r.printRollout(rollout)
	})
	return cmd
}

func (r *root) printRollout(ro *protocol.Rollout) error {
	return output.Fields(r.streams.Out,
		[2]string{"Name", ro.Namespace + "/" + ro.Name},
		[2]string{"Application", ro.Application},
		[2]string{"Status", joinNonEmpty(ro.Phase, ro.Message)},
		[2]string{"Strategy", ro.Strategy},
		[2]string{"Step", fmt.Sprintf("%d/%d", ro.Step, ro.Steps)},
		[2]string{"Weight", fmt.Sprintf("%d %%", ro.Weight)},
		[2]string{"Replicas", fmt.Sprintf("%d desired, %d current, %d updated, %d ready, %d available", ro.Desired, ro.Current, ro.Updated, ro.Ready, ro.Available)},
		[2]string{"Stable", ro.StableHash},
		[2]string{"Current", ro.CurrentHash},
		[2]string{"Images", strings.Join(ro.Images, ", ")},
	)
}

// rolloutLine is one line for a stream.
func rolloutLine(ro *protocol.Rollout) string {
	return fmt.Sprintf("%s/%s  %s  step %d/%d  weight %d %%  %d/%d ready, %d updated",
		ro.Namespace, ro.Name, joinNonEmpty(ro.Phase, ro.Message), ro.Step, ro.Steps, ro.Weight, ro.Ready, ro.Desired, ro.Updated)
}
