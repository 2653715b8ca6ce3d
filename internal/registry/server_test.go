package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/basicauth"
	"fairlead.dev/fairlead/internal/hook"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// event is what a receiver reads from a notification.
type event struct {
	Action string `json:"action"`
	Target struct {
		MediaType  string `json:"mediaType"`
		Digest     string `json:"digest"`
		Repository string `json:"repository"`
		Tag        string `json:"tag"`
		URL        string `json:"url"`
	} `json:"target"`
	Request struct {
		Host string `json:"host"`
	} `json:"request"`
}

// receiver is a receiver of notifications that checks the secret and passes events on.
type receiver struct {
	*httptest.Server
	events chan event
	down   atomic.Bool
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{events: make(chan event, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if got := req.Header.Get("Authorization"); got != "Bearer s3cret" {
			t.Errorf("Authorization is %q", got)
		}
		if got := req.Header.Get("Content-Type"); got != "application/vnd.docker.distribution.events.v2+json" {
			t.Errorf("the content type is %q", got)
		}
		var envelope struct{ Events []event }
		if err := json.NewDecoder(req.Body).Decode(&envelope); err != nil || len(envelope.Events) != 1 {
			t.Errorf("%v, %d events", err, len(envelope.Events))
			return
		}
		r.events <- envelope.Events[0]
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) next(t *testing.T) event {
	t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no notification within 10 s")
		panic("unreachable")
	}
}

func (r *receiver) endpoint() hook.Endpoint { return hook.Endpoint{URL: r.URL, Secret: "s3cret"} }

// served is a Server behind HTTP.
type served struct {
	registry *Server
	web      *httptest.Server
}

func (s *served) stop() {
	s.web.Close()
	s.registry.Close()
}

func (s *served) host() string { return s.web.Listener.Addr().String() }

func testOptions(dir string, hooks ...hook.Endpoint) Options {
	opts := Default()
	opts.Dir, opts.Hooks, opts.RetryInterval = dir, hooks, 20*time.Millisecond
	return opts
}

// start serves a registry at an address, or at any if it is empty.
func start(t *testing.T, opts Options, address string) *served {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	opts.URL = "http://" + listener.Addr().String()
	s, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	web := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s}}
	web.Start()
	return &served{s, web}
}

func newRegistry(t *testing.T, opts Options) *served {
	t.Helper()
	s := start(t, opts, "")
	t.Cleanup(s.stop)
	return s
}

func (s *served) reference(t *testing.T, image string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s.host()+"/"+image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func randomImage(t *testing.T) (image v1.Image, digest string) {
	t.Helper()
	image, err := random.Image(1<<16, 2)
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return image, d.String()
}

func (s *served) push(t *testing.T, reference string, options ...remote.Option) (digest string) {
	t.Helper()
	image, digest := randomImage(t)
	if err := remote.Write(s.reference(t, reference), image, options...); err != nil {
		t.Fatal(err)
	}
	return digest
}

// get returns the status and body of a GET.
func (s *served) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(s.web.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestPushAndPull(t *testing.T) {
	s := newRegistry(t, testOptions(t.TempDir()))
	want := s.push(t, "shop/app:v1")
	image, err := remote.Image(s.reference(t, "shop/app:v1"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := image.Digest(); err != nil || got.String() != want {
		t.Fatalf("pulled %s, %v; want %s", got, err, want)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatal(layers, err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz", "/v2/"} {
		if status, body := s.get(t, path); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestNotifications(t *testing.T) {
	r := newReceiver(t)
	s := newRegistry(t, testOptions(t.TempDir(), r.endpoint()))
	first := s.push(t, "shop/app:v1")
	e := r.next(t)
	if e.Action != "push" || e.Target.Repository != "shop/app" || e.Target.Tag != "v1" || e.Target.Digest != first ||
		e.Request.Host != s.host() || e.Target.MediaType != "application/vnd.docker.distribution.manifest.v2+json" ||
		e.Target.URL != s.web.URL+"/v2/shop/app/manifests/"+first {
		t.Errorf("%+v", e)
	}
	second := s.push(t, "shop/app:v1")
	if e = r.next(t); e.Target.Tag != "v1" || e.Target.Digest != second {
		t.Errorf("%+v", e)
	}
	if image, err := remote.Image(s.reference(t, "shop/app:v1")); err != nil {
		t.Fatal(err)
	} else if err := remote.Tag(s.reference(t, "shop/app:latest").(name.Tag), image); err != nil {
		t.Fatal(err)
	}
	if e = r.next(t); e.Target.Tag != "latest" || e.Target.Digest != second {
		t.Errorf("%+v", e)
	}
	// Deleting a manifest deletes the tags that point to it.
	if err := remote.Delete(s.reference(t, "shop/app@"+second)); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"latest", "v1"} {
		if e = r.next(t); e.Action != "delete" || e.Target.Tag != tag || e.Target.Digest != "" {
			t.Errorf("%+v", e)
		}
	}
	if status, body := s.get(t, "/v2/shop/app/manifests/v1"); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
}

// A registry that is stopped between a push and its notification tells it after the next start.
func TestNotificationAfterARestart(t *testing.T) {
	r, dir := newReceiver(t), t.TempDir()
	s := start(t, testOptions(dir, r.endpoint()), "")
	address := s.host()
	s.push(t, "shop/app:v1")
	r.next(t)
	r.down.Store(true)
	s.push(t, "shop/app:v2")
	newest := s.push(t, "shop/app:v2")
	other := s.push(t, "other/app:v1")
	s.stop()
	r.down.Store(false)
	if len(r.events) != 0 {
		t.Fatal("told too early")
	}
	s = start(t, testOptions(dir, r.endpoint()), address)
	defer s.stop()
	got := map[string]string{}
	for range 2 {
		e := r.next(t)
		got[e.Target.Repository+":"+e.Target.Tag] = e.Target.Digest
	}
	if got["shop/app:v2"] != newest || got["other/app:v1"] != other {
		t.Errorf("%v", got)
	}
}

func TestMirror(t *testing.T) {
	s := newRegistry(t, testOptions(t.TempDir()))
	hub := s.push(t, "docker.io/library/golang:1.26")
	own := s.push(t, "library/golang:1.26")
	for query, want := range map[string]string{"?ns=docker.io": hub, "": own, "?ns=127.0.0.1:5000": own} {
		req, _ := http.NewRequest(http.MethodHead, s.web.URL+"/v2/library/golang/manifests/1.26"+query, nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Docker-Content-Digest"); resp.StatusCode != http.StatusOK || got != want {
			t.Errorf("%q: %d %s, want %s", query, resp.StatusCode, got, want)
		}
	}
	if status, _ := s.get(t, "/v2/library/nginx/manifests/latest?ns=docker.io"); status != http.StatusNotFound {
		t.Errorf("an unknown image gave %d; the client must be sent on to the real registry", status)
	}
	if status, _ := s.get(t, "/v2/?ns=docker.io"); status != http.StatusOK {
		t.Errorf("/v2/ gave %d", status)
	}
	image, err := remote.Image(s.reference(t, "docker.io/library/golang:1.26"))
	if err != nil {
		t.Fatal(err)
	}
	layers, _ := image.Layers()
	digest, _ := layers[0].Digest()
	if status, _ := s.get(t, "/v2/library/golang/blobs/"+digest.String()+"?ns=docker.io"); status != http.StatusOK {
		t.Errorf("a layer gave %d", status)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	opts := testOptions(t.TempDir())
	opts.AnonymousWrite, opts.Users = false, basicauth.Users{"ci": "pw"}
	s := newRegistry(t, opts)
	image, _ := randomImage(t)
	if err := remote.Write(s.reference(t, "shop/app:v1"), image); err == nil || !strings.Contains(err.Error(), "asks for a user name and password") {
		t.Errorf("an anonymous push gave %v", err)
	}
	wrong := remote.WithAuth(&authn.Basic{Username: "ci", Password: "nope"})
	if err := remote.Write(s.reference(t, "shop/app:v1"), image, wrong); err == nil {
		t.Error("a wrong password was taken")
	}
	if status, _ := s.get(t, "/v2/shop/app/tags/list"); status != http.StatusNotFound {
		t.Errorf("a refused push left something: %d", status)
	}
	s.push(t, "shop/app:v1", remote.WithAuth(&authn.Basic{Username: "ci", Password: "pw"}))
	if _, err := remote.Image(s.reference(t, "shop/app:v1")); err != nil {
		t.Errorf("an anonymous pull gave %v", err)
	}

	opts = testOptions(t.TempDir())
	opts.AnonymousRead, opts.AnonymousWrite, opts.Users = false, false, basicauth.Users{"ci": "pw"}
	s = newRegistry(t, opts)
	if status, _ := s.get(t, "/v2/shop/app/manifests/v1"); status != http.StatusUnauthorized {
		t.Errorf("an anonymous read gave %d", status)
	}
}

func TestUploadGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, testOptions(dir), "")
	address := s.host()
	resp, err := http.Post(s.web.URL+"/v2/shop/app/blobs/uploads/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	upload := resp.Header.Get("Location")
	s.stop()
	s = start(t, testOptions(dir), address)
	defer s.stop()
	const hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	req, _ := http.NewRequest(http.MethodPut, s.web.URL+upload+"&digest="+hello, strings.NewReader("hello"))
	if resp, err = http.DefaultClient.Do(req); err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
}

func TestUploadTooLarge(t *testing.T) {
	opts := testOptions(t.TempDir())
	opts.MaxBlob = 1 << 10
	s := newRegistry(t, opts)
	image, _ := randomImage(t)
	if err := remote.Write(s.reference(t, "shop/app:v1"), image, remote.WithRetryBackoff(remote.Backoff{Steps: 1})); err == nil {
		t.Fatal("accepted")
	}
	if status, _ := s.get(t, "/healthz"); status != http.StatusOK {
		t.Fatal("the registry is gone")
	}
}

func TestBadPaths(t *testing.T) {
	s := newRegistry(t, testOptions(t.TempDir()))
	for _, path := range []string{"/v2/../manifests/x", "/v2/UPPER/manifests/x", "/v2//manifests/x", "/v2/a/manifests/..", "/nothing"} {
		req, _ := http.NewRequest(http.MethodPut, s.web.URL+path, strings.NewReader("{}"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestOneServerPerFolder(t *testing.T) {
	s := newRegistry(t, testOptions(t.TempDir()))
	if _, err := New(t.Context(), s.registry.opts); !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v", err)
	}
}

func TestRunServesUntilItIsStopped(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := testOptions(t.TempDir())
	opts.Listener = listener
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, opts) }()
	resp, err := http.Get("http://" + listener.Addr().String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still running")
	}
}

func TestOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"no folder given":           func(o *Options) { o.Dir = "" },
		"must be like http":         func(o *Options) { o.URL = "127.0.0.1:5000" },
		"start from registry.Defau": func(o *Options) { o.MaxBlob = 0 },
		"URL of a webhook":          func(o *Options) { o.Hooks = []hook.Endpoint{{}} },
		"reading the version of Go": func(o *Options) { o.BaseImages = &BaseImages{} },
		"notifications need one":    func(o *Options) {},
	} {
		opts := testOptions(t.TempDir())
		change(&opts)
		if _, err := New(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
