package command

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/local"
)

// newRunCommand has what the fleet starts of this program; people start the fleet.
func newRunCommand(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{Use: "run", Short: "Run one part of the fleet", Hidden: true}
	cmd.AddCommand(
		newPartCommand(streams, "supervisor", local.RunSupervisor),
		newPartCommand(streams, "git", local.RunGit),
		newPartCommand(streams, "registry", local.RunRegistry),
		newNodeCommand(),
		newNodeProgramsCommand(streams),
	)
	return cmd
}

// newPartCommand runs a part that finds all it needs in the fleet's folder.
func newPartCommand(streams cli.IOStreams, name string, run func(context.Context, string, *slog.Logger) error) *cobra.Command {
	cmd := &cobra.Command{Use: name, Args: cobra.NoArgs}
	dir := dirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return run(cmd.Context(), *dir, partLog(streams))
	}
	return cmd
}

// newNodeCommand makes a node; it goes on as the command that newNodeProgramsCommand returns.
func newNodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:  "node SPEC",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return local.EnterNode(args[0]) },
	}
}

func newNodeProgramsCommand(streams cli.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:  "node-programs SPEC",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return local.RunNode(cmd.Context(), args[0], partLog(streams))
		},
	}
}

func partLog(streams cli.IOStreams) *slog.Logger {
	return slog.New(slog.NewTextHandler(streams.Err, nil))
}
