package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// connect makes the node's link to the machine's bridge, and the machine's routes to the node's pods and Services.
// machine is the machine's network namespace; the caller's is the node's.
func connect(s Spec, machine *os.File) error {
	own, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return fmt.Errorf("connecting it: %w", err)
	}
	defer own.Close()
	outside, err := netlink.NewHandleAt(netns.NsHandle(machine.Fd()))
	if err != nil {
		return fmt.Errorf("connecting it: entering the machine's network: %w", err)
	}
	defer outside.Close()

	bridge, err := outside.LinkByName(s.Bridge)
	if err != nil {
		return fmt.Errorf("connecting it: finding bridge %s: %w", s.Bridge, err)
	}
	if _, err := netlink.LinkByName("eth0"); errors.As(err, new(netlink.LinkNotFoundError)) {
		if err := addLink(s, outside, bridge, own); err != nil {
			return fmt.Errorf("connecting it: %w", err)
		}
	}
	if err := configureLink(s); err != nil {
		return fmt.Errorf("connecting it: %w", err)
	}
	for _, destination := range []netip.Prefix{s.PodCIDR, s.ServiceCIDR} {
		route := &netlink.Route{LinkIndex: bridge.Attrs().Index, Dst: ipNet(destination), Gw: s.Address.Addr().AsSlice()}
		if err := outside.RouteReplace(route); err != nil {
			return fmt.Errorf("connecting it: routing %s: %w", destination, err)
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return fmt.Errorf("connecting it: forwarding: %w", err)
	}
	return nil
}

// addLink makes the pair of links, one end on the bridge, the other here as eth0.
func addLink(s Spec, outside *netlink.Handle, bridge netlink.Link, own *os.File) error {
	// A predecessor's end outlives it for a moment.
	if stale, err := outside.LinkByName(s.Link); err == nil {
		if err := outside.LinkDel(stale); err != nil {
			return fmt.Errorf("deleting stale link %s: %w", s.Link, err)
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = s.Link, bridge.Attrs().Index
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(own.Fd())}
	if err := outside.LinkAdd(pair); err != nil {
		return fmt.Errorf("adding link %s: %w", s.Link, err)
	}
	if err := outside.LinkSetUp(pair); err != nil {
		return fmt.Errorf("setting link %s up: %w", s.Link, err)
	}
	return nil
}

func configureLink(s Spec) error {
	for _, name := range []string{"lo", "eth0"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("finding link %s: %w", name, err)
		}
		if name == "eth0" {
			if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: &net.IPNet{IP: s.Address.Addr().AsSlice(), Mask: net.CIDRMask(s.Address.Bits(), 32)}}); err != nil {
				return fmt.Errorf("setting the node's address: %w", err)
			}
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("setting link %s up: %w", name, err)
		}
	}
	if err := netlink.RouteReplace(&netlink.Route{Gw: s.Gateway.AsSlice()}); err != nil {
		return fmt.Errorf("setting the default route: %w", err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
