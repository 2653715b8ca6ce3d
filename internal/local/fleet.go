package local

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"fairlead.dev/fairlead/internal/local/controlplane"
	"fairlead.dev/fairlead/internal/local/network"
	"fairlead.dev/fairlead/internal/local/node"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// Fleet is a fleet's folder, state and tools: enough to say what runs and where it is reached.
type Fleet struct {
	Dir   string
	State State
	Tools Tools
	// sockets is a short path of the folder for sockets.
	sockets string
}

// Units is the table of everything that runs.
func (f *Fleet) Units() []supervise.Unit {
	var table []supervise.Unit
	add := func(units ...supervise.Unit) { table = append(table, units...) }

	add(f.networkUnit())
	add(f.hubCluster().Units("network")...)
	add(f.gitUnit(), f.registryUnit())
	if f.State.Nodes {
		add(f.builderUnit())
	}
	add(f.hubUnit(), f.hubAccessUnit())
	for i, member := range f.State.Members {
		add(f.memberCluster(i).Units("network")...)
		add(f.nodeUnit(i), f.registrationUnit(i), f.agentUnit(member))
	}
	return table
}

// prepare writes certificates and configurations.
func (f *Fleet) prepare() error {
	for _, dir := range []string{"run", "logs"} {
		if err := os.MkdirAll(f.path(dir), 0o700); err != nil {
			return fmt.Errorf("preparing the fleet's folder: %w", err)
		}
	}
	if err := f.hubCluster().Prepare(); err != nil {
		return err
	}
	for i := range f.State.Members {
		cluster, spec := f.memberCluster(i), f.nodeSpec(i)
		err := cluster.Prepare(
			controlplane.Client{Name: "fairlead", User: "fairlead", Groups: []string{"system:masters"}},
			controlplane.Client{Name: "kube-proxy", User: "system:kube-proxy"},
			controlplane.Client{Name: "kubelet", User: "system:node:" + spec.Name, Groups: []string{"system:nodes"},
				Hosts: []string{spec.Name, spec.Address.Addr().String()}},
		)
		if err != nil {
			return err
		}
		if f.State.Nodes {
			err = f.prepareNode(cluster, spec)
		} else {
			err = f.prepareSimulation(i)
		}
		if err != nil {
			return err
		}
	}
	if f.State.Nodes {
		return f.prepareBuilder()
	}
	return nil
}

func (f *Fleet) prepareNode(cluster controlplane.Cluster, spec node.Spec) error {
	if err := spec.Prepare(); err != nil {
		return err
	}
	for from, to := range map[string]string{
		cluster.CertFile("ca.crt"):       "ca.crt",
		cluster.CertFile("kubelet.crt"):  "kubelet.crt",
		cluster.CertFile("kubelet.key"):  "kubelet.key",
		cluster.Kubeconfig("kubelet"):    "kubelet.kubeconfig",
		cluster.Kubeconfig("kube-proxy"): "kube-proxy.kubeconfig",
	} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(spec.EtcFile(to), content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("preparing node %s: %w", spec.Name, err)
		}
	}
	return nil
}

// networkUnit makes the bridge; without nodes there is nothing to make.
func (f *Fleet) networkUnit() supervise.Unit {
	return supervise.Unit{Name: "network", Do: func(context.Context) error {
		if !f.State.Nodes {
			return nil
		}
		return f.bridge().Ensure()
	}}
}

// The subnet 10.x.0.0/16 is divided into eight /19: the first has the machine (.0.1) and the nodes (.0.11, .0.12, …)
// and the hub's Services; each other belongs to a member, its first half to pods, its second to Services.

func (f *Fleet) bridge() network.Bridge {
	return network.Bridge{
		Name:        "fl-" + f.State.ID,
		Address:     netip.PrefixFrom(f.address(0, 1), 24),
		Fleet:       f.State.Subnet,
		ForwardMark: f.path("run", "forwarding"),
	}
}

// address is that of the subnet with the last two bytes given.
func (f *Fleet) address(third, fourth int) netip.Addr {
	bytes := f.State.Subnet.Addr().As4()
	bytes[2], bytes[3] = byte(third), byte(fourth)
	return netip.AddrFrom4(bytes)
}

// machine is the machine's own address as the fleet sees it.
func (f *Fleet) machine() netip.Addr {
	if f.State.Nodes {
		return f.address(0, 1)
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func (f *Fleet) hubCluster() controlplane.Cluster {
	return controlplane.Cluster{
		Name:        "hub",
		Dir:         f.path("clusters", "hub"),
		SocketDir:   f.sockets,
		KubeSandbox: f.Tools.KubeSandbox,
		Address:     f.machine(),
		Port:        f.State.Ports.HubAPIServer,
		ServiceCIDR: netip.PrefixFrom(f.address(16, 0), 20),
	}
}

func (f *Fleet) memberCluster(i int) controlplane.Cluster {
	m := f.State.Members[i]
	return controlplane.Cluster{
		Name:        m.Name,
		Dir:         f.path("clusters", m.Name),
		SocketDir:   f.sockets,
		KubeSandbox: f.Tools.KubeSandbox,
		Address:     f.machine(),
		Port:        m.Port,
		ServiceCIDR: netip.PrefixFrom(f.address(32*(i+1)+16, 0), 20),
		PodCIDR:     netip.PrefixFrom(f.address(32*(i+1), 0), 20),
	}
}

func (f *Fleet) nodeSpec(i int) node.Spec {
	name, cluster := f.State.Members[i].Name, f.memberCluster(i)
	return node.Spec{
		Name:          name + "-node",
		Dir:           f.path("nodes", name),
		LogDir:        f.path("logs"),
		LogPrefix:     name + "-",
		KubeSandbox:   f.Tools.KubeSandbox,
		PauseProgram:  f.Tools.Pause,
		CNIPlugins:    f.Tools.CNIPlugins,
		Bridge:        f.bridge().Name,
		Link:          f.bridge().Name + "-" + strconv.Itoa(i+1),
		Address:       netip.PrefixFrom(f.address(0, 11+i), 24),
		Gateway:       f.machine(),
		PodCIDR:       cluster.PodCIDR,
		ServiceCIDR:   cluster.ServiceCIDR,
		Cgroup:        f.cgroup() + "/" + name,
		Registry:      "http://" + hostPort(f.machine(), f.State.Ports.Registry),
		RegistryNames: f.registryNames(),
		MirroredNames: []string{"docker.io"},
	}
}

// portlessRegistry is a name of the registry for manifests that are to work on any machine, whatever the port.
const portlessRegistry = "registry.local"

// registryNames are all names of the fleet's registry, the canonical one first.
func (f *Fleet) registryNames() []string {
	port := strconv.Itoa(f.State.Ports.Registry)
	return []string{
		f.RegistryName(), net.JoinHostPort("localhost", port), net.JoinHostPort(portlessRegistry, port), portlessRegistry,
		hostPort(f.machine(), f.State.Ports.Registry),
	}
}

func (f *Fleet) cgroup() string { return "/fairlead-" + f.State.ID }

func (f *Fleet) path(elem ...string) string {
	return filepath.Join(append([]string{f.Dir}, elem...)...)
}

func hostPort(a netip.Addr, port int) string { return net.JoinHostPort(a.String(), strconv.Itoa(port)) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
