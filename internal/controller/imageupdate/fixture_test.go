package imageupdate

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
	"fairlead.dev/fairlead/internal/oci"
)

// fixture is a hub with a deployment repository (a bare Git repository on disk) and a registry in memory.
type fixture struct {
	t testing.TB
	*Reconciler
	client   client.WithWatch
	bus      *event.Bus
	recorder *events.FakeRecorder
	// bare is the deployment repository, work a clone of a person.
	bare, work string
	registry   string
	// down makes the registry answer 503.
	down atomic.Bool
	// config is argocd-image-updater-config.
	config map[string]string
}

// newFixture lets the test run beside others: most of its time is waiting for git.
func newFixture(t *testing.T, objects ...client.Object) *fixture {
	t.Helper()
	t.Parallel()
	f := &fixture{t: t, bus: event.NewBus(), recorder: events.NewFakeRecorder(100), config: map[string]string{}}
	f.newRepository()
	f.newRegistry()

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{argo.AddToScheme, v1alpha1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	f.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()

	options := git.Default()
	options.Dir = t.TempDir()
	store, err := git.NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	ask := oci.Default()
	ask.RetryDelay = time.Millisecond
	registry, err := oci.New(ask)
	if err != nil {
		t.Fatal(err)
	}
	f.Reconciler, err = New(f.client, Deps{
		Git: store, Registry: registry, Bus: f.bus, Recorder: f.recorder,
		Remote:    func(_ context.Context, url, _ string) (git.Remote, error) { return git.Remote{URL: url}, nil },
		ConfigMap: func(context.Context, string) (map[string]string, error) { return f.config, nil },
		Logger:    slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, Default())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// testWriter shows logs beside a test that failed.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (f *fixture) newRepository() {
	dir := f.t.TempDir()
	f.bare, f.work = filepath.Join(dir, "deploy.git"), filepath.Join(dir, "work")
	f.run(dir, "init", "-q", "--bare", "-b", "main", f.bare)
	f.run(dir, "clone", "-q", f.bare, f.work)
	f.write("README.md", "deployments\n")
	f.person("begin")
}

func (f *fixture) newRegistry() {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	f.t.Cleanup(server.Close)
	f.registry = strings.TrimPrefix(server.URL, "http://")
}

// run runs git as a person named Ann.
func (f *fixture) run(dir string, args ...string) string {
	f.t.Helper()
	output, err := f.git(dir, args...)
	if err != nil {
		f.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// try runs git in the bare repository, where it may fail.
func (f *fixture) try(args ...string) (string, error) { return f.git(f.bare, args...) }

func (f *fixture) git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	output, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

// write puts a file into the person's clone.
func (f *fixture) write(file, content string) {
	f.t.Helper()
	path := filepath.Join(f.work, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// person commits and pushes what is in the person's clone.
func (f *fixture) person(message string) {
	f.t.Helper()
	f.run(f.work, "add", "-A")
	f.run(f.work, "commit", "-q", "-m", message)
	f.run(f.work, "push", "-q", "origin", "HEAD:main")
}

// revert is what a person does who wants the last commit undone.
func (f *fixture) revert() {
	f.t.Helper()
	f.run(f.work, "pull", "-q", "--rebase")
	f.run(f.work, "revert", "--no-edit", "HEAD")
	f.run(f.work, "push", "-q", "origin", "HEAD:main")
}

// content is a file's at the tip of a branch of the remote.
func (f *fixture) content(branch, file string) string {
	f.t.Helper()
	return f.run(f.bare, "show", branch+":"+file)
}

func (f *fixture) commits() string { return f.run(f.bare, "rev-list", "--count", "main") }

// image is the name of an image in the registry.
func (f *fixture) image(path string) string { return f.registry + "/" + path }

// push stores an image that was built some minutes from now.
func (f *fixture) push(image string, minutes int) {
	f.t.Helper()
	ref, err := name.ParseReference(f.image(image))
	if err != nil {
		f.t.Fatal(err)
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64",
		Created: v1.Time{Time: time.Now().Add(time.Duration(minutes) * time.Minute)}, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		f.t.Fatal(err)
	}
}

// app adds a Helm application in the folder apps/NAME, which runs web at v1 and writes to Git. Changes come last.
func (f *fixture) app(name string, changes ...func(*argo.Application)) *argo.Application {
	f.t.Helper()
	app := &argo.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, Annotations: map[string]string{
			imagepolicy.ImageListAnnotation:                    "web=" + f.image("acme/web"),
			imagepolicy.AnnotationPrefix + "write-back-method": "git",
		}},
		Spec: argo.ApplicationSpec{Source: &argo.ApplicationSource{RepoURL: "file://" + f.bare, Path: "apps/" + name, TargetRevision: "main"}},
		Status: argo.ApplicationStatus{SourceType: argo.ApplicationSourceTypeHelm,
			Summary: argo.ApplicationSummary{Images: []string{f.image("acme/web") + ":v1.0.0"}}},
	}
	for _, change := range changes {
		change(app)
	}
	if err := f.client.Create(f.t.Context(), app); err != nil {
		f.t.Fatal(err)
	}
	f.write("apps/"+name+"/Chart.yaml", "apiVersion: v2\nname: "+name+"\nversion: 1.0.0\n")
	f.person("add " + name)
	return app
}

// annotate sets an annotation, with the prefix.
func annotate(key, value string) func(*argo.Application) {
	return func(app *argo.Application) { app.Annotations[imagepolicy.AnnotationPrefix+key] = value }
}

// round is one look at the destination of an application.
func (f *fixture) round(app *argo.Application) error {
	f.t.Helper()
	_, err := f.Reconcile(f.t.Context(), f.destination(f.t.Context(), app))
	return err
}

func (f *fixture) mustRound(app *argo.Application) {
	f.t.Helper()
	if err := f.round(app); err != nil {
		f.t.Fatal(err)
	}
}

// conditionOf is the message of a condition; empty if there is none.
func (f *fixture) conditionOf(app string, kind argo.ApplicationConditionType) string {
	f.t.Helper()
	for _, c := range f.get(app).Status.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

func (f *fixture) get(app string) *argo.Application {
	f.t.Helper()
	var newest argo.Application
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: "argocd", Name: app}, &newest); err != nil {
		f.t.Fatal(err)
	}
	return &newest
}

// change updates an application in the hub.
func (f *fixture) change(app string, changes ...func(*argo.Application)) {
	f.t.Helper()
	newest := f.get(app)
	for _, change := range changes {
		change(newest)
	}
	if err := f.client.Update(f.t.Context(), newest); err != nil {
		f.t.Fatal(err)
	}
}

// wantVersion checks the version that an application's source file in Git names; "" means that there is no such file.
func (f *fixture) wantVersion(app, want string) {
	f.t.Helper()
	file := "apps/" + app + "/.argocd-source-" + app + ".yaml"
	if f.run(f.bare, "ls-tree", "--name-only", "main", file) == "" {
		if want != "" {
			f.t.Errorf("%s has no %s, want version %s", app, file, want)
		}
		return
	}
	content := f.content("main", file)
	if want == "" || !strings.Contains(content, "value: "+want+"\n") {
		f.t.Errorf("%s has\n%s\nwant version %q", app, content, want)
	}
}
