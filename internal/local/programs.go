package local

import (
	"fmt"
	"os"
	"path/filepath"

	"fairlead.dev/fairlead/internal/build/buildkit"
	"fairlead.dev/fairlead/internal/local/node"
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
		"hub", "--log-format", "json",
		"--kubeconfig", f.hubCluster().AdminKubeconfig(),
		"--address", loopback(f.State.Ports.Hub), "--insecure",
		"--data", f.path("hub"),
	}
	if f.State.Nodes {
		args = append(args, "--buildkit", f.builder().Address())
	}
	u := f.fairlead("hub", args...)
	u.After = []string{f.hubCluster().APIServerUnit()}
	u.Ready = supervise.Answers(nil, "http://"+loopback(f.State.Ports.Hub)+"/healthz")
	return u
}

func (f *Fleet) agentUnit(m Member) supervise.Unit {
	u := f.fairlead(m.Name+"-agent", "agent", "--log-format", "text", "--kubeconfig", f.path("clusters", m.Name, "fairlead.kubeconfig"))
	u.After = []string{m.Name + "-apiserver"}
	return u
}

// builder are the options of BuildKit.
func (f *Fleet) builder() buildkit.DaemonOptions {
	o := buildkit.DefaultDaemonOptions()
	o.Root = f.path("builder", "data")
	o.Socket = filepath.Join(f.sockets, "buildkitd.sock")
	o.Snapshotter = node.Snapshotter(f.Dir)
	o.CgroupParent = f.cgroup() + "/builder"
	o.PlainHTTP = f.registryNames()
	registry := []string{hostPort(f.machine(), f.State.Ports.Registry)}
	o.Mirrors = map[string][]string{"docker.io": registry, portlessRegistry: registry}
	return o
}

func (f *Fleet) builderConfig() string { return f.path("builder", "buildkitd.toml") }

// builderUnit runs BuildKit in namespaces of its own: when it is killed, its containers and mounts go with it.
func (f *Fleet) builderUnit() supervise.Unit {
	o := f.builder()
	return supervise.Unit{
		Name:    "builder",
		After:   []string{"network"},
		Argv:    append([]string{f.Tools.Pause, f.Tools.Buildkitd}, o.Args(f.builderConfig())...),
		Isolate: supervise.Isolation{Mount: true, PID: true},
		Ready:   supervise.Listens(o.Socket),
	}
}

func (f *Fleet) prepareBuilder() error {
	o := f.builder()
	if err := o.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Root, 0o700); err != nil {
		return fmt.Errorf("preparing the builder: %w", err)
	}
	if err := os.WriteFile(f.builderConfig(), buildkit.DaemonConfig(o), 0o600); err != nil {
		return fmt.Errorf("preparing the builder: %w", err)
	}
	return nil
}
