// Package command is `fairlead local`, one file a command. It reads flags and prints; what is done is in package local.
// Start with New.
package command

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli"
)

// New returns `fairlead local`.
func New(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "local",
		Short: "A whole fleet on this machine: clusters with nodes, Git host, registry, builder, hub and agents",
		Long: `A whole fleet on this machine: clusters with nodes, Git host, registry, builder, hub and agents.

Everything lies in one folder and comes back from it, after a crash or a reboot, with "fairlead local up".`,
	}
	cmd.AddCommand(
		newUpCommand(streams),
		newStatusCommand(streams),
		newDownCommand(streams),
		newResetCommand(streams),
		newKubeconfigCommand(streams),
		newKubectlCommand(streams),
		newRunCommand(streams),
	)
	return cmd
}

// dirFlag adds --dir, the fleet's folder, which is made absolute when the command runs.
func dirFlag(cmd *cobra.Command) *string {
	dir := cmd.Flags().String("dir", defaultDir(), "the fleet's folder (FAIRLEAD_LOCAL_DIR)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		var err error
		*dir, err = filepath.Abs(*dir)
		return err
	}
	return dir
}

func defaultDir() string {
	if dir := os.Getenv("FAIRLEAD_LOCAL_DIR"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(".fairlead", "local")
	}
	return filepath.Join(home, ".fairlead", "local")
}

// defaultToolsDir is where hack/tools.sh puts what it builds.
func defaultToolsDir() string {
	if dir := os.Getenv("FAIRLEAD_TOOLS_DIR"); dir != "" {
		return dir
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		if home, err := os.UserHomeDir(); err == nil {
			cache = filepath.Join(home, ".cache")
		}
	}
	return filepath.Join(cache, "fairlead", "bin")
}
