package node

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// pauseImage is the reference by which containerd finds the image of a pod's first container. It is imported, never
// pulled; nobody can own a name under .invalid (RFC 6761).
const pauseImage = "fairlead.invalid/pause:1"

// writePauseImage writes an image that holds nothing but the pause program, as a tarball. It does nothing if the
// tarball is newer than the program.
func writePauseImage(program, path string) error {
	source, err := os.Stat(program)
	if err != nil {
		return fmt.Errorf("finding the pause program: %w", err)
	}
	if target, err := os.Stat(path); err == nil && target.ModTime().After(source.ModTime()) {
		return nil
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("reading the pause program: %w", err)
	}
	image, err := imageOf(content)
	if err != nil {
		return fmt.Errorf("making the pause image: %w", err)
	}
	tag, err := name.NewTag(pauseImage)
	if err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(path), "pause.tar.new")
	if err := tarball.WriteToFile(tmp, tag, image); err != nil {
		return fmt.Errorf("writing the pause image: %w", err)
	}
	return os.Rename(tmp, path)
}

func imageOf(program []byte) (v1.Image, error) {
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	if err := w.WriteHeader(&tar.Header{Name: "pause", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	})
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config.Entrypoint = []string{"/pause"}
	return mutate.ConfigFile(image, config)
}
