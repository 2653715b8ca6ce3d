package registry

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// fakeBusyBox builds a static program that answers as BusyBox does when it is asked what it is.
func fakeBusyBox(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const source = `package main

import "os"

func main() {
	if len(os.Args) == 1 {
		os.Stdout.WriteString("BusyBox v1.35.0 (a fake)\nUsage: busybox\n")
		return
	}
	os.Stdout.WriteString("bin/sh\nusr/bin/env\nbin/busybox\n../../evil\n")
}
`
	path := filepath.Join(dir, "busybox")
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "main.go")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func fakeGOROOT(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"VERSION": version + "\ntime 2026-01-01T00:00:00Z\n", "go.env": "GOTOOLCHAIN=auto\n",
		"bin/go": "tool", "pkg/tool/linux_amd64/compile": "tool", "pkg/include/textflag.h": "x", "pkg/obj/cache": "x",
		"src/fmt/print.go": "package fmt", "src/fmt/print_test.go": "package fmt", "src/fmt/testdata/x": "x",
		"src/cmd/go/main.go": "package main", "test/x.go": "x", "doc/x": "x", "api/x": "x", "lib/time/zoneinfo.zip": "x",
		"src/onlytests/a_test.go": "package onlytests",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if content == "tool" {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// contents lists an image's files: the path, with its mode, and for a link where it leads.
func contents(t *testing.T, image v1.Image) map[string]*tar.Header {
	t.Helper()
	files := map[string]*tar.Header{}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		inLayer := map[string]bool{}
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		reader := tar.NewReader(content)
		for {
			h, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if inLayer[h.Name] {
				t.Errorf("%s is twice in a layer", h.Name)
			}
			inLayer[h.Name] = true
			if compiled := strings.HasPrefix(h.Name, "root/.cache/go-build/") && h.Name != "root/.cache/go-build/"; h.Uid != 0 ||
				(compiled && !h.ModTime.Equal(cacheTime)) || (!compiled && h.ModTime.Unix() != 0) {
				t.Errorf("%s: time %v, owner %d", h.Name, h.ModTime, h.Uid)
			}
			files[h.Name] = h
		}
	}
	return files
}

func TestBaseImages(t *testing.T) {
	base := &BaseImages{GOROOT: fakeGOROOT(t, "go1.26.8"), BusyBox: fakeBusyBox(t)}
	base.Certificates = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(base.Certificates, []byte("roots"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	opts := testOptions(dir)
	opts.BaseImages = base
	s := start(t, opts, "")
	// A request that comes before the image is made waits for it.
	req, _ := http.NewRequest(http.MethodHead, s.web.URL+"/v2/library/golang/manifests/1.26?ns=docker.io", nil)
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if status, body := s.get(t, "/readyz"); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	for image, tags := range map[string][]string{
		"golang": {"1", "1.26", "1.26.8", "latest"}, "busybox": {"1", "1.35", "1.35.0", "latest", "stable"},
	} {
		got, err := s.registry.store.tags(t.Context(), "docker.io/library/"+image)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range tags {
			if got[tag] == "" || got[tag] != got[tags[0]] {
				t.Errorf("%s:%s is %s", image, tag, got[tag])
			}
		}
		if len(got) != len(tags) {
			t.Errorf("%s has the tags %v", image, got)
		}
	}

	image, err := remote.Image(s.reference(t, "docker.io/library/golang:1.26"))
	if err != nil {
		t.Fatal(err)
	}
	files := contents(t, image)
	for name, mode := range map[string]int64{
		"usr/local/go/bin/go": 0o755, "usr/local/go/VERSION": 0o644, "usr/local/go/src/fmt/print.go": 0o644,
		"usr/local/go/pkg/tool/linux_amd64/compile": 0o755, "usr/local/go/lib/time/zoneinfo.zip": 0o644,
		"bin/busybox": 0o755, "tmp/": 0o1777, "go/bin/": 0o1777, "etc/ssl/certs/ca-certificates.crt": 0o644, "etc/passwd": 0o644,
	} {
		if h := files[name]; h == nil || h.Mode != mode {
			t.Errorf("%s is %+v", name, h)
		}
	}
	if h := files["bin/sh"]; h == nil || h.Linkname != "/bin/busybox" {
		t.Errorf("bin/sh is %+v", h)
	}
	for name := range files {
		for _, unwanted := range []string{"_test.go", "testdata", "src/cmd", "go/test/", "go/doc", "go/api", "pkg/obj", "evil", "onlytests"} {
			if strings.Contains(name, unwanted) {
				t.Errorf("%s is in the image", name)
			}
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := config.Config; !slices.Contains(c.Env, "GOTOOLCHAIN=local") || c.WorkingDir != "/go" ||
		!strings.Contains(c.Labels["org.opencontainers.image.description"], "isn't the image that Docker Hub has") {
		t.Errorf("%+v", c)
	}

	// The same again is found, and another registry makes the same from the same.
	digest, _ := image.Digest()
	if made, err := base.store(t.Context(), inProcess{s.registry}, s.host()); err != nil || made {
		t.Errorf("made again: %v, %v", made, err)
	}
	s.stop()
	opts.Dir = t.TempDir()
	opts.BaseImages.GOROOT = copyOf(t, base.GOROOT)
	s = start(t, opts, "")
	defer s.stop()
	if err := s.registry.AwaitBaseImages(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.registry.store.tags(t.Context(), golangRepository); got["1"] != digest.String() {
		t.Errorf("%s and %s were made from the same", got["1"], digest)
	}
	// Another version is made, and the old one stays.
	if err := os.WriteFile(filepath.Join(opts.BaseImages.GOROOT, "VERSION"), []byte("go1.27.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if made, err := opts.BaseImages.store(t.Context(), inProcess{s.registry}, s.host()); err != nil || !made {
		t.Errorf("not made: %v, %v", made, err)
	}
	if got, _ := s.registry.store.tags(t.Context(), golangRepository); got["1"] == digest.String() || got["1"] != got["1.27"] || got["1.26"] != digest.String() {
		t.Errorf("%v", got)
	}
}

// copyOf copies a folder, with other times.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	long := time.Unix(1e9, 0)
	if err := os.Chtimes(filepath.Join(to, "VERSION"), long, long); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestBaseImagesThatCannotBeMade(t *testing.T) {
	notStatic := filepath.Join(t.TempDir(), "busybox")
	if err := os.WriteFile(notStatic, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"go1.26.8": "apt-get install busybox-static", "devel +abc": "is no release"} {
		b := BaseImages{GOROOT: fakeGOROOT(t, version), BusyBox: notStatic}
		if err := b.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}

	opts := testOptions(t.TempDir())
	opts.BaseImages = &BaseImages{GOROOT: fakeGOROOT(t, "go1.26"), BusyBox: fakeBusyBox(t)}
	if err := opts.BaseImages.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(opts.BaseImages.GOROOT, "src", "linked")); err != nil {
		t.Fatal(err)
	}
	s := newRegistry(t, opts)
	if err := s.registry.AwaitBaseImages(t.Context()); err == nil {
		t.Fatal("made")
	}
	if status, body := s.get(t, "/readyz"); status != http.StatusInternalServerError || !strings.Contains(body, "is a link to a folder") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := s.get(t, "/v2/library/golang/manifests/1.26?ns=docker.io"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
}

// The real go compiles a package that imports nothing, and finds it in a cache made from the layer.
func TestPackagesCompiledAhead(t *testing.T) {
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	b := &BaseImages{GOROOT: strings.TrimSpace(string(goroot)), Packages: []string{"unicode/utf8"}}
	var layers [2]bytes.Buffer
	for i := range layers {
		cache := t.TempDir()
		if err := b.compile(t.Context(), cache); err != nil {
			t.Fatal(err)
		}
		if err := writeCache(&layers[i], cache); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(layers[0].Bytes(), layers[1].Bytes()) {
		t.Error("the layer isn't the same each time")
	}
	root := t.TempDir()
	unpack := exec.CommandContext(t.Context(), "tar", "xf", "-", "-C", root)
	unpack.Stdin = &layers[0]
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-x", "unicode/utf8")
	build.Dir = root
	build.Env = append(os.Environ(), "GOCACHE="+filepath.Join(root, "root/.cache/go-build"), "CGO_ENABLED=0", "GOFLAGS=")
	out, err := build.CombinedOutput()
	if err != nil || strings.Contains(string(out), "/compile ") {
		t.Errorf("compiled again: %v\n%s", err, out)
	}

	b.Packages = []string{"no/such/package"}
	if err := b.compile(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "compiling Go's packages ahead") {
		t.Errorf("got %v", err)
	}
}

func TestVersionTags(t *testing.T) {
	for version, want := range map[string]string{
		"1.26.8": "1.26.8 1.26 1 latest", "1.27": "1.27 1 latest", "1.35.0": "1.35.0 1.35 1 latest",
	} {
		if got := strings.Join(versionTags(version), " "); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}
