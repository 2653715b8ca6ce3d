//go:build integration

package applicationset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	managerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/api/crd"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/appset/generator"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/scm"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
	"fairlead.dev/fairlead/internal/testkube"
)

// hub is a controller on a namespace of a real API server, with a repository that the test writes.
type hub struct {
	t         testing.TB
	client    client.Client
	namespace string
	bus       *event.Bus
	mu        sync.Mutex
	tree      fstest.MapFS
	down      error
	patience  time.Duration
	writes    writes
}

// writes counts what the controller did to applications.
type writes struct{ created, changed atomic.Int64 }

// over counts what succeeds over a connection.
func (w *writes) over(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil || response.StatusCode >= 300 || !contains(r.URL.Path+"/", "/applications/") {
			return response, err
		}
		switch r.Method {
		case http.MethodPost:
			w.created.Add(1)
		case http.MethodPut, http.MethodPatch:
			w.changed.Add(1)
		}
		return response, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (do roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return do(r) }

func (h *hub) Files(context.Context, string, v1alpha1.ApplicationSource, bool) (fs.FS, string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tree, "", h.down
}

func (h *hub) Verify(context.Context, string, v1alpha1.ApplicationSource, string) error { return nil }

// push makes the repository have these files, and tells of it. Down, unless nil, is what its host says instead.
func (h *hub) push(down error, names ...string) {
	tree := fstest.MapFS{}
	for _, name := range names {
		tree[name] = &fstest.MapFile{Data: []byte("name: x\n")}
	}
	h.mu.Lock()
	h.tree, h.down = tree, down
	h.mu.Unlock()
	h.bus.PublishPush(event.Push{Repository: "git.example/apps", Ref: "refs/heads/main"})
}

func newHub(t testing.TB) *hub {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	testkube.Controllers(t)
	config := testkube.Config(t)
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, patience: time.Minute, client: c, namespace: testkube.Namespace(t), bus: event.NewBus()}
	definitions, err := crd.Named("applications.argoproj.io", "appprojects.argoproj.io", "applicationsets.argoproj.io")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range definitions {
		if err := c.Create(t.Context(), d); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	h.until("the kinds are served", func(ctx context.Context) bool {
		return c.List(ctx, &v1alpha1.ApplicationList{}) == nil && c.List(ctx, &v1alpha1.AppProjectList{}) == nil && c.List(ctx, &v1alpha1.ApplicationSetList{}) == nil
	})
	h.create(&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: h.namespace}})
	config.Wrap(h.writes.over)
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{h.namespace: {}}},
		Controller: managerconfig.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	known := &live.Source{Reader: mgr.GetClient(), Namespace: h.namespace, Hub: config}
	git := generator.NewRepository(h, generator.RepositoryOptions{Requeue: func() time.Duration { return 3 * time.Minute }, Now: time.Now})
	pulls := generator.NewPullRequest(generator.HostOptions{
		Reader: mgr.GetAPIReader(), Namespace: h.namespace, Hosts: scm.NewHosts(clock.RealClock{}), Now: time.Now,
		Params: func(ctx context.Context) (map[string]string, error) {
			return known.ConfigMap(ctx, settings.CmdParamsConfigMap)
		},
	})
	all := (&generator.All{List: generator.NewList(), Clusters: generator.NewClusters(mgr.GetClient(), h.namespace), Git: git, PullRequest: pulls}).WithCombinations()
	options := Default()
	options.Namespace = h.namespace
	if err := Setup(mgr, Dependencies{
		Generators: all, Settings: known, Bus: h.bus, Logger: slog.New(slog.DiscardHandler), Pushed: func(p event.Push) { git.Pushed(p.Repository) },
		Listed: func(news event.Listing) {
			pulls.Forget(func(g *v1alpha1.ApplicationSetGenerator) bool { return appset.Lists(g, news) })
		},
	}, options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if !mgr.GetCache().WaitForCacheSync(t.Context()) {
		t.Fatal("the cache didn't come up")
	}
	return h
}

func (h *hub) create(object client.Object) {
	h.t.Helper()
	object.SetNamespace(h.namespace)
	if err := h.client.Create(h.t.Context(), object); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) until(what string, so func(context.Context) bool) {
	h.t.Helper()
	err := wait.PollUntilContextTimeout(h.t.Context(), 10*time.Millisecond, h.patience, true, func(ctx context.Context) (bool, error) { return so(ctx), nil })
	if err != nil {
		var sets v1alpha1.ApplicationSetList
		_ = h.client.List(context.Background(), &sets, client.InNamespace(h.namespace))
		for _, set := range sets.Items {
			text, _ := yaml.Marshal(set.Status)
			h.t.Logf("%s:\n%s", set.Name, text)
		}
		h.t.Fatalf("waiting until %s: %v; applications are %v", what, err, shortened(h.names()))
	}
}

// params writes argocd-cmd-params-cm.
func (h *hub) params(data map[string]string) {
	h.t.Helper()
	h.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: settings.CmdParamsConfigMap}, Data: data})
}

func (h *hub) set(name, spec string) {
	h.t.Helper()
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := yaml.UnmarshalStrict([]byte(spec), &set.Spec); err != nil {
		h.t.Fatal(err)
	}
	h.create(set)
}

func (h *hub) get(name string) *v1alpha1.ApplicationSet {
	h.t.Helper()
	var set v1alpha1.ApplicationSet
	if err := h.client.Get(h.t.Context(), client.ObjectKey{Namespace: h.namespace, Name: name}, &set); err != nil {
		h.t.Fatal(err)
	}
	return &set
}

// edit changes a set's spec or metadata.
func (h *hub) edit(name string, change func(*v1alpha1.ApplicationSet)) {
	h.t.Helper()
	set := h.get(name)
	before := set.DeepCopy()
	change(set)
	if err := h.client.Patch(h.t.Context(), set, client.MergeFrom(before)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) app(name string) *v1alpha1.Application {
	var app v1alpha1.Application
	if err := h.client.Get(context.Background(), client.ObjectKey{Namespace: h.namespace, Name: name}, &app); err != nil {
		return nil
	}
	return &app
}

func (h *hub) editApp(name string, change func(*v1alpha1.Application)) {
	h.t.Helper()
	app := h.app(name)
	if app == nil {
		h.t.Fatalf("there is no application %s", name)
	}
	before := app.DeepCopy()
	change(app)
	if err := h.client.Patch(h.t.Context(), app, client.MergeFrom(before)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) names() string {
	var all v1alpha1.ApplicationList
	if err := h.client.List(context.Background(), &all, client.InNamespace(h.namespace)); err != nil {
		return err.Error()
	}
	names := []string{}
	for _, app := range all.Items {
		if app.DeletionTimestamp == nil {
			names = append(names, app.Name)
		}
	}
	return fmt.Sprint(names)
}

func (h *hub) untilNames(want string) {
	h.t.Helper()
	h.until("the applications are "+want, func(context.Context) bool { return h.names() == want })
}

// untilEnvironment waits until this many applications have a label of the template.
func (h *hub) untilEnvironment(env string, count int) {
	h.t.Helper()
	h.until(fmt.Sprintf("%d applications are of %s", count, env), func(ctx context.Context) bool {
		var all v1alpha1.ApplicationList
		err := h.client.List(ctx, &all, client.InNamespace(h.namespace), client.MatchingLabels{"env": env})
		return err == nil && len(all.Items) == count
	})
}

// untilHealth waits for a health whose message has these words.
func (h *hub) untilHealth(name string, health v1alpha1.HealthStatusCode, words string) {
	h.t.Helper()
	h.until(fmt.Sprintf("%s is %s with %q", name, health, words), func(context.Context) bool {
		status := h.get(name).Status.Health
		return status.Status == health && contains(status.Message, words)
	})
}
