//go:build integration

package application

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
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"

	"fairlead.dev/fairlead/internal/artifact"
)

// published is a Helm repository and a registry with charts.
type published struct {
	// url and registry are their addresses, dir is where a hub keeps what it has downloaded.
	url, registry, dir string

	mu      sync.Mutex
	files   map[string][]byte
	entries map[string]string
	broken  bool
}

func publish(t testing.TB) *published {
	p := &published{files: map[string][]byte{}, entries: map[string]string{}, dir: t.TempDir()}
	charts := httptest.NewServer(p)
	t.Cleanup(charts.Close)
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	p.url, p.registry = charts.URL, strings.TrimPrefix(images.URL, "http://")
	return p
}

// client of a hub, with what an earlier one has left.
func (p *published) client(t testing.TB) *artifact.Client {
	options := artifact.Default()
	options.Dir, options.Lifetime, options.FirstPause, options.LongestPause = p.dir, 0, time.Millisecond, 50*time.Millisecond
	client, err := artifact.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (p *published) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	content, ok := p.files[r.URL.Path]
	switch {
	case p.broken:
		w.WriteHeader(http.StatusBadGateway)
	case !ok:
		http.NotFound(w, r)
	default:
		_, _ = w.Write(content)
	}
}

// add publishes a chart in both places, and in the registry also as an artifact called deploy.
func (p *published) add(chart, version string, packed []byte) error {
	p.mu.Lock()
	p.files[fmt.Sprintf("/%s-%s.tgz", chart, version)] = packed
	p.entries[chart] += fmt.Sprintf("  - version: %s\n    urls: [%s-%s.tgz]\n", version, chart, version)
	index := "apiVersion: v1\nentries:\n"
	for name, entries := range p.entries {
		index += "  " + name + ":\n" + entries
	}
	p.files["/index.yaml"] = []byte(index)
	p.mu.Unlock()
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(packed, artifact.ChartLayer))
	if err != nil {
		return err
	}
	for _, repository := range []string{"charts/" + chart, "deploy"} {
		ref, err := name.ParseReference(p.registry+"/"+repository+":"+version, name.Insecure)
		if err != nil {
			return err
		}
		if err := remote.Write(ref, image); err != nil {
			return err
		}
	}
	return nil
}

func (s *scenario) cmdPublish(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: publish DIR CHART VERSION")
	}
	packed, err := s.packChart(ts, args[0], args[1], args[2])
	ts.Check(err)
	ts.Check(s.published.add(args[1], args[2], packed))
}

// packChart packs a folder under the chart's name. Files may say $VERSION.
func (s *scenario) packChart(ts *testscript.TestScript, dir, chart, version string) ([]byte, error) {
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	archive := tar.NewWriter(zipped)
	files := os.DirFS(ts.MkAbs(dir))
	err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content := strings.ReplaceAll(s.read(ts, path.Join(dir, file)), "$VERSION", version)
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: chart + "/" + file, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = archive.Write([]byte(content))
		return err
	})
	err = errors.Join(err, archive.Close(), zipped.Close())
	return buffer.Bytes(), err
}

func (s *scenario) cmdBreakCharts(*testscript.TestScript, bool, []string) {
	s.published.setBroken(true)
}
func (s *scenario) cmdMendCharts(*testscript.TestScript, bool, []string) {
	s.published.setBroken(false)
}

func (p *published) setBroken(broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = broken
}
