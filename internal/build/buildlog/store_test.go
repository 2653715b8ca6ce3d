package buildlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build/buildlog"
)

func open(t *testing.T, change func(*buildlog.Options)) *buildlog.Store {
	t.Helper()
	options := buildlog.Default()
	options.Dir = t.TempDir()
	if change != nil {
		change(&options)
	}
	store, err := buildlog.NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newBuild(name, image string) *v1alpha1.Build {
	b := &v1alpha1.Build{}
	b.Namespace, b.Name, b.UID = "argocd", name, "u1"
	b.Spec.Images = []string{image}
	return b
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, store *buildlog.Store, b *v1alpha1.Build) string {
	t.Helper()
	var text bytes.Buffer
	if err := store.Follow(t.Context(), b, false, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// follower collects what Follow gives.
type follower struct {
	mu   sync.Mutex
	text bytes.Buffer
	err  chan error
}

func follow(ctx context.Context, store *buildlog.Store, b *v1alpha1.Build) *follower {
	f := &follower{err: make(chan error, 1)}
	go func() { f.err <- store.Follow(ctx, b, true, f) }()
	return f
}

func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

func (f *follower) sees(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		text := f.text.String()
		f.mu.Unlock()
		if text == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the follower sees %q, want %q", text, want)
		}
	}
}

func TestFollowFromBeforeTheBeginToTheEnd(t *testing.T) {
	store := open(t, nil)
	b := newBuild("app-1", "reg/app:v1")
	early := follow(t.Context(), store, b)

	w, err := store.Writer(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, "one\ntw")
	early.sees(t, "one\n")
	late := follow(t.Context(), store, b)
	late.sees(t, "one\n")
	write(t, w, "o\n")
	early.sees(t, "one\ntwo\n")
	w.Close()

	// Another attempt goes on with the same log; followers stay.
	if w, err = store.Writer(b, nil); err != nil {
		t.Fatal(err)
	}
	write(t, w, "three")
	w.Close()
	if err := store.End(b); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*follower{early, late} {
		f.sees(t, "one\ntwo\nthree\n")
		if err := <-f.err; err != nil {
			t.Errorf("following to the end: %v", err)
		}
	}
	// Whoever comes after the end with an old copy of the Build doesn't wait.
	after := follow(t.Context(), store, b)
	if err := <-after.err; err != nil {
		t.Error(err)
	}
	after.sees(t, "one\ntwo\nthree\n")
}

func TestFollowEndsWithItsContext(t *testing.T) {
	store := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	f := follow(ctx, store, newBuild("app-1", "reg/app:v1"))
	cancel()
	if err := <-f.err; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	err := store.Follow(t.Context(), newBuild("app-1", "reg/app:v1"), false, io.Discard)
	if !errors.Is(err, buildlog.ErrNoLog) || !strings.Contains(err.Error(), "has not begun") {
		t.Errorf("the log of a build that has not begun: %v", err)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	store := open(t, nil)
	b := newBuild("app-1", "reg/app:v1")
	w, err := store.Writer(b, buildlog.Secrets(map[string]string{
		"NPM_TOKEN": "t0ken", "DB_PASSWORD": "t0ken-longer", "SSH_PRIVATE_KEY": "line1\nline2", "VERSION": "1.2.3", "A_SECRET": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, "got t0k")
	write(t, w, "en and t0ken-longer, line2 of 1.2.3 x\n")
	w.Close()
	if got, want := read(t, store, b), "got *** and ***, *** of 1.2.3 x\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSizeIsBounded(t *testing.T) {
	store := open(t, func(o *buildlog.Options) { o.MaxBytes = 64 << 10 })
	b := newBuild("app-1", "reg/app:v1")
	w, err := store.Writer(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20000 {
		write(t, w, fmt.Sprintf("line %d\n", i))
	}
	write(t, w, strings.Repeat("x", 100000))
	write(t, w, "\nthe reason of it all\n")
	w.Close()
	got := read(t, store, b)
	if len(got) > 100<<10 || !strings.HasPrefix(got, "line 0\n") || !strings.HasSuffix(got, "\nthe reason of it all\n") ||
		!strings.Contains(got, "lines left out") {
		t.Errorf("%d bytes, from %q to %q", len(got), got[:20], got[len(got)-60:])
	}
}

func TestArchive(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	image := strings.TrimPrefix(server.URL, "http://") + "/demo/app:v1"
	dir := t.TempDir()
	store := open(t, func(o *buildlog.Options) { o.Dir = dir })
	b := newBuild("app-1234567-abcdef01", image)
	w, err := store.Writer(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, "all is well\n")
	w.Close()
	if err := store.End(b); err != nil {
		t.Fatal(err)
	}
	if err := store.Archive(t.Context(), b); err != nil {
		t.Fatal(err)
	}

	b.Status.Phase = v1alpha1.BuildSucceeded
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	restarted := open(t, nil)
	if got := read(t, restarted, b); got != "all is well\n" {
		t.Errorf("a restarted hub shows %q", got)
	}
	if err := restarted.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	err = restarted.Follow(t.Context(), b, true, io.Discard)
	if !errors.Is(err, buildlog.ErrNoLog) {
		t.Errorf("after the deletion: %v", err)
	}
	if err := restarted.Delete(t.Context(), b); err != nil {
		t.Errorf("deleting twice: %v", err)
	}
}

func TestOldLogsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	store := open(t, func(o *buildlog.Options) { o.Dir, o.MaxFiles = dir, 3 })
	for i := range 10 {
		b := newBuild(fmt.Sprintf("app-%d", i), "reg/app:v1")
		w, err := store.Writer(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
		if err := store.End(b); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 4 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}
