package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/local"
)

func newLocalDownCommand(io IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the fleet and take its networks away; its data stays",
		Args:  cobra.NoArgs,
	}
	dir := localDirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := local.Down(cmd.Context(), *dir, io.Err); err != nil {
			return err
		}
		fmt.Fprintln(io.Out, "The fleet is down; `fairlead local up` brings it back.")
		return nil
	}
	return cmd
}
