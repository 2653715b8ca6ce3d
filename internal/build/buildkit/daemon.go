package buildkit

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// DaemonOptions say how a buildkitd of our own runs: as root, with runc and overlayfs. Start from [DefaultDaemonOptions].
type DaemonOptions struct {
	// Root is the folder of the daemon's cache and state, an absolute path. It may be deleted while the daemon is down.
	Root string
	// Socket is the path of the Unix socket to listen on; at most 100 bytes, which is what the kernel takes.
	Socket string
	// Snapshotter is overlayfs, native (where overlayfs can't be mounted, slow), or auto.
	Snapshotter string
	// Runc is the path or name of the container runtime.
	Runc string
	// Mirrors maps a registry, such as docker.io, to the hosts (host:port) that are asked before it.
	Mirrors map[string][]string
	// PlainHTTP are the registries, host:port, that are spoken to without TLS.
	PlainHTTP []string
	// MaxUsedBytes bounds the cache; the oldest parts are deleted above it.
	MaxUsedBytes int64
	// Parallelism bounds the steps that run at the same time; 0 means no bound.
	Parallelism int
	// CgroupParent is the cgroup, an absolute path, that RUN steps run below; empty means BuildKit's own.
	CgroupParent string
	// Debug makes the daemon say more in its log.
	Debug bool
}

// DefaultDaemonOptions returns the options of a builder on one machine. Root and Socket are still to be set.
func DefaultDaemonOptions() DaemonOptions {
	return DaemonOptions{
		Snapshotter:  "overlayfs",
		Runc:         "runc",
		MaxUsedBytes: 10 << 30, // a dozen base images and the module and build caches of as many services
		Parallelism:  4,        // steps of a Go build use all cores by themselves; more only compete for memory
	}
}

// Validate tells what is wrong with the options.
func (o DaemonOptions) Validate() error {
	var errs []error
	if !filepath.IsAbs(o.Root) {
		errs = append(errs, fmt.Errorf("the builder's folder must be an absolute path, not %q", o.Root))
	}
	if !filepath.IsAbs(o.Socket) || len(o.Socket) > 100 {
		errs = append(errs, fmt.Errorf("the builder's socket must be an absolute path of at most 100 bytes, not %q", o.Socket))
	}
	if o.Snapshotter == "" || o.Runc == "" || o.MaxUsedBytes <= 0 {
		errs = append(errs, errors.New("the builder's snapshotter, runc and cache size must be set: start from DefaultDaemonOptions"))
	}
	for _, host := range o.hosts() {
		if host == "" || strings.ContainsAny(host, "\"\\/ \n") {
			errs = append(errs, fmt.Errorf("the registry must be given as host:port, not %q", host))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checking the options of the builder: %w", err)
	}
	return nil
}

// hosts are all registries that the options mention, sorted.
func (o DaemonOptions) hosts() []string {
	set := map[string]bool{}
	for _, host := range o.PlainHTTP {
		set[host] = true
	}
	for registry, mirrors := range o.Mirrors {
		set[registry] = true
		for _, mirror := range mirrors {
			set[mirror] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Args are the arguments of buildkitd for a configuration that is stored in the file.
func (o DaemonOptions) Args(configFile string) []string {
	return []string{"--config", configFile}
}

// Address is what a client connects to.
func (o DaemonOptions) Address() string { return "unix://" + o.Socket }

// DaemonConfig returns buildkitd.toml for the options, as documented in BuildKit's docs/buildkitd.toml.md. RUN steps share
// the machine's network, because a builder of one machine has no other network to offer.
func DaemonConfig(o DaemonOptions) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	quoted := func(s string) string { return strconv.Quote(s) }

	line("# Written by Fairlead; changes are lost at the next start.")
	line("root = %s", quoted(o.Root))
	line("insecure-entitlements = []")
	line("")
	line("[log]")
	line("  format = \"text\"")
	if o.Debug {
		line("  level = \"debug\"")
	}
	line("")
	line("[grpc]")
	line("  address = [%s]", quoted(o.Address()))
	line("")
	line("[cdi]")
	line("  disabled = true") // no devices for builds
	line("")
	// Finished builds are the hub's to remember; the daemon's own record of them only holds cache that GC could free.
	line("[history]")
	line("  maxAge = 3600")
	line("  maxEntries = 20")
	line("")
	line("[worker.containerd]")
	line("  enabled = false")
	line("")
	line("[worker.oci]")
	line("  enabled = true")
	line("  binary = %s", quoted(o.Runc))
	line("  snapshotter = %s", quoted(o.Snapshotter))
	line("  networkMode = \"host\"")
	if o.CgroupParent != "" {
		line("  defaultCgroupParent = %s", quoted(o.CgroupParent))
	}
	line("  max-parallelism = %d", o.Parallelism)
	line("  gc = true")
	line("  maxUsedSpace = %d", o.MaxUsedBytes)
	line("  reservedSpace = %d", o.MaxUsedBytes/10)
	for _, host := range o.hosts() {
		line("")
		line("[registry.%s]", quoted(host))
		if slices.Contains(o.PlainHTTP, host) {
			line("  http = true")
		}
		if mirrors := o.Mirrors[host]; len(mirrors) > 0 {
			list := make([]string, len(mirrors))
			for i, mirror := range mirrors {
				list[i] = quoted(mirror)
			}
			line("  mirrors = [%s]", strings.Join(list, ", "))
		}
	}
	return []byte(b.String())
}

// PlainHTTP tells whether a registry of that host is spoken to without TLS: those that are listed, and every one on this
// machine, as all OCI clients do.
func PlainHTTP(listed []string, registry string) bool {
	if slices.Contains(listed, registry) {
		return true
	}
	host, _, err := net.SplitHostPort(registry)
	if err != nil {
		host = registry
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
