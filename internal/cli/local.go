package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// newLocalCommand is `fairlead local`: the fleet on one machine.
func newLocalCommand(io IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "local",
		Short: "A whole fleet on this machine: clusters with nodes, Git host, registry, builder, hub and agents",
		Long: `A whole fleet on this machine: clusters with nodes, Git host, registry, builder, hub and agents.

Everything lies in one folder and comes back from it, after a crash or a reboot, with "fairlead local up".`,
	}
	cmd.AddCommand(
		newLocalUpCommand(io),
		newLocalStatusCommand(io),
		newLocalDownCommand(io),
		newLocalResetCommand(io),
		newLocalKubeconfigCommand(io),
		newLocalRunCommand(io),
	)
	return cmd
}

// localDirFlag adds --dir, the fleet's folder, which is made absolute when the command runs.
func localDirFlag(cmd *cobra.Command) *string {
	dir := cmd.Flags().String("dir", defaultLocalDir(), "the fleet's folder (FAIRLEAD_LOCAL_DIR)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		var err error
		*dir, err = filepath.Abs(*dir)
		return err
	}
	return dir
}

func defaultLocalDir() string {
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
