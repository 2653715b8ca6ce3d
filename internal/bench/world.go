package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/controller/application"
	"fairlead.dev/fairlead/internal/local/controlplane"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// Namespaces: the hub's, its applications' objects, and the bare client's.
const (
	hubNamespace    = "argocd"
	targetNamespace = "target"
	bareNamespace   = "bare"
)

// concurrency of the bare client is the hub's own.
var concurrency = application.Default().Concurrency

// world is what the parts share.
type world struct {
	options Options
	dir     string
	table   *table
	cluster controlplane.Cluster
	config  *rest.Config
	client  client.Client
	git     *repository
	hub     *hub
	seen    *progress
	bare    bareTimes
	// units are the API server and etcd; close waits for their end.
	units sync.WaitGroup
	stop  context.CancelFunc
	// callers are who lists and watches, by user.
	callers map[string]caller
}

func newWorld(ctx context.Context, options Options, dir string, t *table) (*world, error) {
	ctrl.SetLogger(logr.Discard())
	w := &world{options: options, dir: dir, table: t}
	for _, step := range []func(context.Context) error{w.startAPIServer, w.install, w.prepareCluster, w.startGit} {
		if err := step(ctx); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *world) close() {
	if w.hub != nil {
		w.hub.stop()
	}
	if w.git != nil {
		w.git.close()
	}
	if w.stop != nil {
		w.stop()
	}
	w.units.Wait()
}

func (w *world) say(format string, args ...any) { fmt.Fprintf(w.options.Out, format+"\n", args...) }

// startAPIServer starts etcd and the API server. etcd doesn't wait for the disk: the bench is not about disks.
func (w *world) startAPIServer(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	w.cluster = controlplane.Cluster{
		Name: "bench", Dir: filepath.Join(w.dir, "kube"), SocketDir: w.dir, KubeSandbox: w.options.KubeSandbox,
		Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: port,
		ServiceCIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, 0}), 24), Ephemeral: true,
	}
	if err := w.cluster.Prepare(); err != nil {
		return err
	}
	if w.config, err = clientcmd.BuildConfigFromFlags("", w.cluster.AdminKubeconfig()); err != nil {
		return fmt.Errorf("reading the API server's kubeconfig: %w", err)
	}
	w.config.QPS = -1
	server := w.cluster.APIServer()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	w.units.Go(func() {
		_ = supervise.Run(running, []supervise.Unit{w.cluster.Etcd(), server}, supervise.Options{
			LogDir: w.dir, StatusFile: filepath.Join(w.dir, "units.json"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
	})
	var last error
	err = wait.PollUntilContextTimeout(ctx, supervise.ProbeInterval, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		last = server.Ready(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("starting the API server: %w", errors.Join(err, last))
	}
	return nil
}

// install has the hub put its definitions and ConfigMaps into the cluster, as at a user's first start. What is measured then is a
// hub that has been there before.
func (w *world) install(ctx context.Context) (err error) {
	if w.hub, err = newHub(w); err != nil {
		return err
	}
	if err := w.hub.start(); err != nil {
		return err
	}
	defer w.hub.stop()
	_, err = w.hub.untilCounts(ctx, w.options.Patience, "the hub serves", func(counts) bool { return true })
	return err
}

// prepareCluster makes the namespaces.
func (w *world) prepareCluster(ctx context.Context) error {
	scheme := runtime.NewScheme()
	err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))
	if err != nil {
		return fmt.Errorf("preparing the cluster: %w", err)
	}
	if w.client, err = client.New(w.config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("preparing the cluster: %w", err)
	}
	var objects []client.Object
	for _, name := range []string{targetNamespace, bareNamespace} {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	if err := w.createAll(ctx, objects); err != nil {
		return err
	}
	w.seen = watchProgress(ctx, w.config)
	return nil
}

func (w *world) createAll(ctx context.Context, objects []client.Object) error {
	return forEach(ctx, concurrency, len(objects), func(ctx context.Context, i int) error {
		if err := w.client.Create(ctx, objects[i]); err != nil {
			return fmt.Errorf("creating %s: %w", objects[i].GetName(), err)
		}
		return nil
	})
}

// forEach does something n times, some of them at once, until one fails.
func forEach(ctx context.Context, atOnce, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// newApplication is one that syncs by itself a folder of the repository.
func (w *world) newApplication(namespace, name, path string) *v1alpha1.Application {
	return &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: v1alpha1.ApplicationSpec{
			Project:     "default",
			Source:      &v1alpha1.ApplicationSource{RepoURL: w.git.url, Path: path, TargetRevision: "main"},
			Destination: v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: targetNamespace},
			SyncPolicy:  &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: new(true), SelfHeal: new(true)}},
		},
	}
}

func appName(i int) string { return fmt.Sprintf("app-%05d", i) }

// scale is by what a target for a thousand applications is multiplied for more: 1.2 times in proportion.
func (w *world) scale() float64 {
	if w.options.Applications <= 1000 {
		return 1
	}
	return 1.2 * float64(w.options.Applications) / 1000
}

// scaled is a time for a thousand applications as it may be for more.
func (w *world) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * w.scale()) }

func fileName(text string) string { return strings.ReplaceAll(text, " ", "-") }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
