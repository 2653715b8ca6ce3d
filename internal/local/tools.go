package local

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tools are the programs that a fleet runs besides those in PATH.
type Tools struct {
	// Fairlead is the program that is running now.
	Fairlead string `json:"fairlead"`
	// KubeSandbox is etcd and Kubernetes in one file.
	KubeSandbox string `json:"kubeSandbox"`
	// Pause is the first process of pods and nodes. Buildkitd builds images. CNIPlugins is a folder.
	// All three are empty in a fleet without nodes.
	Pause      string `json:"pause"`
	Buildkitd  string `json:"buildkitd"`
	CNIPlugins string `json:"cniPlugins"`
	// Kwok simulates nodes; it is empty in a fleet with nodes.
	Kwok string `json:"kwok,omitempty"`
}

// ErrMissingTools means that the machine lacks programs; the error says which, and how to get them.
var ErrMissingTools = errors.New("programs are missing")

// FindTools looks beside the running program, then in the cache folder that hack/tools.sh fills.
func FindTools(cache string, nodes bool) (Tools, error) {
	var t Tools
	self, err := os.Executable()
	if err != nil {
		return t, fmt.Errorf("finding the running program: %w", err)
	}
	t.Fairlead = self
	f := finder{folders: []string{filepath.Dir(self), cache}}
	t.KubeSandbox = f.built("kube-sandbox")
	if !nodes {
		t.Kwok = f.built("kwok")
		return t, f.missing()
	}
	t.Pause = f.built("pause")
	t.Buildkitd = f.built("buildkitd")
	for _, program := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "iptables", "conntrack"} {
		f.installed(program)
	}
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"} {
		if _, err := os.Stat(filepath.Join(dir, "ptp")); err == nil {
			t.CNIPlugins = dir
			break
		}
	}
	if t.CNIPlugins == "" {
		f.toInstall = append(f.toInstall, "containernetworking-plugins")
	}
	return t, f.missing()
}

type finder struct {
	folders            []string
	toBuild, toInstall []string
}

// built finds a program that is built from Fairlead's source.
func (f *finder) built(name string) string {
	for _, folder := range f.folders {
		// Resolved, so that a new build doesn't change what a running fleet restarts.
		if path, err := filepath.EvalSymlinks(filepath.Join(folder, name)); err == nil {
			return path
		}
	}
	f.toBuild = append(f.toBuild, name)
	return ""
}

// installed checks for a program that Debian brings.
func (f *finder) installed(name string) {
	if _, err := exec.LookPath(name); err != nil {
		f.toInstall = append(f.toInstall, name)
	}
}

func (f *finder) missing() error {
	var hints []string
	if len(f.toBuild) > 0 {
		hints = append(hints, fmt.Sprintf("%s: run `make tools` in Fairlead's source folder (once; it takes some minutes), looked in %s",
			strings.Join(f.toBuild, ", "), strings.Join(f.folders, " and ")))
	}
	if len(f.toInstall) > 0 {
		hints = append(hints, fmt.Sprintf("%s: run `apt-get install containerd runc containernetworking-plugins iptables iproute2 conntrack`",
			strings.Join(f.toInstall, ", ")))
	}
	if len(hints) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrMissingTools, strings.Join(hints, "; "))
}
