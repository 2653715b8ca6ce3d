package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newBuildStartCommand(r *root) *cobra.Command {
	request := &protocol.BuildStartRequest{}
	cmd := &cobra.Command{
		Use: "start RULE --ref REF", Short: "Build a ref by a rule, by hand", Args: exactArgs("RULE"),
		Example: "  fairlead build start echo-server-release --ref release-v1.2.3",
	}
	cmd.Flags().StringVar(&request.Ref, "ref", "", "branch or tag that the rule's pattern matches")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		request.Rule = args[0]
		if request.Ref == "" {
			return &UsageError{errors.New("no ref: give --ref REF")}
		}
		b, err := client.Call(ctx, c, protocol.BuildStart, request)
		if err != nil {
			return err
		}
		r.printf("build '%s' started\n", b.Name)
		return nil
	})
	return cmd
}
