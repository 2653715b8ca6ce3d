package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/internal/local/node"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// nodeUnit is a member's node; it is ready when the cluster says so.
func (f *Fleet) nodeUnit(i int) supervise.Unit {
	m, spec := f.State.Members[i], f.nodeSpec(i)
	kubeconfig := f.memberCluster(i).AdminKubeconfig()
	u := supervise.Unit{
		Name:  m.Name + "-node",
		After: []string{m.Name + "-apiserver"},
		Ready: func(ctx context.Context) error { return nodeReady(ctx, kubeconfig, spec.Name, time.Time{}) },
	}
	if f.State.Nodes {
		// The status that a node had at its end would be taken for that of the one that starts.
		u.Before = func() error { return removeIfThere(spec.StatusFile()) }
		u.Ready = func(ctx context.Context) error {
			started, err := programsReady(spec.StatusFile())
			if err != nil {
				return err
			}
			return nodeReady(ctx, kubeconfig, spec.Name, started)
		}
		u.Argv = []string{f.Tools.Pause, f.Tools.Fairlead, "local", "run", "node", spec.File()}
		u.Isolate = node.Isolation
		u.Files = f.machineNetwork()
	} else {
		u.Before = func() error { return f.registerSimulated(i) }
		u.Argv = f.simulatedNode(i)
	}
	return u
}

// machineNetwork is handed to nodes, so that they can make their link to the machine.
func (f *Fleet) machineNetwork() []*os.File {
	ns, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil // the node says what it misses
	}
	return []*os.File{ns}
}

// programsReady asks the supervisor inside the node, and says when it was started.
func programsReady(statusFile string) (time.Time, error) {
	status, err := supervise.ReadStatus(statusFile)
	if err == nil && !status.AllReady() {
		err = errors.New(notReady(status))
	}
	return status.Started, err
}

// nodeReady asks the cluster. What it was told before the node was started doesn't count.
func nodeReady(ctx context.Context, kubeconfig, name string, started time.Time) error {
	client, err := clientFor(kubeconfig)
	if err != nil {
		return err
	}
	n, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type != corev1.NodeReady:
			continue
		case c.LastHeartbeatTime.Time.Before(started.Truncate(time.Second)): // which is written in whole seconds
			return fmt.Errorf("node %s hasn't said anything since it was started", name)
		case c.Status != corev1.ConditionTrue:
			return fmt.Errorf("node %s isn't ready: %s", name, c.Message)
		}
		return nil
	}
	return fmt.Errorf("node %s hasn't said yet whether it is ready", name)
}
