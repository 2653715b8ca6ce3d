//go:build integration

package build_test

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-containerregistry/pkg/registry"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"fairlead.dev/fairlead/api/crd"
	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build/buildkit"
	"fairlead.dev/fairlead/internal/build/buildlog"
	"fairlead.dev/fairlead/internal/build/buildtest"
	"fairlead.dev/fairlead/internal/build/source"
	"fairlead.dev/fairlead/internal/controller/build"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/testkube"
)

// TestFromPushToImage takes pushes through the real parts: API server, Git, BuildKit and registry. The builder is killed
// during a build, and the hub too.
func TestFromPushToImage(t *testing.T) {
	f := newFleet(t)
	ctrl.SetLogger(logr.Discard())
	stop := f.startHub()
	f.commit("FROM busybox\nCOPY . /src\nRUN echo begun; cat /src/answer > /answer; test -e /src/fast || sleep 5\n", map[string]string{"answer": "42", "fast": ""})
	rule := &v1alpha1.BuildRule{}
	rule.Namespace, rule.Name = f.namespace, "app"
	rule.Spec = v1alpha1.BuildRuleSpec{
		Source: v1alpha1.BuildSource{RepoURL: f.url()},
		Push:   v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "main"},
		Image:  v1alpha1.BuildImage{Repository: f.registry + "/demo/app", AdditionalTags: []string{"latest"}},
	}
	if err := f.client.Create(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	f.await("the first build", 1)

	began := time.Now()
	f.commit("", map[string]string{"answer": "43"})
	f.push()
	second := f.await("the build of a push", 2)
	t.Logf("push to image: %s, of it from push to build %s", time.Since(began).Round(time.Millisecond),
		second.Status.StartedAt.Sub(second.Spec.PushedAt.Time).Round(time.Millisecond))

	f.git("rm", "-q", "fast")
	f.commit("", nil)
	f.push()
	f.logSays("begun")
	f.daemon.Kill()
	f.daemon.Start()
	f.await("the build whose builder was killed", 3)

	f.commit("", map[string]string{"answer": "44"})
	f.push()
	f.logSays("begun")
	stop()
	f.startHub()
	last := f.await("the build whose hub was stopped", 4)
	if last.Status.Attempts < 2 {
		t.Errorf("attempts: %d", last.Status.Attempts)
	}
}

type fleet struct {
	t         *testing.T
	client    client.Client
	scheme    *runtime.Scheme
	namespace string
	dir       string
	registry  string
	daemon    *buildtest.Daemon
	bus       *event.Bus
	logs      *buildlog.Store
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, dir: t.TempDir(), bus: event.NewBus(), namespace: testkube.Namespace(t), scheme: runtime.NewScheme()}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(f.scheme); err != nil {
			t.Fatal(err)
		}
	}
	definitions, err := crd.Named("buildrules.fairlead.dev", "builds.fairlead.dev")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envtest.InstallCRDs(testkube.Config(t), envtest.CRDInstallOptions{CRDs: definitions}); err != nil {
		t.Fatal(err)
	}
	if f.client, err = client.New(testkube.Config(t), client.Options{Scheme: f.scheme}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	f.registry = strings.TrimPrefix(server.URL, "http://")
	buildtest.PushBusybox(t, f.registry+"/library/busybox:latest")
	f.daemon = buildtest.StartDaemon(t, f.registry)
	f.git("init", "-q", "-b", "main")
	return f
}

// startHub starts a manager with the controllers, and returns what ends it.
func (f *fleet) startHub() (stop func()) {
	f.t.Helper()
	must := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	gitOptions := git.Default()
	gitOptions.Dir = filepath.Join(f.dir, "mirrors")
	store, err := git.NewStore(gitOptions)
	must(err)
	logOptions := buildlog.Default()
	logOptions.Dir = filepath.Join(f.dir, "logs")
	f.logs, err = buildlog.NewStore(logOptions)
	must(err)
	builder, err := buildkit.New(buildkit.Options{Address: f.daemon.Address()})
	must(err)
	again := true // this process starts several hubs
	mgr, err := ctrl.NewManager(testkube.Config(f.t), ctrl.Options{
		Scheme: f.scheme, Metrics: server.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: &again},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{f.namespace: {}}},
	})
	must(err)
	must(build.Setup(mgr, build.Deps{Sources: &source.Git{Store: store}, Builder: builder, Logs: f.logs, Bus: f.bus}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			f.t.Errorf("the hub ended with %v", err)
		}
		store.Close()
	}
	f.t.Cleanup(stop)
	return stop
}

func (f *fleet) url() string { return "file://" + filepath.Join(f.dir, "app") }

func (f *fleet) git(args ...string) {
	f.t.Helper()
	repository := filepath.Join(f.dir, "app")
	if err := os.MkdirAll(repository, 0o755); err != nil {
		f.t.Fatal(err)
	}
	command := exec.Command("git", append([]string{"-C", repository, "-c", "user.name=Dora", "-c", "user.email=dora@example.com"}, args...)...)
	if out, err := command.CombinedOutput(); err != nil {
		f.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (f *fleet) commit(dockerfile string, files map[string]string) {
	f.t.Helper()
	if dockerfile != "" {
		files["Dockerfile"] = dockerfile
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(f.dir, "app", name), []byte(content), 0o644); err != nil {
			f.t.Fatal(err)
		}
		f.git("add", name)
	}
	f.git("commit", "-q", "--allow-empty", "-m", "change")
}

// push tells the hub what a webhook would.
func (f *fleet) push() {
	f.t.Helper()
	out, err := exec.Command("git", "-C", filepath.Join(f.dir, "app"), "rev-parse", "HEAD").Output()
	if err != nil {
		f.t.Fatal(err)
	}
	f.bus.PublishPush(event.Push{Repository: event.NormalizeURL(f.url()), Ref: "refs/heads/main", After: strings.TrimSpace(string(out))})
}

// builds are in the order in which they were made.
func (f *fleet) builds() []v1alpha1.Build {
	f.t.Helper()
	var list v1alpha1.BuildList
	if err := f.client.List(f.t.Context(), &list, client.InNamespace(f.namespace)); err != nil {
		f.t.Fatal(err)
	}
	return list.Items
}

// await waits until there are so many builds and all have succeeded; it returns the one that ended last.
func (f *fleet) await(what string, count int) v1alpha1.Build {
	f.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		builds := f.builds()
		succeeded := 0
		var last v1alpha1.Build
		for _, b := range builds {
			if b.Status.Phase == v1alpha1.BuildFailed {
				f.t.Fatalf("%s: %s", what, b.Status.Message)
			}
			if b.Status.Phase == v1alpha1.BuildSucceeded {
				succeeded++
				if last.Status.FinishedAt == nil || last.Status.FinishedAt.Before(b.Status.FinishedAt) {
					last = b
				}
			}
		}
		if succeeded == count && len(builds) == count {
			return last
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("waiting for %s: %+v", what, builds)
		}
	}
}

// logSays waits until the build that runs has printed a line.
func (f *fleet) logSays(text string) {
	f.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, b := range f.builds() {
			var log strings.Builder
			if b.Status.Phase != v1alpha1.BuildRunning || f.logs.Follow(f.t.Context(), &b, false, &log) != nil {
				continue
			}
			for line := range strings.Lines(log.String()) {
				if strings.HasSuffix(line, " "+text+"\n") {
					return
				}
			}
		}
	}
	f.t.Fatalf("no running build printed %q", text)
}
