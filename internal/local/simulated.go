package local

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
)

//go:embed simulated.yaml
var simulation []byte

// simulation is the path of KWOK's configuration for a member.
func (f *Fleet) simulation(i int) string {
	return f.path("nodes", f.State.Members[i].Name, "kwok.yaml")
}

func (f *Fleet) prepareSimulation(i int) error {
	path := f.simulation(i)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, simulation, 0o600)
	}
	if err != nil {
		return fmt.Errorf("preparing the simulation of %s: %w", f.State.Members[i].Name, err)
	}
	return nil
}

// simulatedNode runs KWOK, which plays a node where there can't be a real one: its pods are ready at once, and nothing
// runs in them.
func (f *Fleet) simulatedNode(i int) []string {
	cluster := f.memberCluster(i)
	return []string{
		f.Tools.Kwok,
		"--kubeconfig", cluster.AdminKubeconfig(),
		"--config", f.simulation(i),
		"--manage-single-node", f.nodeSpec(i).Name,
		"--cidr", cluster.PodCIDR.String(),
		"--node-lease-duration-seconds", "40",
	}
}

// registerSimulated makes the Node object, which a kubelet would make itself.
func (f *Fleet) registerSimulated(i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := clientFor(f.memberCluster(i).AdminKubeconfig())
	if err != nil {
		return err
	}
	name := f.nodeSpec(i).Name
	n := corev1apply.Node(name).WithLabels(map[string]string{
		corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: runtime.GOARCH,
	}).WithAnnotations(map[string]string{"kwok.x-k8s.io/node": "fake"})
	if _, err := client.CoreV1().Nodes().Apply(ctx, n, metav1.ApplyOptions{FieldManager: "fairlead-local", Force: true}); err != nil {
		return fmt.Errorf("registering simulated node %s: %w", name, err)
	}
	return nil
}
