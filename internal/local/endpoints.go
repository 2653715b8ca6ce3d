package local

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Endpoints are the addresses by which people and programs on this machine reach the fleet.
type Endpoints struct {
	// Hub is the URL of the hub's API.
	Hub string `json:"hub"`
	// Git is the URL of the Git host; repositories are below it. Anyone may read, GitUser may push.
	Git         string `json:"git"`
	GitUser     string `json:"gitUser"`
	GitPassword string `json:"gitPassword"`
	// Registry is the name that images of the fleet's registry begin with.
	Registry string `json:"registry"`
	// Builder is BuildKit's address; empty without nodes.
	Builder string `json:"builder,omitempty"`
	// Kubeconfigs are paths by cluster name.
	Kubeconfigs map[string]string `json:"kubeconfigs"`
}

// gitUser may push to the Git host.
const gitUser = "fairlead"

// Endpoints says where the fleet is reached, whether it runs or not.
func (f *Fleet) Endpoints() Endpoints {
	e := Endpoints{
		Hub:         "http://" + loopback(f.State.Ports.Hub),
		Git:         "http://" + loopback(f.State.Ports.Git),
		GitUser:     gitUser,
		GitPassword: f.State.GitPassword,
		Registry:    f.RegistryName(),
		Kubeconfigs: map[string]string{"hub": f.hubCluster().AdminKubeconfig()},
	}
	if f.State.Nodes {
		e.Builder = f.builder().Address()
	}
	for i, m := range f.State.Members {
		e.Kubeconfigs[m.Name] = f.memberCluster(i).AdminKubeconfig()
	}
	return e
}

// RegistryName is what images of the fleet's registry are called by. It is the loopback address because that resolves
// everywhere on the machine with no configuration; nodes and the builder translate it.
func (f *Fleet) RegistryName() string { return loopback(f.State.Ports.Registry) }

// KubeconfigPath is the file with the admin's kubeconfig of a cluster of the fleet in the folder.
func KubeconfigPath(dir, cluster string) (string, error) {
	f, err := open(dir, Tools{})
	if err != nil {
		return "", err
	}
	paths := f.Endpoints().Kubeconfigs
	path, ok := paths[cluster]
	if !ok {
		var names []string
		for name := range paths {
			names = append(names, name)
		}
		slices.Sort(names)
		return "", fmt.Errorf("the fleet has no cluster %q; it has %s", cluster, strings.Join(names, ", "))
	}
	return path, nil
}

// Kubeconfig reads the admin's kubeconfig of a cluster of the fleet in the folder.
func Kubeconfig(dir, cluster string) ([]byte, error) {
	path, err := KubeconfigPath(dir, cluster)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cluster %s has never been started; run `fairlead local up`", cluster)
	}
	return content, err
}
