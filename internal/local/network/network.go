// Package network is the machine's side of the fleet's network: one bridge with an address of its own, on which nodes
// reach the API servers, the registry and the Git host, and the firewall rules for it.
//
// It doesn't know nodes: each node makes its own link to the bridge (package node). Start reading at Bridge.
package network

import (
	"errors"
	"fmt"
	"net/netip"
)

// Bridge is the network of one fleet.
type Bridge struct {
	// Name of the link, at most 15 bytes; firewall rules carry it as a comment.
	Name string
	// Address is the machine's own address on the bridge, with the nodes' range.
	Address netip.Prefix
	// Fleet is the range of everything in the fleet: nodes, pods, Services.
	Fleet netip.Prefix
	// ForwardMark is a file that says that forwarding was switched on by us, and is to be switched off with the bridge.
	ForwardMark string
}

// ErrNoSubnet means that every candidate overlaps with a route or an address of the machine.
var ErrNoSubnet = errors.New("no free address range")

// Candidates are the ranges tried for a new fleet, in this order: private ones that neither clouds, Docker nor
// Kubernetes distributions use by default.
func Candidates() []netip.Prefix {
	var all []netip.Prefix
	for i := range 20 {
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(201 + i), 0, 0}), 16))
	}
	return all
}

// FirstFree picks the first candidate that overlaps with none of the ranges in use.
func FirstFree(candidates, used []netip.Prefix) (netip.Prefix, error) {
	var conflict netip.Prefix
next:
	for _, candidate := range candidates {
		for _, u := range used {
			if candidate.Overlaps(u) {
				conflict = u
				continue next
			}
		}
		return candidate, nil
	}
	return netip.Prefix{}, fmt.Errorf("%w: %v overlaps with %v, which this machine uses", ErrNoSubnet,
		candidates[len(candidates)-1], conflict)
}
