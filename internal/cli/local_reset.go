package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/local"
)

func newLocalResetCommand(io IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Stop the fleet and delete its data: repositories, images, clusters",
		Args:  cobra.NoArgs,
	}
	dir := localDirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := local.Reset(cmd.Context(), *dir, io.Err); err != nil {
			return err
		}
		fmt.Fprintln(io.Out, "The fleet is gone.")
		return nil
	}
	return cmd
}
