package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	testclock "k8s.io/utils/clock/testing"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is an in-memory registry behind a handler that tests can put in the way.
type fixture struct {
	*httptest.Server
	host     string
	requests atomic.Int64
	mu       sync.Mutex
	before   func(w http.ResponseWriter, r *http.Request) bool
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		f.mu.Lock()
		before := f.before
		f.mu.Unlock()
		if before == nil || !before(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.Close)
	f.host = strings.TrimPrefix(f.URL, "http://")
	return f
}

func (f *fixture) intercept(before func(w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

func (f *fixture) place(path string) Place { return Place{Repository: f.host + "/" + path} }

func (f *fixture) ref(t testing.TB, image string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(f.host + "/" + image)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func image(t testing.TB, os, arch string, created time.Time, change func(*v1.ConfigFile)) v1.Image {
	t.Helper()
	config := &v1.ConfigFile{OS: os, Architecture: arch, Created: v1.Time{Time: created}, RootFS: v1.RootFS{Type: "layers"}}
	if change != nil {
		change(config)
	}
	img, err := mutate.ConfigFile(empty.Image, config)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func (f *fixture) push(t testing.TB, name string, img v1.Image) {
	t.Helper()
	if err := remote.Write(f.ref(t, name), img); err != nil {
		t.Fatal(err)
	}
}

func newClient(t testing.TB, change ...func(*Options)) *Client {
	t.Helper()
	options := Default()
	options.RetryDelay = time.Millisecond
	options.Timeout = 5 * time.Second
	for _, c := range change {
		c(&options)
	}
	client, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestTagsArePaged(t *testing.T) {
	f := newFixture(t)
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		switch r.URL.Query().Get("last") {
		case "":
			w.Header().Set("Link", `</v2/a/b/tags/list?last=v2&n=2>; rel="next"`)
			fmt.Fprint(w, `{"name":"a/b","tags":["v1","v2"]}`)
		default:
			fmt.Fprint(w, `{"name":"a/b","tags":["v3"]}`)
		}
		return true
	})
	tags, err := newClient(t).Tags(t.Context(), f.place("a/b"))
	if err != nil || !slices.Equal(tags, []string{"v1", "v2", "v3"}) {
		t.Errorf("got %v, %v", tags, err)
	}
	if _, err := newClient(t, func(o *Options) { o.MaxTags = 2 }).Tags(t.Context(), f.place("a/b")); err == nil || !strings.Contains(err.Error(), "more than 2") {
		t.Errorf("over the bound: got %v", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	f := newFixture(t)
	client := newClient(t)
	if _, err := client.Tags(t.Context(), f.place("no/such")); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), f.host+"/no/such") {
		t.Errorf("no such repository: got %v", err)
	}
	for status, want := range map[int]string{401: "check the pull secret", 403: "check the pull secret", 429: "too many requests", 500: "500"} {
		f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2/" {
				return false
			}
			w.WriteHeader(status)
			return true
		})
		place := f.place("a/b")
		place.Credentials = Credentials{"ann", "s3cret"}
		if _, err := client.Tags(t.Context(), place); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%d: got %v, want %s", status, err, want)
		}
	}
	f.intercept(nil)
	f.push(t, "a/b:v1", empty.Image)
	if tags, err := client.Tags(t.Context(), f.place("a/b")); err != nil || len(tags) != 1 {
		t.Errorf("once mended: got %v, %v", tags, err)
	}
}

func TestFailuresAreTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.push(t, "a/b:v1", empty.Image)
	var failures atomic.Int64
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/tags/list") && failures.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	if tags, err := newClient(t).Tags(t.Context(), f.place("a/b")); err != nil || len(tags) != 1 {
		t.Errorf("got %v, %v", tags, err)
	}
}

func TestHangingRegistry(t *testing.T) {
	f := newFixture(t)
	release := make(chan struct{})
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	})
	defer close(release)
	client := newClient(t, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	if _, err := client.Tags(t.Context(), f.place("a/b")); err == nil || !strings.Contains(err.Error(), "didn't answer within 50ms") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Tags(ctx, f.place("a/b")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestEndlessAnswer(t *testing.T) {
	f := newFixture(t)
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		fmt.Fprint(w, `{"tags":["`)
		chunk := []byte(strings.Repeat("x", 1<<16))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				break
			}
		}
		return true
	})
	if _, err := newClient(t).Tags(t.Context(), f.place("a/b")); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsAndAPIURL(t *testing.T) {
	f := newFixture(t)
	f.push(t, "a/b:v1", empty.Image)
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		if user == "ann" && password == "s3cret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	// The name in manifests is another host than the API's.
	place := Place{Repository: "registry.example/a/b", Registry: Registry{APIURL: f.URL}, Credentials: Credentials{"ann", "s3cret"}}
	client := newClient(t)
	if tags, err := client.Tags(t.Context(), place); err != nil || len(tags) != 1 {
		t.Errorf("got %v, %v", tags, err)
	}
	place.Credentials = Credentials{}
	if _, err := client.Tags(t.Context(), place); err == nil || !strings.Contains(err.Error(), "check the pull secret") {
		t.Errorf("without credentials: got %v", err)
	}
}

func TestDigest(t *testing.T) {
	f := newFixture(t)
	one, two := image(t, "linux", "amd64", noon, nil), image(t, "linux", "amd64", noon.Add(time.Hour), nil)
	client := newClient(t)
	for _, img := range []v1.Image{one, two} {
		f.push(t, "a/b:latest", img)
		want, _ := img.Digest()
		if got, err := client.Digest(t.Context(), f.place("a/b"), "latest"); err != nil || got != want.String() {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if _, err := client.Digest(t.Context(), f.place("a/b"), "other"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such tag: got %v", err)
	}
}

func TestBuilt(t *testing.T) {
	f := newFixture(t)
	f.push(t, "a/b:config", image(t, "linux", "amd64", noon, nil))
	f.push(t, "a/b:label", image(t, "linux", "amd64", noon, func(c *v1.ConfigFile) {
		c.Config.Labels = map[string]string{createdKey: noon.Add(time.Hour).Format(time.RFC3339)}
	}))
	f.push(t, "a/b:old-label", image(t, "linux", "amd64", noon, func(c *v1.ConfigFile) {
		c.Config.Labels = map[string]string{createdKey: "2020-01-01T00:00:00Z"}
	}))
	f.push(t, "a/b:annotation", mutate.Annotations(image(t, "linux", "amd64", noon, nil),
		map[string]string{createdKey: noon.Add(2 * time.Hour).Format(time.RFC3339)}).(v1.Image))
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: image(t, "linux", "amd64", noon, nil), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: image(t, "linux", "arm64", noon.Add(3*time.Hour), nil), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: image(t, "unknown", "unknown", noon.Add(9*time.Hour), nil), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
	if err := remote.WriteIndex(f.ref(t, "a/b:index"), index); err != nil {
		t.Fatal(err)
	}
	client := newClient(t)
	for _, c := range []struct {
		tag       string
		platforms []string
		want      time.Time
	}{
		{"config", nil, noon},
		{"config", []string{"linux/arm64"}, time.Time{}},
		{"label", nil, noon.Add(time.Hour)},
		{"old-label", nil, noon},
		{"annotation", nil, noon.Add(2 * time.Hour)},
		{"index", nil, noon.Add(3 * time.Hour)},
		{"index", []string{"linux/amd64"}, noon},
		{"index", []string{"windows/amd64"}, time.Time{}},
		{"no-such-tag", nil, time.Time{}},
	} {
		got, err := client.Built(t.Context(), f.place("a/b"), c.tag, c.platforms)
		if err != nil || !got.Created.Equal(c.want) {
			t.Errorf("%s for %v: got %v, %v; want %v", c.tag, c.platforms, got.Created, err, c.want)
		}
	}
}

func TestBuiltRemembers(t *testing.T) {
	f := newFixture(t)
	clock := testclock.NewFakePassiveClock(noon)
	client := newClient(t, func(o *Options) { o.Clock = clock })
	created := func() time.Time {
		t.Helper()
		img, err := client.Built(t.Context(), f.place("a/b"), "v1", nil)
		if err != nil {
			t.Fatal(err)
		}
		return img.Created
	}
	f.push(t, "a/b:v1", image(t, "linux", "amd64", noon, nil))
	created()
	before := f.requests.Load()
	if created(); f.requests.Load() != before {
		t.Error("asking again should cost no request")
	}
	f.push(t, "a/b:v1", image(t, "linux", "amd64", noon.Add(time.Hour), nil))
	if got := created(); !got.Equal(noon) {
		t.Errorf("before anybody says so, a tag doesn't move: got %v", got)
	}
	clock.SetTime(noon.Add(time.Minute))
	client.Forget("other.host/a/b", "v1")
	clock.SetTime(noon.Add(2 * time.Minute))
	if got := created(); !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("after an event: got %v", got)
	}
	f.push(t, "a/b:v1", image(t, "linux", "amd64", noon.Add(2*time.Hour), nil))
	clock.SetTime(noon.Add(time.Hour))
	if got := created(); !got.Equal(noon.Add(2 * time.Hour)) {
		t.Errorf("after the lifetime of a tag: got %v", got)
	}
}

func TestBuiltFailsWithTheRegistry(t *testing.T) {
	f := newFixture(t)
	f.push(t, "a/b:v1", image(t, "linux", "amd64", noon, nil))
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	client := newClient(t)
	if img, err := client.Built(t.Context(), f.place("a/b"), "v1", nil); err == nil {
		t.Errorf("a registry that fails is no image without a time: got %+v", img)
	}
	f.intercept(nil)
	if img, err := client.Built(t.Context(), f.place("a/b"), "v1", nil); err != nil || !img.Created.Equal(noon) {
		t.Errorf("once mended: got %+v, %v", img, err)
	}
}

func TestInsecure(t *testing.T) {
	options := Options{InsecureRegistries: []string{"registry.local:5000", "http://10.0.0.1:80/x"}}
	for host, want := range map[string]bool{"registry.local:5000": true, "REGISTRY.local:5000": true, "10.0.0.1:80": true, "registry.local": false} {
		if got := options.insecure(host); got != want {
			t.Errorf("insecure(%q) = %v", host, got)
		}
	}
	if err := (Options{}).Validate(); err == nil {
		t.Error("empty options should be refused")
	}
}
