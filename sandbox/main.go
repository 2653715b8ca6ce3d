// Command kube-sandbox is upstream Kubernetes and etcd, unmodified, in one file: each program is a subcommand, and a
// link whose name is that of a subcommand runs it directly.
//
// It is what `fairlead local` starts clusters from. It is not part of Fairlead itself, which is why it has a module of
// its own: nothing in the main module imports k8s.io/kubernetes.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// programs maps a subcommand to what runs it; the exit code is the program's own.
var programs = map[string]func(args []string) int{
	"etcd":                    func(args []string) int { etcdmain.Main(args); return 0 },
	"kube-apiserver":          cobraProgram(apiserver.NewAPIServerCommand),
	"kube-controller-manager": cobraProgram(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          cobraProgram(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubelet":                 cobraProgram(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"kube-proxy":              cobraProgram(proxy.NewProxyCommand),
	"kubectl":                 cobraProgram(kubectl.NewDefaultKubectlCommand),
}

// cobraProgram delays the construction of a command to the one that runs: building all of them registers the same
// metrics twice.
func cobraProgram(build func() *cobra.Command) func([]string) int {
	return func([]string) int { return cli.Run(build()) }
}

func main() {
	args := os.Args
	args[0] = filepath.Base(args[0])
	if _, ok := programs[args[0]]; !ok && len(args) > 1 {
		args = args[1:]
	}
	run, ok := programs[args[0]]
	if !ok {
		fmt.Fprintf(os.Stderr, "kube-sandbox: no program %q; there are: %s\n", args[0], strings.Join(names(), ", "))
		os.Exit(2)
	}
	os.Args = args
	os.Exit(run(args))
}

func names() []string {
	var all []string
	for name := range programs {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
