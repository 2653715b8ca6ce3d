package local

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"time"
)

// Options of a fleet. What is left zero is as recorded in the folder, and chosen anew for a new fleet.
type Options struct {
	// Dir is the fleet's folder.
	Dir string
	// Members are the names of the member clusters, in the order of promotion.
	Members []string
	// Subnet is a /16 for nodes, pods and Services; it must not overlap with what the machine uses.
	Subnet netip.Prefix
	// HubPort, GitPort and RegistryPort are on the loopback address (and on the fleet's bridge).
	HubPort, GitPort, RegistryPort int
	// Tools are the programs that the fleet runs.
	Tools Tools
	// Timeout bounds how long Up waits for everything to be ready.
	Timeout time.Duration
}

// maxMembers is how many fit into the subnet.
const maxMembers = 7

var memberName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$`)

// Default are the options of a fleet in the folder. Ten minutes are for a slow machine's first start.
func Default(dir string) Options { return Options{Dir: dir, Timeout: 10 * time.Minute} }

// Validate says what can't work.
func (o Options) Validate() error {
	if !filepath.IsAbs(o.Dir) {
		return fmt.Errorf("the fleet's folder %q must be an absolute path", o.Dir)
	}
	if len(o.Members) > maxMembers {
		return fmt.Errorf("%d member clusters are more than the %d that fit", len(o.Members), maxMembers)
	}
	seen := map[string]bool{"hub": true}
	for _, m := range o.Members {
		if !memberName.MatchString(m) {
			return fmt.Errorf("member cluster %q: a name is lower-case letters, digits and dashes, at most 32", m)
		}
		if seen[m] {
			return fmt.Errorf("member cluster %q is there twice, or has the hub's name", m)
		}
		seen[m] = true
	}
	if o.Subnet.IsValid() && (!o.Subnet.Addr().Is4() || o.Subnet.Bits() != 16 || o.Subnet != o.Subnet.Masked()) {
		return fmt.Errorf("subnet %s must be an IPv4 range of 16 bits, such as 10.201.0.0/16", o.Subnet)
	}
	for _, port := range []int{o.HubPort, o.GitPort, o.RegistryPort} {
		if port < 0 || port > 65535 {
			return fmt.Errorf("port %d is none", port)
		}
	}
	if o.Timeout <= 0 {
		return errors.New("the timeout must be positive")
	}
	return nil
}
