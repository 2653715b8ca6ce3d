package local

import (
	"fmt"
	"os"
	"strings"

	"fairlead.dev/fairlead/internal/local/supervise"
)

// fairlead is a unit that runs this very program.
func (f *Fleet) fairlead(name string, args ...string) supervise.Unit {
	return supervise.Unit{Name: name, Argv: append([]string{f.Tools.Fairlead}, args...)}
}

func (f *Fleet) gitUnit() supervise.Unit {
	u := f.fairlead("git", "local", "run", "git", "--dir", f.Dir)
	u.After = []string{"network"}
	u.Ready = supervise.Answers(nil, "http://"+loopback(f.State.Ports.Git)+"/healthz")
	return u
}

func (f *Fleet) registryUnit() supervise.Unit {
	u := f.fairlead("registry", "local", "run", "registry", "--dir", f.Dir)
	u.After = []string{"network"}
	u.Ready = supervise.Answers(nil, "http://"+loopback(f.State.Ports.Registry)+"/readyz")
	return u
}

func (f *Fleet) hubUnit() supervise.Unit {
	args := []string{
		"hub",
		"--kubeconfig", f.hubCluster().AdminKubeconfig(),
		"--listen", loopback(f.State.Ports.Hub),
		"--data", f.path("hub"),
	}
	if f.State.Nodes {
		args = append(args, "--buildkit", f.builderAddress())
	}
	u := f.fairlead("hub", args...)
	u.After = []string{f.hubCluster().APIServerUnit()}
	u.Ready = supervise.Answers(nil, "http://"+loopback(f.State.Ports.Hub)+"/healthz")
	return u
}

func (f *Fleet) agentUnit(m Member) supervise.Unit {
	u := f.fairlead(m.Name+"-agent", "agent", "--kubeconfig", f.path("clusters", m.Name, "fairlead.kubeconfig"))
	u.After = []string{m.Name + "-apiserver"}
	return u
}

func (f *Fleet) builderAddress() string { return "unix://" + f.sockets + "/buildkitd.sock" }

// builderUnit runs BuildKit in namespaces of its own: when it is killed, its containers and mounts go with it.
func (f *Fleet) builderUnit() supervise.Unit {
	return supervise.Unit{
		Name:    "builder",
		After:   []string{"network"},
		Argv:    []string{f.Tools.Pause, f.Tools.Buildkitd, "--config", f.path("builder", "buildkitd.toml")},
		Isolate: supervise.Isolation{Mount: true, PID: true},
		Ready:   supervise.Listens(strings.TrimPrefix(f.builderAddress(), "unix://")),
	}
}

// prepareBuilder writes BuildKit's configuration. Containers of a build use the machine's network: a build on one
// machine needs what the machine reaches, and no address range.
func (f *Fleet) prepareBuilder() error {
	var c strings.Builder
	fmt.Fprintf(&c, "root = %q\n\n[grpc]\n  address = [%q]\n\n", f.path("builder", "data"), f.builderAddress())
	fmt.Fprintf(&c, "[worker.containerd]\n  enabled = false\n\n")
	fmt.Fprintf(&c, "[worker.oci]\n  enabled = true\n  binary = \"runc\"\n  networkMode = \"host\"\n  defaultCgroupParent = %q\n  max-parallelism = 4\n", f.cgroup()+"/builder")
	registry := hostPort(f.machine(), f.State.Ports.Registry)
	for _, name := range f.registryNames() {
		fmt.Fprintf(&c, "\n[registry.%q]\n  http = true\n", name)
		if !strings.Contains(name, ":") {
			fmt.Fprintf(&c, "  mirrors = [%q]\n", registry)
		}
	}
	fmt.Fprintf(&c, "\n[registry.\"docker.io\"]\n  mirrors = [%q]\n", registry)
	if err := os.MkdirAll(f.path("builder"), 0o700); err != nil {
		return fmt.Errorf("preparing the builder: %w", err)
	}
	if err := os.WriteFile(f.path("builder", "buildkitd.toml"), []byte(c.String()), 0o600); err != nil {
		return fmt.Errorf("preparing the builder: %w", err)
	}
	return nil
}
