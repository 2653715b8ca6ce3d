package local

import (
	"context"
	"os"
	"os/exec"
)

// Kubectl is a command that runs kubectl on a cluster of the fleet in the folder, as its admin. It is the kubectl of the
// fleet's own Kubernetes. The caller sets its streams and runs it.
func Kubectl(ctx context.Context, dir, cluster string, args ...string) (*exec.Cmd, error) {
	kubeconfig, err := KubeconfigPath(dir, cluster)
	if err != nil {
		return nil, err
	}
	started, err := loadInstallation(dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, started.Tools.KubeSandbox, append([]string{"kubectl"}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	return cmd, nil
}
