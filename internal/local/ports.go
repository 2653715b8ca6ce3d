package local

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"fairlead.dev/fairlead/internal/local/network"
)

// firstPort begins a range that IANA has assigned to nothing common.
const firstPort = 7800

// chooser hands out ports that are free on this machine's loopback address.
type chooser struct {
	next int
	err  error
}

// choose sets *port unless it is set.
func (c *chooser) choose(port *int) {
	if *port != 0 || c.err != nil {
		return
	}
	for ; c.next < firstPort+1000; c.next++ {
		if free(c.next) == nil {
			*port = c.next
			c.next++
			return
		}
	}
	c.err = fmt.Errorf("choosing ports: none is free between %d and %d", firstPort, c.next)
}

// free reports why a port can't be listened on, on any address.
func free(port int) error {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return l.Close()
}

// checkPorts says which of the fleet's ports another program has taken.
func (s State) checkPorts() error {
	ports := map[string]int{
		"hub (--hub-port)": s.Ports.Hub, "Git host (--git-port)": s.Ports.Git, "registry (--registry-port)": s.Ports.Registry,
		"hub's API server": s.Ports.HubAPIServer,
	}
	for _, m := range s.Members {
		ports["API server of "+m.Name] = m.Port
	}
	var errs []error
	for owner, port := range ports {
		if err := free(port); err != nil {
			errs = append(errs, fmt.Errorf("port %d of the %s is taken by another program: %w", port, owner, err))
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("is another fleet running? `fairlead local down --dir FOLDER` stops it"))
	}
	return errors.Join(errs...)
}

// checkSubnet says whether something else than this fleet has its addresses, such as another fleet or a VPN.
func (f *Fleet) checkSubnet() error {
	if !f.State.Nodes || f.bridge().Exists() {
		return nil
	}
	used, err := network.InUse()
	if err != nil {
		return err
	}
	if _, err := network.FirstFree([]netip.Prefix{f.State.Subnet}, used); err != nil {
		return fmt.Errorf("checking the fleet's address range (is another fleet running? `fairlead local down --dir FOLDER` stops it): %w", err)
	}
	return nil
}
