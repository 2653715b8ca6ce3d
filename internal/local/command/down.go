package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/local"
)

func newDownCommand(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the fleet and take its networks away; its data stays",
		Args:  cobra.NoArgs,
	}
	dir := dirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := local.Down(cmd.Context(), *dir, streams.Err); err != nil {
			return err
		}
		fmt.Fprintln(streams.Out, "The fleet is down; `fairlead local up` brings it back.")
		return nil
	}
	return cmd
}
