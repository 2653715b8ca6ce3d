package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"fairlead.dev/fairlead/conformance/stage"
	"fairlead.dev/fairlead/internal/local/pki"
	"fairlead.dev/fairlead/internal/signature/signaturetest"
)

// world is what all scenarios share: a cluster with a simulated node, Git hosts, charts.
type world struct {
	dir     string
	tools   tools
	cluster *stage.Cluster
	kube    *kubernetes.Clientset
	pki     *pki.Authority
	git     *gitHosts
	charts  *charts
	signer  *signaturetest.Key
	// scenarios counts them, for names that no other has.
	scenarios atomic.Int64

	stop context.CancelFunc
}

// tools are the paths of the programs.
type tools struct{ fairlead, argocd, kubeSandbox, kwok string }

func newWorld(ctx context.Context) (*world, error) {
	t, err := findTools(ctx)
	if err != nil {
		return nil, err
	}
	// Sockets lie in it, so its name is short.
	dir, err := os.MkdirTemp("", "fl-cc-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the run: %w", err)
	}
	w := &world{dir: dir, tools: t}
	ctx, w.stop = context.WithCancel(ctx)
	if err := w.start(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) start(ctx context.Context) (err error) {
	if w.pki, err = pki.Open(filepath.Join(w.dir, "pki"), "conformance"); err != nil {
		return err
	}
	if w.signer, err = signaturetest.NewKey(); err != nil {
		return err
	}
	if err = os.WriteFile(filepath.Join(w.dir, "signer.asc"), []byte(w.signer.Public+"\n"), 0o600); err != nil {
		return err
	}
	if w.git, err = newGitHosts(ctx, w); err != nil {
		return err
	}
	if w.charts, err = newCharts(w); err != nil {
		return err
	}
	w.cluster, err = stage.StartCluster(ctx, stage.Options{
		Dir: w.dir, KubeSandbox: w.tools.kubeSandbox, Kwok: w.tools.kwok, Logs: []string{"a line of the log", "another line"},
	})
	if err != nil {
		return err
	}
	w.kube = w.cluster.Kube
	return nil
}

// emptied waits until the targets of scenarios that ended are gone with all that lay in them, a minute at the most: of the same
// scenario in the next mode, an application has the name of the one that made them, and would count them as its own.
func (w *world) emptied(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err := w.kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		return !slices.ContainsFunc(list.Items, func(ns corev1.Namespace) bool { return strings.HasPrefix(ns.Name, "target-") }), nil
	})
	if err != nil && !wait.Interrupted(err) {
		return fmt.Errorf("waiting for the targets of the scenarios to be gone: %w", err)
	}
	return ctx.Err()
}

func (w *world) close() {
	w.stop()
	if w.cluster != nil {
		w.cluster.Wait()
	}
	if w.charts != nil {
		w.charts.close()
	}
	if w.git != nil {
		w.git.close()
	}
	_ = os.RemoveAll(w.dir)
}

func findTools(ctx context.Context) (tools, error) {
	fairlead, err := filepath.Abs("bin/fairlead")
	if err == nil {
		_, err = os.Stat(fairlead)
	}
	if err != nil {
		return tools{}, fmt.Errorf("finding fairlead: %w: run make build", err)
	}
	t := tools{fairlead: fairlead}
	for name, path := range map[string]*string{"kube-sandbox": &t.kubeSandbox, "kwok": &t.kwok, "argocd": &t.argocd} {
		cmd := exec.CommandContext(ctx, "hack/tools.sh", name)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return t, fmt.Errorf("building %s: %w", name, err)
		}
		*path = strings.TrimSpace(string(out))
	}
	return t, nil
}
