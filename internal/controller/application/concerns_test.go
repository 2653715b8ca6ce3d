package application

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
)

// BenchmarkPush finds out which of 10,000 applications in 100 folders of one repository a push concerns: none.
func BenchmarkPush(b *testing.B) {
	work := b.TempDir()
	run := func(args ...string) {
		command := exec.Command("git", append([]string{"-C", work, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		if out, err := command.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	run("init", "-q", "-b", "main")
	for i := range 100 {
		folder := filepath.Join(work, fmt.Sprint(i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c%d\n", i)
		if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	run("add", "-A")
	run("commit", "-qm", "first")
	options := git.Default()
	options.Dir = b.TempDir()
	store, err := git.NewStore(options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	renderer, err := render.New(render.Default())
	if err != nil {
		b.Fatal(err)
	}
	source := desired.New(store, renderer, func(_ context.Context, url, _ string) (git.Remote, error) { return git.Remote{URL: url}, nil })
	r := &Reconciler{manifests: source, changes: source, clock: clock.RealClock{}, log: slog.New(slog.NewTextHandler(io.Discard, nil)), options: Default()}
	url := "file://" + work
	for i := range 10000 {
		sources := v1alpha1.ApplicationSources{{RepoURL: url, Path: fmt.Sprint(i % 100), TargetRevision: "main"}}
		revisions, err := source.Resolve(b.Context(), "p", sources, nil)
		if err != nil {
			b.Fatal(err)
		}
		s := r.sessions.of(types.NamespacedName{Namespace: "argocd", Name: fmt.Sprint("app", i)})
		if s.manifests, err = source.Render(b.Context(), desired.Request{Instance: "app", Project: "p", Sources: sources, Revisions: revisions}); err != nil {
			b.Fatal(err)
		}
		s.share("https://cluster", "p", sources)
	}
	run("commit", "-q", "--allow-empty", "-m", "second")
	b.ReportAllocs()
	for b.Loop() {
		if err := r.wakeConcerned(b.Context(), event.NormalizeURL(url), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	for _, s := range r.sessions.all {
		if stale, _, _ := s.takeStale(); stale {
			b.Fatalf("%s is concerned by an empty commit", s.name)
		}
	}
}
