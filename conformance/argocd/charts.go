package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"fairlead.dev/fairlead/internal/artifact"
)

// charts is a Helm repository and a registry, each open to all and, at another address, only to a user.
type charts struct {
	helm, privateHelm, registry, privateRegistry *httptest.Server

	mu      sync.Mutex
	files   map[string][]byte
	entries map[string]string
}

func newCharts(_ *world) (*charts, error) {
	c := &charts{files: map[string][]byte{}, entries: map[string]string{}}
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	c.helm, c.privateHelm = httptest.NewServer(c), httptest.NewServer(onlyUsers(c))
	c.registry, c.privateRegistry = httptest.NewServer(images), httptest.NewServer(onlyUsers(images))
	return c, nil
}

func (c *charts) close() {
	for _, s := range []*httptest.Server{c.helm, c.privateHelm, c.registry, c.privateRegistry} {
		s.Close()
	}
}

// user and password are right everywhere.
const user, password = "ann", "s3cret/with:signs"

func onlyUsers(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="conformance"`)
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

func (c *charts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	content, ok := c.files[r.URL.Path]
	c.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(content)
}

// publish packs a folder as a version of a chart, in the Helm repository and in the registry.
func (c *charts) publish(dir, chart, version string) error {
	packed, err := pack(os.DirFS(dir), chart, version)
	if err != nil {
		return fmt.Errorf("packing chart %s: %w", chart, err)
	}
	c.mu.Lock()
	file := fmt.Sprintf("/%s-%s.tgz", chart, version)
	if _, again := c.files[file]; !again {
		c.entries[chart] += fmt.Sprintf("  - version: %s\n    urls: [%s-%s.tgz]\n", version, chart, version)
	}
	c.files[file] = packed
	index := "apiVersion: v1\nentries:\n"
	for name, entries := range c.entries {
		index += "  " + name + ":\n" + entries
	}
	c.files["/index.yaml"] = []byte(index)
	c.mu.Unlock()
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	image, err = mutate.AppendLayers(image, static.NewLayer(packed, artifact.ChartLayer))
	if err != nil {
		return fmt.Errorf("packing chart %s: %w", chart, err)
	}
	for _, s := range []*httptest.Server{c.registry, c.privateRegistry} {
		ref, err := name.ParseReference(host(s)+"/charts/"+chart+":"+version, name.Insecure)
		if err == nil {
			err = remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: user, Password: password}))
		}
		if err != nil {
			return fmt.Errorf("publishing chart %s: %w", chart, err)
		}
	}
	return nil
}

func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// pack makes a chart's archive. Files may say $VERSION.
func pack(files fs.FS, chart, version string) ([]byte, error) {
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	archive := tar.NewWriter(zipped)
	err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		content = bytes.ReplaceAll(content, []byte("$VERSION"), []byte(version))
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: chart + "/" + file, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	})
	// What is buffered is complete only once both are closed.
	err = errors.Join(err, archive.Close(), zipped.Close())
	return buffer.Bytes(), err
}
