package command

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/local"
)

func newUpCommand(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the fleet, or bring it back; does nothing if it runs already",
		Args:  cobra.NoArgs,
	}
	dir := dirFlag(cmd)
	o := local.Default("")
	var subnet, tools string
	flags := cmd.Flags()
	flags.StringSliceVar(&o.Members, "members", nil, "names of the member clusters, for a new fleet (default dev,staging,production)")
	flags.StringVar(&subnet, "subnet", "", "a /16 for nodes, pods and services, for a new fleet (default: a free one)")
	flags.IntVar(&o.HubPort, "hub-port", 0, "port of the hub's API (default: as before, or a free one)")
	flags.IntVar(&o.GitPort, "git-port", 0, "port of the Git host (default: as before, or a free one)")
	flags.IntVar(&o.RegistryPort, "registry-port", 0, "port of the registry (default: as before, or a free one)")
	flags.DurationVar(&o.Timeout, "timeout", o.Timeout, "how long to wait until everything is ready")
	flags.StringVar(&tools, "tools", defaultToolsDir(), "folder of the programs that `make tools` builds (FAIRLEAD_TOOLS_DIR)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.Dir = *dir
		if subnet != "" {
			var err error
			if o.Subnet, err = netip.ParsePrefix(subnet); err != nil {
				return &cli.UsageError{Err: fmt.Errorf("parsing --subnet: %w", err)}
			}
		}
		if err := o.Validate(); err != nil {
			return &cli.UsageError{Err: err}
		}
		var err error
		if o.Tools, err = local.FindTools(tools, local.CanHaveNodes()); err != nil {
			return err
		}
		began := time.Now()
		fleet, err := local.Up(cmd.Context(), o, streams.Err)
		if err != nil {
			return err
		}
		e := fleet.Endpoints()
		fmt.Fprintf(streams.Out, "The fleet is up (%.1fs).\n\n  hub       %s\n  Git host  %s\n  registry  %s\n\n", time.Since(began).Seconds(), e.Hub, e.Git, e.Registry)
		fmt.Fprintln(streams.Out, "Next: fairlead local status, or fairlead local kubectl CLUSTER -- get pods -A")
		return nil
	}
	return cmd
}
