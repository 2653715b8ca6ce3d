package app

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/git"
)

// tunnelName is the command that the hub has ssh run where a repository is behind a proxy.
const tunnelName = "ssh-proxy"

// tunnel is this program, called as that command.
func tunnel() ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program, which ssh runs to go through proxies: %w", err)
	}
	return []string{program, tunnelName}, nil
}

// NewTunnelCommand is `fairlead ssh-proxy`, which connects its standard input and output through a proxy.
func NewTunnelCommand(proxy string) *cobra.Command {
	return &cobra.Command{
		Use: tunnelName + " HOST PORT", Short: "Connect to an SSH host through a proxy", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if proxy == "" {
				return errors.New("the environment variable " + git.TunnelVariable + " names no proxy")
			}
			return git.Tunnel(cmd.Context(), proxy, net.JoinHostPort(args[0], args[1]), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
