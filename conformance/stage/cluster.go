// Package stage is what the conformance programs play on: a cluster with a simulated node, and a Git host over SSH. Start with
// StartCluster.
package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/internal/local/controlplane"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// Patience is how long a loaded machine may take to start an API server or a hub.
const Patience = 3 * time.Minute

// Options are what a cluster is made of.
type Options struct {
	// Dir is for files and logs. Its name must be short: sockets lie in it.
	Dir string
	// KubeSandbox and Kwok are the programs.
	KubeSandbox, Kwok string
	// Stages are further ones of KWOK, which say what becomes of pods; may be empty.
	Stages string
	// Logs are the lines that every container has logged.
	Logs []string
}

// Cluster is a whole control plane, with a node that KWOK plays.
type Cluster struct {
	controlplane.Cluster

	// Kube may do everything.
	Kube *kubernetes.Clientset

	options Options
	work    sync.WaitGroup
}

// StartCluster runs a cluster until ctx ends. It is ready when this returns. With an error, what was begun may have to be waited
// for.
func StartCluster(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{options: o}
	return c, c.start(ctx)
}

// Wait returns when all processes have ended, after the end of the context.
func (c *Cluster) Wait() { c.work.Wait() }

func (c *Cluster) start(ctx context.Context) error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	dir := filepath.Join(c.options.Dir, "kube")
	c.Cluster = controlplane.Cluster{
		Name: "conformance", Dir: dir, SocketDir: dir, KubeSandbox: c.options.KubeSandbox,
		Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: port,
		ServiceCIDR: netip.MustParsePrefix("10.0.0.0/24"), PodCIDR: netip.MustParsePrefix("10.1.0.0/16"),
		Ephemeral: true,
	}
	if err := c.Prepare(controlplane.Client{Name: "kubelet", User: "system:node:simulated", Hosts: []string{"127.0.0.1"}}); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", c.AdminKubeconfig())
	if err != nil {
		return fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	config.QPS = -1
	if c.Kube, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	node, err := c.node()
	if err != nil {
		return err
	}
	units := append(c.Units(), node)
	return c.supervise(ctx, "kube", c.options.Dir, units...)
}

// supervise runs units until ctx ends, and returns when all are ready. Their logs lie in dir.
func (c *Cluster) supervise(ctx context.Context, name, dir string, units ...supervise.Unit) error {
	o := supervise.Options{LogDir: dir, StatusFile: filepath.Join(dir, name+".json"), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	c.work.Go(func() { _ = supervise.Run(ctx, units, o) })
	if err := Ready(ctx, o); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	return nil
}

// Ready waits until all that is supervised with these options is ready, for Patience at most.
func Ready(ctx context.Context, o supervise.Options) error {
	limit, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	tick := time.NewTicker(supervise.ProbeInterval)
	defer tick.Stop()
	for {
		status, err := supervise.ReadStatus(o.StatusFile)
		if err == nil && status.AllReady() {
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.Done():
			return fmt.Errorf("it isn't ready after %s: %+v", Patience, status.Units)
		}
	}
}

const nodeName = "simulated"

// node is the local fleet's simulated node, whose containers also have logs.
func (c *Cluster) node() (supervise.Unit, error) {
	port, err := FreePort()
	if err != nil {
		return supervise.Unit{}, err
	}
	config, err := os.ReadFile("internal/local/simulated.yaml")
	if err != nil {
		return supervise.Unit{}, fmt.Errorf("reading how a node is simulated: %w", err)
	}
	config = append(append(config, "\n---\n"...), c.options.Stages...)
	logs, file := filepath.Join(c.options.Dir, "container.log"), filepath.Join(c.options.Dir, "kwok.yaml")
	config = fmt.Appendf(config, "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterLogs\nmetadata: {name: all}\nspec: {logs: [{logsFile: %q, follow: false}]}\n", logs)
	if err := errors.Join(os.WriteFile(logs, []byte(logLines(c.options.Logs)), 0o600), os.WriteFile(file, config, 0o600)); err != nil {
		return supervise.Unit{}, fmt.Errorf("writing how a node is simulated: %w", err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	return supervise.Unit{
		Name: nodeName, After: []string{c.APIServerUnit()},
		Before: func() error { return c.registerNode(int32(port)) },
		Argv: []string{
			c.options.Kwok, "--kubeconfig", c.AdminKubeconfig(), "--config", file, "--manage-single-node", nodeName,
			"--cidr", c.PodCIDR.String(), "--node-lease-duration-seconds", "40",
			"--node-ip", "127.0.0.1", "--node-port", fmt.Sprint(port), "--server-address", address,
			"--tls-cert-file", c.CertFile("kubelet.crt"), "--tls-private-key-file", c.CertFile("kubelet.key"),
		},
		Ready: func(ctx context.Context) error {
			n, err := c.Kube.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, condition := range n.Status.Conditions {
				if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
					return nil
				}
			}
			return errors.New("the node isn't ready")
		},
	}, nil
}

// logLines are lines in the form of a container runtime's log.
func logLines(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&b, "2026-11-23T04:05:0%d.000000000Z stdout F %s\n", i, line)
	}
	return b.String()
}

// registerNode makes the Node object as its kubelet would.
func (c *Cluster) registerNode(port int32) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:        nodeName,
		Labels:      map[string]string{corev1.LabelHostname: nodeName, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"},
		Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
	}}
	nodes := c.Kube.CoreV1().Nodes()
	if made, err := nodes.Create(ctx, node, metav1.CreateOptions{}); err == nil {
		node = made
	} else if node, err = nodes.Get(ctx, nodeName, metav1.GetOptions{}); err != nil {
		return err
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = port
	_, err := nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// FreePort is one of this machine that nobody listens on.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
