package buildtest

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"fairlead.dev/fairlead/internal/build/buildkit"
)

// patience is how long a loaded machine may take to start a daemon.
const patience = time.Minute

// Daemon is the pinned buildkitd with runc and overlayfs, as the local fleet runs it. It can be killed and started again.
type Daemon struct {
	t       testing.TB
	program string
	options buildkit.DaemonOptions
	config  string
	command *exec.Cmd
	output  bytes.Buffer
}

// StartDaemon starts a daemon that speaks plain HTTP to the registry, and takes its images for those of Docker Hub. It ends
// with the test.
func StartDaemon(t testing.TB, registry string) *Daemon {
	t.Helper()
	dir := t.TempDir()
	options := buildkit.DefaultDaemonOptions()
	options.Root, options.Socket = filepath.Join(dir, "root"), filepath.Join(dir, "s")
	options.PlainHTTP = []string{registry}
	options.Mirrors = map[string][]string{"docker.io": {registry}}
	if err := options.Validate(); err != nil {
		t.Fatal(err)
	}
	d := &Daemon{t: t, program: buildkitd(t), options: options, config: filepath.Join(dir, "buildkitd.toml")}
	if err := os.WriteFile(d.config, buildkit.DaemonConfig(options), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Start()
	t.Cleanup(func() {
		d.Kill()
		unmount(t, dir) // before the folder is removed
	})
	return d
}

// Address is what clients connect to.
func (d *Daemon) Address() string { return d.options.Address() }

// Start starts the daemon, for the first time or after Kill, and waits until it answers.
func (d *Daemon) Start() {
	d.t.Helper()
	d.output.Reset()
	d.command = exec.Command(d.program, d.options.Args(d.config)...)
	d.command.Stdout, d.command.Stderr = &d.output, &d.output
	if err := d.command.Start(); err != nil {
		d.t.Fatalf("starting buildkitd: %v", err)
	}
	client, err := buildkit.New(buildkit.Options{Address: d.Address()})
	if err != nil {
		d.t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := client.Ready(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			d.Kill()
			d.t.Fatalf("waiting for buildkitd: %v; it says:\n%s", err, &d.output)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Kill ends the daemon with kill -9.
func (d *Daemon) Kill() {
	d.command.Process.Kill()
	d.command.Wait()
}

// buildkitd asks hack/tools.sh, which builds the program if it isn't in the cache.
func buildkitd(t testing.TB) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "hack", "tools.sh")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			t.Fatal("finding buildkitd: this isn't Fairlead's source folder")
		}
	}
	command := exec.Command(filepath.Join(root, "hack", "tools.sh"), "buildkitd")
	command.Stderr = os.Stderr
	path, err := command.Output()
	if err != nil {
		t.Fatalf("building buildkitd: %v", err)
	}
	return strings.TrimSpace(string(path))
}

// PushBusybox makes an image of this machine's static busybox and pushes it.
func PushBusybox(t testing.TB, image string) {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("finding busybox: %v; install it with: apt-get install busybox-static", err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	headers := []*tar.Header{
		{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o777}, {Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(program))},
	}
	for _, applet := range []string{"sh", "cat", "ls", "stat", "sleep", "echo", "test", "readlink"} {
		headers = append(headers, &tar.Header{Name: "bin/" + applet, Typeflag: tar.TypeSymlink, Linkname: "busybox"})
	}
	for _, header := range headers {
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			if _, err := w.Write(program); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, static.NewLayer(layer.Bytes(), types.DockerUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", "amd64", v1.Config{Env: []string{"PATH=/bin"}}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	reference, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, img); err != nil {
		t.Fatal(err)
	}
}
