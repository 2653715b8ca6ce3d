package command

import (
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/local"
)

func newKubeconfigCommand(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "kubeconfig CLUSTER",
		Short:   "Print the kubeconfig of one of the fleet's clusters",
		Example: "  fairlead local kubeconfig dev > dev.kubeconfig",
		Args:    cobra.ExactArgs(1),
	}
	dir := dirFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		content, err := local.Kubeconfig(*dir, args[0])
		if err != nil {
			return err
		}
		_, err = streams.Out.Write(content)
		return err
	}
	return cmd
}
