package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// rolloutAction is one thing that can be done to a canary.
type rolloutAction struct {
	verb, short, done string
	procedure         protocol.Unary[protocol.RolloutActionRequest, protocol.Rollout]
	flags             func(*cobra.Command, *protocol.RolloutActionRequest)
}

var rolloutActions = []rolloutAction{
	{
		verb: "promote", short: "Let a paused canary take its next step", done: "promoted", procedure: protocol.RolloutPromote,
		flags: func(cmd *cobra.Command, request *protocol.RolloutActionRequest) {
			cmd.Flags().BoolVar(&request.Full, "full", false, "skip all steps that are left")
		},
	},
	{verb: "abort", short: "Take all traffic back to the stable version", done: "aborted", procedure: protocol.RolloutAbort},
	{verb: "retry", short: "Begin an aborted canary again", done: "begun again", procedure: protocol.RolloutRetry},
	{
		verb: "undo", short: "Set the pod template back to an earlier revision", done: "set back", procedure: protocol.RolloutUndo,
		flags: func(cmd *cobra.Command, request *protocol.RolloutActionRequest) {
			cmd.Flags().Int64Var(&request.ToRevision, "to-revision", 0, "revision; default: the one before")
		},
	},
	{verb: "pause", short: "Stop a canary where it is", done: "paused", procedure: protocol.RolloutPause},
	{verb: "restart", short: "Start all pods anew, as many at a time as may be unavailable", done: "restarting", procedure: protocol.RolloutRestart},
}

func newRolloutActionCommand(r *root, action rolloutAction) *cobra.Command {
	request := &protocol.RolloutActionRequest{}
	cmd := &cobra.Command{
		Use: action.verb + " APP [ROLLOUT]", Short: action.short, Args: appAndRollout,
		Example: "  fairlead rollout " + action.verb + " echo-production",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			request.Rollout = rolloutQuery(args)
			rollout, err := client.Call(ctx, c, action.procedure, request)
			if err != nil {
				return err
			}
			r.printf("rollout '%s/%s' of application '%s' %s\n", rollout.Namespace, rollout.Name, request.Rollout.Application, action.done)
			return nil
		}),
	}
	if action.flags != nil {
		action.flags(cmd, request)
	}
	return cmd
}
