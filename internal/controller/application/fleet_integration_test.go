//go:build integration

package application

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	managerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/api/crd"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
	"fairlead.dev/fairlead/internal/testkube"
)

// fleet is a hub in a namespace of a real API server, which also is the target, and a Git repository.
type fleet struct {
	t      testing.TB
	client client.WithWatch
	// config is how the hubs reach the API server; nil means as the test does. wire counts what they ask.
	config *rest.Config
	wire   wire
	// hub and target are namespaces.
	hub, target string
	bus         *event.Bus
	// work is the clone in which the test commits, url the repository.
	work, url string
	mirrors   string
	// gitTimeout bounds each git command of a hub; host is set where the repository is reached over HTTP.
	gitTimeout time.Duration
	host       *faultyHost
	// published are the charts of the fleet's own repositories.
	published *published
	// sockets is the folder of plugins' sockets; others are further repositories, served over HTTP.
	sockets string
	others  *others
	options Options
	// clock is the hubs'.
	clock movedClock
	// stop kills the newest hub.
	stop func()
	// silent means that no webhook tells of commits.
	silent bool
	// metrics are the newest hub's.
	metrics *prometheus.Registry
	// renderer is the newest hub's.
	renderer *render.Renderer
}

// hush keeps controller-runtime from logging. It isn't safe for tests in parallel.
var hush = sync.OnceFunc(func() { ctrl.SetLogger(logr.Discard()) })

func newFleet(t testing.TB) *fleet {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	testkube.Controllers(t) // prunes are foreground deletions, which need the garbage collector
	hush()
	c, err := client.NewWithWatch(testkube.Config(t), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, client: c, hub: testkube.Namespace(t), target: testkube.Namespace(t), bus: event.NewBus(), mirrors: t.TempDir(), gitTimeout: time.Minute, options: Default()}
	f.options.Namespace = f.hub
	f.options.RetryMin, f.options.RetryMax = 50*time.Millisecond, time.Second
	definitions, err := crd.Named("applications.argoproj.io", "appprojects.argoproj.io")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range definitions {
		if err := c.Create(t.Context(), d); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	f.until("the kinds are served", func(ctx context.Context) bool {
		return c.List(ctx, &v1alpha1.ApplicationList{}) == nil && c.List(ctx, &v1alpha1.AppProjectList{}) == nil
	})
	f.create(&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: f.hub}, Spec: v1alpha1.AppProjectSpec{
		SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
		ClusterResourceWhitelist: []v1alpha1.ClusterResourceRestrictionItem{{Group: "*", Kind: "*"}},
	}})
	f.repository()
	f.published = publish(t)
	f.sockets = shortDir(t)
	f.others = f.serveOthers()
	return f
}

func (f *fleet) create(object client.Object) {
	f.t.Helper()
	if err := f.client.Create(f.t.Context(), object); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) until(what string, so func(context.Context) bool) {
	f.t.Helper()
	poll := func(ctx context.Context) (bool, error) { return so(ctx), nil }
	if err := wait.PollUntilContextTimeout(f.t.Context(), 5*time.Millisecond, 30*time.Second, true, poll); err != nil {
		f.dump()
		f.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// dump logs what is known of all applications.
func (f *fleet) dump() {
	f.t.Helper()
	var apps v1alpha1.ApplicationList
	var events eventsv1.EventList
	_ = f.client.List(context.Background(), &apps, client.InNamespace(f.hub))
	_ = f.client.List(context.Background(), &events, client.InNamespace(f.hub))
	for _, app := range apps.Items {
		f.t.Logf("%s:\n%s", app.Name, table(&app))
	}
	for _, e := range events.Items {
		f.t.Logf("event on %s: %s: %s", e.Regarding.Name, e.Reason, e.Note)
	}
}

// hubConfig is how a hub reaches the API server until it is dead.
func (f *fleet) hubConfig(dead *atomic.Bool) *rest.Config {
	config := testkube.Config(f.t)
	if f.config != nil {
		config = rest.CopyConfig(f.config)
	}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return f.wire.wrap(next, dead) })
	return config
}

// repository makes an empty Git repository and a clone.
func (f *fleet) repository() {
	dir := f.t.TempDir()
	f.url = "file://" + filepath.Join(dir, "deploy.git")
	f.work = filepath.Join(dir, "work")
	f.git("", "init", "--quiet", "--bare", "--initial-branch=main", filepath.Join(dir, "deploy.git"))
	f.git("", "init", "--quiet", "--initial-branch=main", f.work)
	f.git(f.work, "remote", "add", "origin", f.url)
}

func (f *fleet) git(dir string, args ...string) string {
	f.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files (empty content deletes), commits, pushes and tells the hub. It returns the commit.
func (f *fleet) commit(files map[string]string) string {
	f.t.Helper()
	for name, content := range files {
		path := filepath.Join(f.work, name)
		if content == "" {
			if err := os.Remove(path); err != nil {
				f.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
	f.git(f.work, "add", "-A")
	f.git(f.work, "commit", "--quiet", "-m", "change")
	f.git(f.work, "push", "--quiet", "origin", "HEAD:main")
	if !f.silent {
		f.bus.PublishPush(event.Push{Repository: event.NormalizeURL(f.url), Ref: "refs/heads/main"})
	}
	return f.git(f.work, "rev-parse", "HEAD")
}

// start runs a hub until stop is called, which doesn't wait for anything to be finished.
func (f *fleet) start() (stop func()) {
	f.t.Helper()
	skip := true
	var grace time.Duration
	var dead atomic.Bool
	config := f.hubConfig(&dead)
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  f.client.Scheme(),
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		Cache:                   cache.Options{DefaultNamespaces: map[string]cache.Config{f.hub: {}}},
		Controller:              managerconfig.Controller{SkipNameValidation: &skip},
		GracefulShutdownTimeout: &grace,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	mirrors := git.Default()
	mirrors.Dir, mirrors.Timeout = f.mirrors, f.gitTimeout
	store, err := git.NewStore(mirrors)
	if err != nil {
		f.t.Fatal(err)
	}
	rendering := render.Default()
	rendering.Plugins = f.plugins()
	if f.renderer, err = render.New(rendering); err != nil {
		f.t.Fatal(err)
	}
	source := &live.Source{Reader: mgr.GetClient(), Namespace: f.hub, Hub: config}
	if err := source.Remember(f.t.Context(), mgr.GetCache()); err != nil {
		f.t.Fatal(err)
	}
	clusters := cluster.Default()
	clusters.Patience, clusters.RetryMin, clusters.RetryMax, clusters.Grace = 500*time.Millisecond, 50*time.Millisecond, 500*time.Millisecond, time.Second
	clusters.RefusedRetry = 200 * time.Millisecond
	source.Customize(&clusters)
	registry, err := cluster.NewRegistry(clusters)
	if err != nil {
		f.t.Fatal(err)
	}
	manifests := desired.New(store, f.renderer, source.Remote).
		WithArtifacts(desired.Artifacts{Client: f.published.client(f.t), Settings: source, Permits: f.permits})
	manifests.WithSettings(func(ctx context.Context) (render.Settings, error) {
		data, err := source.ConfigMap(ctx, settings.ConfigMapName)
		return render.SettingsFrom(data), err
	})
	f.metrics = prometheus.NewRegistry()
	log := slog.New(slog.NewTextHandler(f.t.Output(), nil))
	err = Setup(mgr, Dependencies{
		Settings: source, Clusters: Registry{registry}, Manifests: manifests, Changes: manifests, Bus: f.bus, Logger: log, Metrics: f.metrics,
		Signatures: &desired.Signatures{Source: manifests, Keys: source.GPGKeys, Now: time.Now}, Polling: source.Polling, Clock: &f.clock,
	}, f.options)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := mgr.Start(ctx); err != nil && ctx.Err() == nil {
			f.t.Error(err)
		}
	}()
	f.stop = func() {
		dead.Store(true) // what it still wants to write must not arrive
		cancel()
		<-done
		registry.Close()
		_ = store.Close()
	}
	f.t.Cleanup(f.stop)
	return f.stop
}

// app makes an Application for a folder of the repository.
func (f *fleet) app(name, path string, change ...func(*v1alpha1.Application)) {
	f.t.Helper()
	app := &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Name: f.name(name), Namespace: f.hub},
		Spec: v1alpha1.ApplicationSpec{
			Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: f.url, Path: path, TargetRevision: "main"},
			Destination: v1alpha1.ApplicationDestination{Server: settings.InClusterServer, Namespace: f.target},
		},
	}
	for _, c := range change {
		c(app)
	}
	f.create(app)
}

// name is the application's real name: the tests' hubs share a cluster, in which names of applications must differ.
func (f *fleet) name(name string) string { return f.hub + "-" + name }

// movedClock is the time, or as much before or after it as a test wants. Its timers and tickers are not moved.
type movedClock struct {
	clock.RealClock
	by atomic.Int64
}

func (c *movedClock) Now() time.Time                  { return time.Now().Add(time.Duration(c.by.Load())) }
func (c *movedClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// set has it be that time now.
func (c *movedClock) set(to time.Time) { c.by.Store(int64(time.Until(to))) }

func automated(app *v1alpha1.Application) {
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: new(true), SelfHeal: new(true)}}
}

func (f *fleet) get(name string) *v1alpha1.Application {
	f.t.Helper()
	app := &v1alpha1.Application{}
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.hub, Name: f.name(name)}, app); err != nil {
		f.t.Fatal(err)
	}
	return app
}

// patch changes an application as a person does.
func (f *fleet) patch(name string, change func(*v1alpha1.Application)) {
	f.t.Helper()
	app := f.get(name)
	before := app.DeepCopy()
	change(app)
	if err := f.client.Patch(f.t.Context(), app, client.MergeFrom(before)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) sync(name string, sync v1alpha1.SyncOperation) {
	f.t.Helper()
	f.patch(name, func(app *v1alpha1.Application) {
		app.Operation = &v1alpha1.Operation{Sync: &sync, InitiatedBy: v1alpha1.OperationInitiator{Username: "ops"}}
	})
}

// value is a key of a ConfigMap in the target; empty if there is none.
func (f *fleet) value(name, key string) string {
	f.t.Helper()
	var configMap corev1.ConfigMap
	err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.target, Name: name}, &configMap)
	if err != nil && !apierrors.IsNotFound(err) {
		f.t.Fatal(err)
	}
	return configMap.Data[key]
}

func (f *fleet) untilSynced(name, revision string) {
	f.t.Helper()
	f.until(name+" is synced to "+revision, func(context.Context) bool {
		s := f.get(name).Status
		return s.Sync.Status == v1alpha1.SyncStatusCodeSynced && s.Sync.Revision == revision && s.OperationState != nil && s.OperationState.Phase.Completed()
	})
}

func (f *fleet) untilCondition(name string, kind v1alpha1.ApplicationConditionType, text string) {
	f.t.Helper()
	f.until(name+" has the condition "+string(kind)+" with "+text, func(context.Context) bool {
		for _, c := range f.get(name).Status.Conditions {
			if c.Type == kind && strings.Contains(c.Message, text) {
				return true
			}
		}
		return false
	})
}

func configMap(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n  key: " + value + "\n"
}

// reconciles counts those of the newest hub that went through.
func (f *fleet) reconciles() (count uint64) {
	f.t.Helper()
	families, _ := f.metrics.Gather() // a hub that is about to begin can't tell everything yet
	for _, family := range families {
		if family.GetName() == "argocd_app_reconcile" {
			for _, m := range family.GetMetric() {
				count += m.GetHistogram().GetSampleCount()
			}
		}
	}
	return count
}
