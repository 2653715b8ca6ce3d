package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/local"
)

// newLocalRunCommand has what the fleet starts of this program; people start the fleet.
func newLocalRunCommand(io IOStreams) *cobra.Command {
	cmd := &cobra.Command{Use: "run", Short: "Run one part of the fleet", Hidden: true}
	cmd.AddCommand(
		newLocalPartCommand(io, "supervisor", local.RunSupervisor),
		newLocalPartCommand(io, "git", local.RunGit),
		newLocalPartCommand(io, "registry", local.RunRegistry),
		newLocalNodeCommand(io),
	)
	return cmd
}

// newLocalPartCommand runs a part that finds all it needs in the fleet's folder.
func newLocalPartCommand(io IOStreams, name string, run func(context.Context, string, *slog.Logger) error) *cobra.Command {
	cmd := &cobra.Command{Use: name, Args: cobra.NoArgs}
	dir := localDirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return run(cmd.Context(), *dir, partLog(io))
	}
	return cmd
}

func newLocalNodeCommand(io IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:  "node SPEC",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return local.RunNode(cmd.Context(), args[0], partLog(io))
		},
	}
}

func partLog(io IOStreams) *slog.Logger { return slog.New(slog.NewTextHandler(io.Err, nil)) }
