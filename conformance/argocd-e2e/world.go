package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/conformance/stage"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// What the suite expects where nothing in its environment says otherwise.
const (
	namespace  = "argocd-e2e"
	external   = "argocd-e2e-external"
	hubAddress = "127.0.0.1:8080"
	dataDir    = "/tmp/argo-e2e"
	user       = "admin"
	password   = "password"
)

// world is a hub, and all that stands around it.
type world struct {
	// dir is the run's, source the copy of upstream's folder in it, logs that of logs.
	dir, source, logs string
	tools             tools
	cluster           *stage.Cluster
	hosts             hosts
	hub               chan struct{}
	stop              context.CancelFunc
}

// tools are the paths of programs.
type tools struct{ fairlead, argocd, suite, kubeSandbox, kwok, helm, oras, kustomize string }

func newWorld(ctx context.Context, logs string) (*world, error) {
	w := &world{logs: logs}
	if err := w.findTools(ctx); err != nil {
		return nil, err
	}
	var err error
	// Sockets lie in it, so its name is short.
	if w.dir, err = os.MkdirTemp("", "fl-e2e-"); err != nil {
		return nil, fmt.Errorf("making a folder for the run: %w", err)
	}
	if w.logs == "" {
		w.logs = filepath.Join(w.dir, "logs")
	}
	if w.logs, err = filepath.Abs(w.logs); err == nil {
		err = os.MkdirAll(w.logs, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder for logs: %w", err)
	}
	ctx, w.stop = context.WithCancel(ctx)
	for _, step := range []func(context.Context) error{w.copySource, w.programs, w.serveHosts, w.startCluster, w.startHub} {
		if err := step(ctx); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *world) close() {
	w.stop()
	if w.hub != nil {
		<-w.hub
	}
	if w.cluster != nil {
		w.cluster.Wait()
	}
	w.hosts.close()
	_ = os.RemoveAll(w.dir)
	_ = os.RemoveAll(dataDir)
}

func (w *world) findTools(ctx context.Context) error {
	fairlead, err := filepath.Abs("bin/fairlead")
	if err == nil {
		_, err = os.Stat(fairlead)
	}
	if err != nil {
		return fmt.Errorf("finding fairlead: %w: run make build", err)
	}
	w.tools.fairlead = fairlead
	for name, path := range map[string]*string{
		"kube-sandbox": &w.tools.kubeSandbox, "kwok": &w.tools.kwok, "argocd": &w.tools.argocd, "argocd-e2e": &w.tools.suite,
		"helm": &w.tools.helm, "oras": &w.tools.oras, "kustomize": &w.tools.kustomize,
	} {
		cmd := exec.CommandContext(ctx, "hack/tools.sh", name)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
		*path = strings.TrimSpace(string(out))
	}
	return nil
}

// copySource copies the suite's data out of the module cache, where nothing may be written.
func (w *world) copySource(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", "github.com/argoproj/argo-cd/v3")
	cmd.Dir = "conformance/argocd/e2e"
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=auto") // the module asks for a newer Go than ours
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var module struct{ Dir string }
	if err = errors.Join(err, json.Unmarshal(out, &module)); err != nil {
		return fmt.Errorf("finding the suite's module: %w", err)
	}
	w.source = filepath.Join(w.dir, "argo-cd")
	if err := os.CopyFS(filepath.Join(w.source, "test"), os.DirFS(filepath.Join(module.Dir, "test"))); err != nil {
		return fmt.Errorf("copying the suite's data: %w", err)
	}
	return nil
}

// programs puts what the suite runs where it looks for it. goreman would restart Argo CD's servers, and pkill end the GPG agents of
// everybody on this machine: both do nothing.
func (w *world) programs(context.Context) error {
	bin, dist, home := filepath.Join(w.dir, "bin"), filepath.Join(w.source, "dist"), filepath.Join(w.dir, "home")
	for _, dir := range []string{bin, dist, home, dataDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making a folder for programs: %w", err)
		}
	}
	files := map[string]string{
		filepath.Join(bin, "goreman"): "#!/bin/sh\n", filepath.Join(bin, "pkill"): "#!/bin/sh\n",
		filepath.Join(bin, "kubectl"):     "#!/bin/sh\nexec " + w.tools.kubeSandbox + " kubectl \"$@\"\n",
		filepath.Join(home, ".gitconfig"): "[user]\n\tname = ArgoCD Test User\n\temail = noreply@example.com\n[safe]\n\tdirectory = *\n",
	}
	for name, content := range files {
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	for name, target := range map[string]string{
		filepath.Join(dist, "argocd"): w.tools.argocd, filepath.Join(bin, "argocd"): w.tools.argocd,
		filepath.Join(bin, "helm"): w.tools.helm, filepath.Join(bin, "oras"): w.tools.oras,
		filepath.Join(bin, "kustomize"): w.tools.kustomize,
	} {
		if err := os.Symlink(target, name); err != nil {
			return fmt.Errorf("linking a program: %w", err)
		}
	}
	return nil
}

func (w *world) kubeconfig() string { return filepath.Join(w.dir, "kubeconfig") }

// environment is that of the suite.
func (w *world) environment() []string {
	return append(os.Environ(),
		"PATH="+filepath.Join(w.dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HOME="+filepath.Join(w.dir, "home"), "KUBECONFIG="+w.kubeconfig(), "ARGOCD_SERVER=127.0.0.1:8080", "ARGOCD_GPG_ENABLED=true",
		"ARGOCD_E2E_DEFAULT_TIMEOUT=30", "ARGOCD_APPLICATIONSET_CONTROLLER_ENABLE_PROGRESSIVE_SYNCS=true",
		"ARGOCD_CONFIG_DIR="+filepath.Join(w.dir, "home", ".config", "argocd-e2e"),
		"GIT_CONFIG_NOSYSTEM=1", "NO_PROXY=*", "ARGOCD_E2E_SKIP_OPENSHIFT=true",
	)
}

func (w *world) startCluster(ctx context.Context) (err error) {
	if w.cluster, err = stage.StartCluster(ctx, stage.Options{
		Dir: w.dir, KubeSandbox: w.tools.kubeSandbox, Kwok: w.tools.kwok, Stages: containers, Logs: []string{"Hi"},
	}); err != nil {
		return err
	}
	config, err := clientcmd.LoadFromFile(w.cluster.AdminKubeconfig())
	if err != nil {
		return fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	config.Contexts[config.CurrentContext].Namespace = namespace
	if err := clientcmd.WriteToFile(*config, w.kubeconfig()); err != nil {
		return fmt.Errorf("writing the suite's kubeconfig: %w", err)
	}
	for _, name := range []string{namespace, external, external + "-2"} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := w.cluster.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("making namespace %s: %w", name, err)
		}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		return fmt.Errorf("hashing the admin's password: %w", err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "argocd-secret", Labels: map[string]string{"app.kubernetes.io/name": "argocd-secret", "app.kubernetes.io/part-of": "argocd"}},
		StringData: map[string]string{"admin.password": string(hash), "admin.passwordMtime": time.Now().UTC().Format(time.RFC3339)},
	}
	params := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "argocd-cmd-params-cm", Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"}},
		Data: map[string]string{
			"application.namespaces": external + "," + external + "-2", "applicationsetcontroller.namespaces": external + "," + external + "-2",
			"applicationsetcontroller.enable.progressive.syncs":    "true",
			"applicationsetcontroller.enable.tokenref.strict.mode": "true",
			"applicationsetcontroller.allowed.scm.providers":       "http://127.0.0.1:8341,http://127.0.0.1:8342,http://127.0.0.1:8343,http://127.0.0.1:8344",
			"hydrator.enabled": "true", "server.enable.proxy.extension": "true",
		},
	}
	_, err1 := w.cluster.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{})
	_, err2 := w.cluster.Kube.CoreV1().ConfigMaps(namespace).Create(ctx, params, metav1.CreateOptions{})
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("configuring the hub: %w", err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(w.dir, "bin", "kubectl"), "apply", "-f", "-")
	cmd.Env, cmd.Stdin = w.environment(), strings.NewReader(placementDecisions)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making the kind PlacementDecision: %w: %s", err, out)
	}
	return nil
}

// placementDecisions is a kind that other projects define, by which the suite tries the generator of cluster decisions.
const placementDecisions = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: placementdecisions.cluster.open-cluster-management.io}
spec:
  group: cluster.open-cluster-management.io
  names: {kind: PlacementDecision, plural: placementdecisions, singular: placementdecision}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    subresources: {status: {}}
`

func (w *world) startHub(ctx context.Context) error {
	argv := []string{
		w.tools.fairlead, "hub", "--kubeconfig", w.kubeconfig(), "--namespace", namespace, "--address", hubAddress, "--insecure",
		"--data", filepath.Join(w.dir, "hub-data"), "--log-format", "text", "--plugins", filepath.Join(dataDir, "app", "config", "plugin"),
	}
	client := &http.Client{Timeout: 10 * time.Second}
	unit := supervise.Unit{Name: "hub", Argv: argv, Ready: supervise.Answers(client, "http://"+hubAddress+"/healthz")}
	o := supervise.Options{LogDir: w.logs, StatusFile: filepath.Join(w.dir, "hub.json"), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	w.hub = make(chan struct{})
	go func() {
		defer close(w.hub)
		_ = supervise.Run(ctx, []supervise.Unit{unit}, o)
	}()
	if err := stage.Ready(ctx, o); err != nil {
		log, _ := os.ReadFile(filepath.Join(w.logs, "hub.log"))
		return fmt.Errorf("starting the hub: %w; it says:\n%s", err, log)
	}
	return nil
}
