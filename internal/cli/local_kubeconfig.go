package cli

import (
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/local"
)

func newLocalKubeconfigCommand(io IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "kubeconfig CLUSTER",
		Short:   "Print the kubeconfig of one of the fleet's clusters",
		Example: "  fairlead local kubeconfig dev > dev.kubeconfig",
		Args:    cobra.ExactArgs(1),
	}
	dir := localDirFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		content, err := local.Kubeconfig(*dir, args[0])
		if err != nil {
			return err
		}
		_, err = io.Out.Write(content)
		return err
	}
	return cmd
}
