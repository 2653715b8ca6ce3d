package cli

import "github.com/spf13/cobra"

func newBuildCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "build", Aliases: []string{"builds"}, Short: "Image builds: rules, runs, logs"}
	cmd.AddCommand(
		newBuildRulesCommand(r), newBuildListCommand(r), newBuildGetCommand(r), newBuildLogsCommand(r),
		newBuildStartCommand(r), newBuildRebuildCommand(r), newBuildCancelCommand(r),
	)
	return cmd
}
