package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newBuildLogsCommand(r *root) *cobra.Command {
	request := &protocol.BuildLogsRequest{}
	cmd := &cobra.Command{
		Use: "logs BUILD", Short: "Print the log of a build", Args: exactArgs("BUILD"),
		Example: "  fairlead build logs -f echo-server-release-1f0c9a2",
	}
	cmd.Flags().BoolVarP(&request.Follow, "follow", "f", false, "go on until the build has ended; exits with 7 if it failed")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		request.Name = args[0]
		for chunk, err := range client.Stream(ctx, c, protocol.BuildLogs, request) {
			if err != nil {
				return err
			}
			if _, err := r.streams.Out.Write(chunk.Data); err != nil {
				return err
			}
		}
		if !request.Follow {
			return nil
		}
		return buildResult(ctx, c, args[0])
	})
	return cmd
}

// settleTime bounds the wait for a build's result after its log has ended: it is written a moment later.
const settleTime = 30 * time.Second

// buildResult is nil if a build succeeded, and else says how it ended.
func buildResult(ctx context.Context, c *client.Client, name string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		b, err := client.Call(ctx, c, protocol.BuildGet, &protocol.BuildQuery{Name: name})
		switch {
		case err != nil:
			return err
		case b.Status.Phase == v1alpha1.BuildSucceeded:
			return nil
		case b.Status.Phase.Completed():
			return &FailedError{fmt.Errorf("build '%s' %s: %s", name, b.Status.Phase, b.Status.Message)}
		}
		select {
		case <-ctx.Done():
			return &FailedError{fmt.Errorf("following build '%s': its log has ended, but it is still %s", name, b.Status.Phase)}
		case <-time.After(100 * time.Millisecond):
		}
	}
}
