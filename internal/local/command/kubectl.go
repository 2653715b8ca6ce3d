package command

import (
	"errors"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/local"
)

func newKubectlCommand(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kubectl CLUSTER [-- ARGUMENTS...]",
		Short: "Run kubectl, which comes with the fleet, on one of its clusters",
		Example: `  fairlead local kubectl dev -- get pods -A
  fairlead local kubectl hub -- -n argocd get applications`,
		Args: cobra.MinimumNArgs(1),
	}
	dir := dirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		kubectl, err := local.Kubectl(cmd.Context(), *dir, args[0], args[1:]...)
		if err != nil {
			return err
		}
		kubectl.Stdin, kubectl.Stdout, kubectl.Stderr = streams.In, streams.Out, streams.Err
		var exit *exec.ExitError
		if err := kubectl.Run(); errors.As(err, &exit) {
			os.Exit(exit.ExitCode()) // kubectl has said what is wrong; its exit code is the answer
		} else if err != nil {
			return err
		}
		return nil
	}
	return cmd
}
