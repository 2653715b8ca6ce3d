package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"fairlead.dev/fairlead/internal/local/supervise"
)

// Isolation is what the process that calls Enter must have of its own.
var Isolation = supervise.Isolation{Network: true, Mount: true, PID: true}

// Enter turns the namespaces that this process was started in into the node's, and replaces the process by another run of
// this program with the arguments given, followed by the path of the spec inside the node. Machine is the machine's
// network namespace. Enter returns only with an error.
func Enter(s Spec, machine *os.File, args ...string) error {
	err := mountNode(s)
	if err == nil {
		err = connect(s, machine)
	}
	if err == nil {
		err = enterCgroups(s.Cgroup)
	}
	if err == nil {
		// The program's own path may lie below what the node's mounts cover.
		err = syscall.Exec("/proc/self/exe", append(append([]string{"fairlead"}, args...), homeNode+"/node.json"), os.Environ())
	}
	return fmt.Errorf("starting node %s: %w", s.Name, err)
}

// Run keeps the node's programs running until ctx ends. It is what Enter replaces itself by.
func Run(ctx context.Context, s Spec, log *slog.Logger) error {
	if err := leaveRoot(); err != nil {
		return fmt.Errorf("starting node %s: %w", s.Name, err)
	}
	options := supervise.Options{LogDir: homeLogs, StatusFile: homeNode + "/status.json", Log: log}
	return supervise.Run(ctx, s.units(), options)
}

// units are the node's programs.
func (s Spec) units() []supervise.Unit {
	name := func(program string) string { return s.LogPrefix + program }
	return []supervise.Unit{{
		Name:  name("containerd"),
		Argv:  []string{"containerd", "--config", etc + "/containerd.toml"},
		Ready: supervise.Listens(containerd),
	}, {
		Name:  name("pause-image"),
		After: []string{name("containerd")},
		Do:    importPauseImage,
	}, {
		Name:  name("kubelet"),
		After: []string{name("pause-image")},
		Argv: []string{
			homeSandbox, "kubelet",
			"--config=" + etc + "/kubelet.yaml",
			"--kubeconfig=" + etc + "/kubelet.kubeconfig",
			"--hostname-override=" + s.Name,
			"--node-ip=" + s.Address.Addr().String(),
			"--v=1",
		},
		Ready: supervise.Answers(nil, kubeletHealth),
	}, {
		Name:  name("kube-proxy"),
		Argv:  []string{homeSandbox, "kube-proxy", "--config=" + etc + "/kube-proxy.yaml"},
		Ready: supervise.Answers(nil, proxyHealth),
	}}
}

func importPauseImage(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "ctr", "--address", containerd, "--namespace", "k8s.io",
		"images", "import", etc+"/pause.tar").CombinedOutput()
	if err != nil {
		return fmt.Errorf("importing the pause image: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
