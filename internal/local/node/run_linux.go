package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"

	"fairlead.dev/fairlead/internal/local/cgroup"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// Isolation is what the process that calls Run must have of its own.
var Isolation = supervise.Isolation{Network: true, Mount: true, PID: true}

// Run is the node: it sets the namespaces up that it was started in and keeps the node's programs running until ctx
// ends. machine is the machine's network namespace.
func Run(ctx context.Context, s Spec, machine *os.File, log *slog.Logger) error {
	if err := mountNode(s); err != nil {
		return fmt.Errorf("starting node %s: %w", s.Name, err)
	}
	if err := connect(s, machine); err != nil {
		return err
	}
	options := supervise.Options{LogDir: homeLogs, StatusFile: homeNode + "/status.json", Log: log}
	return supervise.Run(ctx, s.units(), options)
}

// units are the node's programs.
func (s Spec) units() []supervise.Unit {
	groups := supervise.Isolation{Cgroup: !cgroup.Version2()}
	name := func(program string) string { return s.LogPrefix + program }
	return []supervise.Unit{{
		Name:    name("containerd"),
		Isolate: groups,
		Argv:    []string{"containerd", "--config", etc + "/containerd.toml"},
		Ready:   supervise.Listens(containerd),
	}, {
		Name:  name("pause-image"),
		After: []string{name("containerd")},
		Do:    importPauseImage,
	}, {
		Name:    name("kubelet"),
		Isolate: groups,
		After:   []string{name("pause-image")},
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
