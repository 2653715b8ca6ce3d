//go:build integration

package buildkit_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/build/buildkit"
	"fairlead.dev/fairlead/internal/build/buildtest"
)

// These tests run the pinned buildkitd as root with runc and a static busybox, as the local fleet does.

// setUp starts a registry with a busybox image, and a daemon that takes it for Docker Hub.
func setUp(t *testing.T) (*buildtest.Daemon, string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	buildtest.PushBusybox(t, host+"/library/busybox:latest")
	return buildtest.StartDaemon(t, host), host
}

func client(t *testing.T, d *buildtest.Daemon) *buildkit.Client {
	t.Helper()
	client, err := buildkit.New(buildkit.Options{Address: d.Address()})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func source(dockerfile string) fstest.MapFS {
	return fstest.MapFS{
		"app/Dockerfile": {Data: []byte(dockerfile), Mode: 0o644},
		"app/run.sh":     {Data: []byte("#!/bin/sh\necho hello\n"), Mode: 0o755},
		"app/data.txt":   {Data: []byte("first"), Mode: 0o644},
		"secret.txt":     {Data: []byte("outside the context")},
	}
}

// lines collects a log and tells when a line appears.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) wait(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(l.String(), text) {
			return
		}
	}
	t.Fatalf("the log never said %q:\n%s", text, l)
}

func request(host string, source fstest.MapFS, log io.Writer) build.Request {
	return build.Request{
		Source: source, SourceKey: "test", Context: "app", Dockerfile: "app/Dockerfile",
		Images: []string{host + "/demo/app:v1", host + "/demo/app:latest"},
		Log:    log,
	}
}

func TestBuild(t *testing.T) {
	d, host := setUp(t)
	files := source(`# syntax=docker/dockerfile:1
FROM busybox AS build
ARG GREETING
WORKDIR /src
COPY . .
RUN test ! -e secret.txt && test -x run.sh && echo "$GREETING" > greeting && sh run.sh
FROM scratch
COPY --from=build /src/greeting /src/data.txt /
ENTRYPOINT ["/greeting"]
`)
	var log lines
	r := request(host, files, &log)
	r.Args = map[string]string{"GREETING": "good morning"}
	r.Labels = map[string]string{"org.opencontainers.image.revision": "abc"}
	r.Time = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	var stages []string
	r.Stage = func(stage string) { stages = append(stages, stage) }
	result, err := client(t, d).Build(t.Context(), r)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	for _, want := range []string{"hello", "[build 4/4] RUN", "DONE", "pushing manifest for"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, &log)
		}
	}
	if len(stages) != 1 || stages[0] != build.StagePush {
		t.Errorf("stages %q", stages)
	}
	for _, image := range r.Images {
		got := pull(t, image)
		if digest, _ := got.Digest(); digest.String() != result.Digest {
			t.Errorf("%s is %s, want %s", image, digest, result.Digest)
		}
		config, err := got.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if !config.Created.Equal(r.Time) || config.Config.Labels["org.opencontainers.image.revision"] != "abc" {
			t.Errorf("created %v, labels %v", config.Created, config.Config.Labels)
		}
	}
	if got := content(t, pull(t, r.Images[0]), "greeting"); got != "good morning\n" {
		t.Errorf("greeting is %q", got)
	}

	// The same again is cached; another content of the same size is not.
	log = lines{}
	again, err := client(t, d).Build(t.Context(), r)
	if err != nil || again.Digest != result.Digest || !strings.Contains(log.String(), "CACHED") {
		t.Errorf("the second build gave %v, %v:\n%s", again, err, &log)
	}
	files["app/data.txt"] = &fstest.MapFile{Data: []byte("other"), Mode: 0o644}
	if _, err := client(t, d).Build(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := content(t, pull(t, r.Images[0]), "data.txt"); got != "other" {
		t.Errorf("data.txt is %q after a change of the same size", got)
	}
}

func TestFailures(t *testing.T) {
	d, host := setUp(t)
	tests := []struct {
		name, dockerfile string
		want             []string
	}{
		{"a command", "FROM busybox\nCOPY . .\nRUN echo broken pipe dreams; exit 3\n",
			[]string{"Dockerfile:3: RUN echo broken", "exit code: 3", "\nbroken pipe dreams"}},
		{"an unknown instruction", "FROM busybox\nRUNN true\n", []string{"Dockerfile:2: RUNN true", "unknown instruction"}},
		{"a missing file", "FROM busybox\nCOPY nothing /\n", []string{"Dockerfile:2: COPY nothing /", "not found"}},
		{"a missing base image", "FROM " + host + "/no/such:image\n", []string{"Dockerfile:1", "no/such:image", "not found"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log lines
			_, err := client(t, d).Build(t.Context(), request(host, source(test.dockerfile), &log))
			var failure *build.Failure
			if !errors.As(err, &failure) {
				t.Fatalf("got %v (%T), want a failure\n%s", err, err, &log)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestUnpushable(t *testing.T) {
	d, host := setUp(t)
	r := request(host, source("FROM scratch\nCOPY . /\n"), nil)
	r.Images = []string{"127.0.0.1:1/nobody/home:v1"}
	_, err := client(t, d).Build(t.Context(), r)
	if !errors.Is(err, build.ErrRegistryUnavailable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("pushing to a registry that is down: %v", err)
	}
}

func TestCancelAndKill(t *testing.T) {
	d, host := setUp(t)
	files := source("FROM busybox\nRUN echo begun && sleep 60\n")

	var log lines
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user has other plans")
	ended := make(chan error)
	go func() {
		_, err := client(t, d).Build(ctx, request(host, files, &log))
		ended <- err
	}()
	log.wait(t, "begun")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("cancelled build: %v", err)
	}

	log = lines{}
	go func() {
		_, err := client(t, d).Build(t.Context(), request(host, files, &log))
		ended <- err
	}()
	log.wait(t, "begun")
	d.Kill()
	err := <-ended
	if !errors.Is(err, build.ErrBuilderUnavailable) {
		t.Errorf("build of a killed daemon: %v", err)
	}
	if _, err := client(t, d).Build(t.Context(), request(host, files, nil)); !errors.Is(err, build.ErrBuilderUnavailable) {
		t.Errorf("build without a daemon: %v", err)
	}
	d.Start()
	again := func() error {
		_, err := client(t, d).Build(t.Context(), request(host, source("FROM busybox\nRUN echo ok\n"), nil))
		return err
	}
	err = again()
	if errors.Is(err, build.ErrBuilderUnavailable) { // the kill left half a snapshot, of which it tells once
		err = again()
	}
	if err != nil {
		t.Errorf("build after the restart: %v", err)
	}
}

func pull(t *testing.T, image string) v1.Image {
	t.Helper()
	reference, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(reference)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// content is that of a file in an image.
func content(t *testing.T, img v1.Image, file string) string {
	t.Helper()
	tree := mutate.Extract(img)
	defer tree.Close()
	for r := tar.NewReader(tree); ; {
		header, err := r.Next()
		if err != nil {
			t.Fatalf("looking for %s: %v", file, err)
		}
		if strings.TrimPrefix(header.Name, "/") == file {
			data, _ := io.ReadAll(r)
			return string(data)
		}
	}
}
