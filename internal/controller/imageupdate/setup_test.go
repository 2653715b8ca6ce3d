package imageupdate

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	managerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/imagepolicy"
)

// start runs the controller in a manager whose cache watches the fixture's client, until the test ends.
func (f *fixture) start(options Options) {
	f.t.Helper()
	yes := true
	informers := &informertest.FakeInformers{Scheme: f.client.Scheme(), InformersByGVK: map[schema.GroupVersionKind]toolscache.SharedIndexInformer{
		argo.GroupVersion.WithKind("Application"):    f.informer(&argo.ApplicationList{}, &argo.Application{}),
		v1alpha1.GroupVersion.WithKind("Build"):      f.informer(&v1alpha1.BuildList{}, &v1alpha1.Build{}),
		corev1.SchemeGroupVersion.WithKind("Secret"): f.informer(&corev1.SecretList{}, &corev1.Secret{}),
	}}
	mgr, err := ctrl.NewManager(&rest.Config{Host: "127.0.0.1:1"}, ctrl.Options{
		Scheme:     f.client.Scheme(),
		Metrics:    server.Options{BindAddress: "0"},
		Controller: managerconfig.Controller{SkipNameValidation: &yes},
		NewCache:   func(*rest.Config, cache.Options) (cache.Cache, error) { return informers, nil },
		NewClient:  func(*rest.Config, client.Options) (client.Client, error) { return f.client, nil },
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			return meta.NewDefaultRESTMapper(nil), nil
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	deps := f.deps
	deps.Metrics = prometheus.NewRegistry()
	if err := Setup(mgr, deps, options); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	for _, informer := range informers.InformersByGVK {
		go informer.RunWithContext(ctx)
	}
	go func() { ended <- mgr.Start(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			f.t.Error(err)
		}
	})
}

// plainListWatch tells informers that the fake client has no streaming lists.
type plainListWatch struct{ *toolscache.ListWatch }

func (plainListWatch) IsWatchListSemanticsUnSupported() bool { return true }

func (f *fixture) informer(list client.ObjectList, object runtime.Object) toolscache.SharedIndexInformer {
	return toolscache.NewSharedIndexInformer(plainListWatch{&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
			newest := list.DeepCopyObject().(client.ObjectList)
			return newest, f.client.List(ctx, newest)
		},
		WatchFuncWithContext: func(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
			return f.client.Watch(ctx, list.DeepCopyObject().(client.ObjectList))
		},
	}}, object, 0, toolscache.Indexers{})
}

// eventually polls until the condition holds.
func (f *fixture) eventually(what string, condition func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not within 20 seconds", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (f *fixture) says(app, version string) func() bool {
	return func() bool {
		file := "main:apps/" + app + "/.argocd-source-" + app + ".yaml"
		content, err := f.try("show", file)
		return err == nil && strings.Contains(content, "value: "+version+"\n")
	}
}

func TestWhatStartsARound(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.app("dev")
	build := &v1alpha1.Build{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "web-1"},
		Spec: v1alpha1.BuildSpec{Images: []string{"registry.elsewhere:5000/acme/web:v1.3.0"}}}
	if err := f.client.Create(t.Context(), build); err != nil {
		t.Fatal(err)
	}
	options := Default()
	options.PollInterval = time.Hour
	f.push("acme/web:v1.1.0", -8)
	f.start(options)
	f.eventually("the start", f.says("dev", "v1.1.0"))

	f.push("acme/web:v1.2.0", -7)
	f.bus.PublishImage(event.Image{Repository: "127.0.0.1:9/acme/web", Tag: "v1.2.0"})
	f.eventually("an event of the registry", f.says("dev", "v1.2.0"))

	f.push("acme/web:v1.3.0", -6)
	build.Status.Phase = v1alpha1.BuildSucceeded
	if err := f.client.Update(t.Context(), build); err != nil {
		t.Fatal(err)
	}
	f.eventually("a build that succeeded", f.says("dev", "v1.3.0"))

	f.change("dev", annotate("allow-tags", "regexp:^v1.2"))
	f.eventually("a change of the annotations", f.says("dev", "v1.2.0"))

	f.change("dev", annotate("allow-tags", "any"))
	f.eventually("a change of the annotations", f.says("dev", "v1.3.0"))
	f.revert()
	f.bus.PublishPush(event.Push{Repository: "file://" + f.bare, Ref: "refs/heads/main", After: f.run(f.bare, "rev-parse", "main")})
	f.eventually("a push of somebody else", func() bool { return f.conditionOf("dev", ConditionTakenBack) != "" })

	f.change("dev", func(a *argo.Application) { delete(a.Annotations, imagepolicy.ImageListAnnotation) })
	f.eventually("the end of the list", func() bool { return f.conditionOf("dev", ConditionTakenBack) == "" })
}

func TestPolling(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.app("dev")
	options := Default()
	options.PollInterval = 20 * time.Millisecond
	f.start(options)
	f.push("acme/web:v1.1.0", -8)
	f.eventually("a poll", f.says("dev", "v1.1.0"))
}

func TestBrokenDestinationDoesNotHoldUpOthers(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.1.0", -8)
	f.app("broken", func(a *argo.Application) { a.Spec.Source.RepoURL = "file:///no/such/repository.git" })
	f.app("dev")
	f.start(Default())
	f.eventually("the good one", f.says("dev", "v1.1.0"))
	f.eventually("the broken one's condition", func() bool {
		return strings.Contains(f.conditionOf("broken", ConditionError), "fetching repository")
	})
}

func TestSameToUs(t *testing.T) {
	app := &argo.Application{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"a": "1"}}}
	for name, c := range map[string]struct {
		change func(*argo.Application)
		same   bool
	}{
		"nothing":       {func(*argo.Application) {}, true},
		"health":        {func(a *argo.Application) { a.Status.Health.Status = argo.HealthStatusHealthy }, true},
		"conditions":    {func(a *argo.Application) { a.Status.Conditions = []argo.ApplicationCondition{{Type: "X"}} }, true},
		"an annotation": {func(a *argo.Application) { a.Annotations["a"] = "2" }, false},
		"another one":   {func(a *argo.Application) { a.Annotations = map[string]string{"b": "1"} }, false},
		"images":        {func(a *argo.Application) { a.Status.Summary.Images = []string{"x"} }, false},
		"the source":    {func(a *argo.Application) { a.Spec.Source = &argo.ApplicationSource{RepoURL: "x"} }, false},
		"its type":      {func(a *argo.Application) { a.Status.SourceType = "Helm" }, false},
	} {
		changed := app.DeepCopy()
		c.change(changed)
		if got := sameToUs(app, changed); got != c.same {
			t.Errorf("%s: same = %v", name, got)
		}
	}
}

func TestOptions(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	for _, bad := range []func(*Options){
		func(o *Options) { o.PollInterval = 0 }, func(o *Options) { o.MaxBackoff = -1 }, func(o *Options) { o.Concurrency = 0 },
		func(o *Options) { o.Requests = 0 }, func(o *Options) { o.HistoryDepth = 0 }, func(o *Options) { o.AuthorEmail = "" },
	} {
		options := Default()
		bad(&options)
		if err := options.Validate(); err == nil {
			t.Errorf("%+v should be refused", options)
		}
	}
	if _, err := New(nil, Deps{}, Default()); err == nil || !strings.Contains(err.Error(), "required") {
		t.Errorf("without dependencies: got %v", err)
	}
}

func TestMergeOfConditions(t *testing.T) {
	now := metav1.Now()
	app := &argo.Application{}
	app.Status.Conditions = []argo.ApplicationCondition{{Type: "SyncError", Message: "theirs"}}
	want := map[argo.ApplicationConditionType]string{ConditionError: "e", ConditionTakenBack: "t"}
	if !merge(app, want, now) || merge(app, want, now) {
		t.Error("the first time changes, the second doesn't")
	}
	want = map[argo.ApplicationConditionType]string{ConditionTakenBack: "other"}
	if !merge(app, want, now) {
		t.Error("another message is a change")
	}
	var got []string
	for _, c := range app.Status.Conditions {
		got = append(got, string(c.Type)+":"+c.Message)
	}
	if !slices.Equal(got, []string{"SyncError:theirs", "ImageUpdateTakenBack:other"}) {
		t.Errorf("got %v", got)
	}
}
