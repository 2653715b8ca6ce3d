package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newBuildGetCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "get BUILD", Short: "Show a build", Args: exactArgs("BUILD"),
		Example: "  fairlead build get echo-server-release-1f0c9a2",
	}
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		b, err := client.Call(ctx, c, protocol.BuildGet, &protocol.BuildQuery{Name: args[0]})
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, b); done {
			return err
		}
		return output.Fields(r.streams.Out,
			[2]string{"Name", b.Name}, [2]string{"Rule", b.Spec.Rule},
			[2]string{"Phase", joinNonEmpty(string(b.Status.Phase), b.Status.Message)},
			[2]string{"Repository", b.Spec.Source.RepoURL}, [2]string{"Ref", b.Spec.Ref}, [2]string{"Commit", b.Spec.Commit},
			[2]string{"Image", b.Status.Image}, [2]string{"Digest", b.Status.Digest}, [2]string{"Took", buildTook(*b)},
			[2]string{"Attempts", fmt.Sprint(b.Status.Attempts)}, [2]string{"Requested By", b.Spec.RequestedBy},
		)
	})
	return cmd
}
