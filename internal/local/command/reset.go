package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/local"
)

func newResetCommand(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Stop the fleet and delete its data: repositories, images, clusters",
		Args:  cobra.NoArgs,
	}
	dir := dirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := local.Reset(cmd.Context(), *dir, streams.Err); err != nil {
			return err
		}
		fmt.Fprintln(streams.Out, "The fleet is gone.")
		return nil
	}
	return cmd
}
