package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
)

const forwarding = "/proc/sys/net/ipv4/ip_forward"

// InUse lists the ranges that the machine's addresses and routes name; the default route is none of them.
func InUse() ([]netip.Prefix, error) {
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("listing this machine's addresses: %w", err)
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("listing this machine's routes: %w", err)
	}
	var used []netip.Prefix
	add := func(n *net.IPNet) {
		if n == nil {
			return
		}
		ip, ok := netip.AddrFromSlice(n.IP.To4())
		if ones, _ := n.Mask.Size(); ok && ones > 0 {
			used = append(used, netip.PrefixFrom(ip, ones))
		}
	}
	for _, a := range addresses {
		add(a.IPNet)
	}
	for _, r := range routes {
		add(r.Dst)
	}
	return used, nil
}

// Ensure makes the bridge, its address and rules, or what of it is missing.
func (b Bridge) Ensure() error {
	link, err := netlink.LinkByName(b.Name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = b.Name
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
			return fmt.Errorf("adding bridge %s: %w", b.Name, err)
		}
		link, err = netlink.LinkByName(b.Name)
	}
	if err != nil {
		return fmt.Errorf("finding bridge %s: %w", b.Name, err)
	}
	if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: ipNet(b.Address)}); err != nil {
		return fmt.Errorf("setting address of bridge %s: %w", b.Name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting bridge %s up: %w", b.Name, err)
	}
	if err := b.ensureForwarding(); err != nil {
		return err
	}
	return b.ensureRules()
}

// Exists reports whether the bridge is there.
func (b Bridge) Exists() bool {
	_, err := netlink.LinkByName(b.Name)
	return err == nil
}

// Remove takes away what Ensure made. Routes through the bridge and links to it go with it.
func (b Bridge) Remove() error {
	var errs []error
	if link, err := netlink.LinkByName(b.Name); err == nil {
		if err := netlink.LinkDel(link); err != nil {
			errs = append(errs, fmt.Errorf("deleting bridge %s: %w", b.Name, err))
		}
	}
	return errors.Join(append(errs, b.removeRules(), b.restoreForwarding())...)
}

// ensureForwarding lets pods reach beyond the machine.
func (b Bridge) ensureForwarding() error {
	now, err := os.ReadFile(forwarding)
	if err != nil {
		return fmt.Errorf("reading whether this machine forwards: %w", err)
	}
	if strings.TrimSpace(string(now)) != "0" {
		return nil
	}
	// The mark first: a crash in between costs nothing.
	if err := os.WriteFile(b.ForwardMark, []byte("ip_forward was 0 before the fleet came up\n"), 0o600); err != nil {
		return fmt.Errorf("noting that this machine didn't forward: %w", err)
	}
	if err := os.WriteFile(forwarding, []byte("1"), 0o644); err != nil {
		return fmt.Errorf("making this machine forward: %w", err)
	}
	return nil
}

func (b Bridge) restoreForwarding() error {
	if _, err := os.Stat(b.ForwardMark); err != nil {
		return nil
	}
	if err := os.WriteFile(forwarding, []byte("0"), 0o644); err != nil {
		return fmt.Errorf("making this machine stop forwarding: %w", err)
	}
	return os.Remove(b.ForwardMark)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
