package build

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build/buildlog"
	"fairlead.dev/fairlead/internal/build/buildtest"
	"fairlead.dev/fairlead/internal/build/source"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
)

// fixture is a hub with one repository, a registry, and a builder that works in the process. The reconcilers are driven by
// the test, so that a crash can be put anywhere.
type fixture struct {
	t        *testing.T
	dir      string
	client   client.Client
	builder  *buildtest.Builder
	registry string
	images   <-chan event.Image
	bus      *event.Bus
	logs     *buildlog.Store
	sources  Sources
	options  Options
	metrics  *prometheus.Registry
	// fail, if set, is asked before each write to the API server.
	fail func(verb string, object client.Object) error

	rules  *ruleReconciler
	builds *buildReconciler
	stop   context.CancelFunc
	ended  chan error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	f := &fixture{t: t, dir: t.TempDir(), builder: &buildtest.Builder{}, bus: event.NewBus(),
		registry: strings.TrimPrefix(server.URL, "http://"), options: DefaultOptions(), metrics: prometheus.NewRegistry()}
	f.images, _ = f.bus.SubscribeImage()

	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	write := func(verb string, object client.Object) error {
		if f.fail != nil {
			return f.fail(verb, object)
		}
		return nil
	}
	f.client = fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&v1alpha1.BuildRule{}, &v1alpha1.Build{}).
		WithIndex(&v1alpha1.Build{}, ruleIndex, indexRule).
		WithInterceptorFuncs(interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
				if err := write("create", object); err != nil {
					return err
				}
				return c.Create(ctx, object, opts...)
			},
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
				if err := write("status", object); err != nil {
					return err
				}
				return c.SubResource(sub).Patch(ctx, object, patch, opts...)
			},
		}).Build()

	gitOptions := git.Default()
	gitOptions.Dir = filepath.Join(f.dir, "mirrors")
	store, err := git.NewStore(gitOptions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f.sources = &source.Git{Store: store}
	f.git("init", "-q", "-b", "main")
	f.start()
	t.Cleanup(f.kill)
	return f
}

// start brings up the controllers of a hub, as after a crash: with nothing in memory.
func (f *fixture) start() {
	f.t.Helper()
	options := buildlog.Default()
	options.Dir = filepath.Join(f.dir, "logs")
	var err error
	if f.logs, err = buildlog.NewStore(options); err != nil {
		f.t.Fatal(err)
	}
	deps, err := Deps{Sources: f.sources, Builder: f.builder, Logs: f.logs, Bus: f.bus,
		Metrics: f.metrics, Logger: slog.New(slog.DiscardHandler), Options: f.options}.complete()
	if err != nil {
		f.t.Fatal(err)
	}
	f.rules = newRuleReconciler(f.client, deps)
	if f.builds, err = newBuildReconciler(f.client, deps); err != nil {
		f.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop, f.ended = stop, make(chan error, 1)
	go func() { f.ended <- f.builds.jobs.run(ctx) }()
}

// kill ends the hub. What its jobs would still have told the API server is lost, as after kill -9.
func (f *fixture) kill() {
	f.stop()
	for {
		select {
		case <-f.builds.jobs.wake:
		case <-f.ended:
			return
		}
	}
}

// git runs git in the business repository.
func (f *fixture) git(args ...string) string {
	f.t.Helper()
	repository := filepath.Join(f.dir, "app")
	if err := os.MkdirAll(repository, 0o755); err != nil {
		f.t.Fatal(err)
	}
	command := exec.Command("git", append([]string{"-C", repository, "-c", "user.name=Dora", "-c", "user.email=dora@example.com"}, args...)...)
	out, err := command.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, commits them, and returns the commit.
func (f *fixture) commit(files map[string]string) string {
	f.t.Helper()
	for name, content := range files {
		path := filepath.Join(f.dir, "app", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			f.t.Fatal(err)
		}
		f.git("add", name)
	}
	f.git("commit", "-q", "--allow-empty", "-m", "change")
	return f.git("rev-parse", "HEAD")
}

func (f *fixture) url() string { return "file://" + filepath.Join(f.dir, "app") }

// rule makes a rule for the main branch.
func (f *fixture) rule(change func(*v1alpha1.BuildRuleSpec)) *v1alpha1.BuildRule {
	f.t.Helper()
	rule := &v1alpha1.BuildRule{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "app"}}
	rule.Spec = v1alpha1.BuildRuleSpec{
		Source: v1alpha1.BuildSource{RepoURL: f.url()},
		Push:   v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "main"},
		Image:  v1alpha1.BuildImage{Repository: f.registry + "/demo/app"},
	}
	if change != nil {
		change(&rule.Spec)
	}
	if err := f.client.Create(f.t.Context(), rule); err != nil {
		f.t.Fatal(err)
	}
	return rule
}

// look reconciles the rule once.
func (f *fixture) look() ctrl.Result {
	f.t.Helper()
	result, err := f.rules.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "argocd", Name: "app"}})
	if err != nil {
		f.t.Fatal(err)
	}
	return result
}

func (f *fixture) condition() string {
	f.t.Helper()
	rule := &v1alpha1.BuildRule{}
	if err := f.client.Get(f.t.Context(), types.NamespacedName{Namespace: "argocd", Name: "app"}, rule); err != nil {
		f.t.Fatal(err)
	}
	c := meta.FindStatusCondition(rule.Status.Conditions, ReadyCondition)
	if c == nil {
		return "none"
	}
	return string(c.Status) + " " + c.Reason + ": " + c.Message
}

func (f *fixture) list() []v1alpha1.Build {
	f.t.Helper()
	var builds v1alpha1.BuildList
	if err := f.client.List(f.t.Context(), &builds, client.InNamespace("argocd")); err != nil {
		f.t.Fatal(err)
	}
	return builds.Items
}

// only is the one Build that there is.
func (f *fixture) only() *v1alpha1.Build {
	f.t.Helper()
	builds := f.list()
	if len(builds) != 1 {
		f.t.Fatalf("%d builds, want 1", len(builds))
	}
	return &builds[0]
}

func (f *fixture) get(name string) *v1alpha1.Build {
	f.t.Helper()
	b := &v1alpha1.Build{}
	if err := f.client.Get(f.t.Context(), types.NamespacedName{Namespace: "argocd", Name: name}, b); err != nil {
		f.t.Fatal(err)
	}
	return b
}

// until lets the Build controller work until the condition holds.
func (f *fixture) until(what string, condition func() bool) {
	f.t.Helper()
	deadline := time.After(20 * time.Second)
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for !condition() {
		for _, b := range f.list() {
			f.reconcile(b.Name)
		}
		select {
		case <-f.builds.jobs.wake:
		case <-pause.C:
		case <-deadline:
			f.t.Fatalf("waiting for %s: %+v", what, f.list())
		}
	}
}

func (f *fixture) reconcile(name string) {
	f.t.Helper()
	_, err := f.builds.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "argocd", Name: name}})
	if err != nil && f.fail == nil {
		f.t.Fatal(err)
	}
}

// settle lets the Build controller work until all Builds have ended.
func (f *fixture) settle() {
	f.t.Helper()
	f.until("all builds to end", func() bool {
		for _, b := range f.list() {
			if !b.Status.Phase.Completed() {
				return false
			}
		}
		return true
	})
}

func (f *fixture) log(b *v1alpha1.Build) string {
	f.t.Helper()
	var text bytes.Buffer
	if err := f.logs.Follow(f.t.Context(), b, false, &text); err != nil {
		f.t.Fatal(err)
	}
	return text.String()
}
