// Command fairlead is everything: the hub, the agent, the local fleet, and the command line that talks to a hub.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fairlead.dev/fairlead/internal/app"
	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/local/command"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	streams := cli.IOStreams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	root := cli.NewCommand(streams, version, app.Core)
	root.AddCommand(app.NewHubCommand(version), app.NewAgentCommand(), app.NewTunnelCommand(os.Getenv(git.TunnelVariable)), command.New(streams))
	err := root.ExecuteContext(ctx)
	if err != nil && err.Error() != "" && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "fairlead:", err)
	}
	os.Exit(cli.ExitCode(err))
}
