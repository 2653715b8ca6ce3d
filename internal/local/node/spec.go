// Package node is one real Kubernetes node on this machine: a network, a mount and a PID namespace in which containerd,
// a kubelet and a kube-proxy run, and pods with them.
//
// The namespaces hang on one process (the pause program as PID 1): when it ends, so does everything in the node, and no
// mount, no container and no link of it stays behind. Inside, /run and /var are the node's own, so that every program
// finds its usual paths and no socket's path is too long. A node that is started again is like a machine after a reboot.
//
// The control plane is not here (package controlplane), nor the machine's side of the network (package network).
// Start reading at Spec, then Run.
package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// Spec is what a node is made from. It is handed to the node's process as a file.
type Spec struct {
	// Name is that of the Kubernetes node.
	Name string `json:"name"`
	// Dir is the node's folder on the machine. It holds etc (what Prepare writes), var (the node's /var) and the
	// status file.
	Dir string `json:"dir"`
	// LogDir gets the logs of the node's programs, prefixed with LogPrefix.
	LogDir    string `json:"logDir"`
	LogPrefix string `json:"logPrefix"`
	// KubeSandbox and PauseProgram are paths of binaries, CNIPlugins that of a folder of them.
	KubeSandbox  string `json:"kubeSandbox"`
	PauseProgram string `json:"pauseProgram"`
	CNIPlugins   string `json:"cniPlugins"`

	// Bridge is the machine's link that the node is connected to, Link the name of its end of the connection.
	Bridge string `json:"bridge"`
	Link   string `json:"link"`
	// Address is the node's, with the bridge's range; Gateway is the machine's own on the bridge.
	Address netip.Prefix `json:"address"`
	Gateway netip.Addr   `json:"gateway"`
	// PodCIDR and ServiceCIDR are reached through the node from the machine.
	PodCIDR     netip.Prefix `json:"podCIDR"`
	ServiceCIDR netip.Prefix `json:"serviceCIDR"`

	// Snapshotter is containerd's: overlayfs, or native, which copies, where the folder can't be a part of an overlay.
	Snapshotter string `json:"snapshotter"`
	// Cgroup is the control group that is the root of all in the node, such as "/fairlead/dev".
	Cgroup string `json:"cgroup"`
	// Registry is the URL of the fleet's registry. References to RegistryNames are answered by it alone; what belongs
	// to MirroredNames is asked there first, then at its own registry.
	Registry      string   `json:"registry"`
	RegistryNames []string `json:"registryNames"`
	MirroredNames []string `json:"mirroredNames"`
}

// Paths inside the node.
const (
	home          = "/run/fairlead"
	homeNode      = home + "/node" // Spec.Dir
	homeLogs      = home + "/logs" // Spec.LogDir
	homeCNI       = home + "/cni"  // Spec.CNIPlugins
	homeSandbox   = home + "/kube-sandbox"
	etc           = homeNode + "/etc"
	containerd    = "/run/containerd/containerd.sock"
	kubeletHealth = "http://127.0.0.1:10248/healthz"
	proxyHealth   = "http://127.0.0.1:10256/livez"
)

// File is the path of the spec itself, StatusFile that of the status of the node's programs.
func (s Spec) File() string       { return filepath.Join(s.Dir, "node.json") }
func (s Spec) StatusFile() string { return filepath.Join(s.Dir, "status.json") }

// EtcFile is the path, outside the node, of a file that its programs are configured by. Before Prepare there must be
// ca.crt, kubelet.crt, kubelet.key, kubelet.kubeconfig and kube-proxy.kubeconfig.
func (s Spec) EtcFile(elem ...string) string {
	return filepath.Join(append([]string{s.Dir, "etc"}, elem...)...)
}

// Load reads a spec from its file.
func Load(path string) (Spec, error) {
	var s Spec
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("loading node: %w", err)
	}
	return s, nil
}
