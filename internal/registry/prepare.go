package registry

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/stream"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// inputsLabel says what an image was made from, so that it isn't made again from the same.
const inputsLabel = "dev.fairlead.base-image.inputs"

// The repositories of the base images, as a mirror's client finds them.
const (
	golangRepository  = "docker.io/library/golang"
	busyboxRepository = "docker.io/library/busybox"
)

// preparation is the making of the base images.
type preparation struct {
	done chan struct{}
	mu   sync.Mutex
	err  error
}

func newPreparation() *preparation { return &preparation{done: make(chan struct{})} }

func (p *preparation) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	close(p.done)
}

// serve answers /readyz: 503 while base images are made, 500 if they can't be made, else 200.
func (p *preparation) serve(w http.ResponseWriter) {
	select {
	case <-p.done:
	default:
		http.Error(w, "making the base images golang and busybox", http.StatusServiceUnavailable)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		http.Error(w, p.err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// AwaitBaseImages waits until the base images are there, or can't be made, or ctx ends.
func (s *Server) AwaitBaseImages(ctx context.Context) error {
	select {
	case <-s.base.done:
		s.base.mu.Lock()
		defer s.base.mu.Unlock()
		return s.base.err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the base images: %w", ctx.Err())
	}
}

// awaitBaseImage holds a request for a base image that is being made.
func (s *Server) awaitBaseImage(r *http.Request) {
	for _, repository := range []string{golangRepository, busyboxRepository} {
		if strings.HasPrefix(r.URL.Path, "/v2/"+repository+"/") {
			select {
			case <-s.base.done:
			case <-r.Context().Done():
			}
		}
	}
}

// prepareBaseImages makes the base images that aren't there.
func (s *Server) prepareBaseImages(ctx context.Context) {
	if s.opts.BaseImages == nil {
		s.base.end(nil)
		return
	}
	begin := time.Now()
	made, err := s.opts.BaseImages.store(ctx, inProcess{s}, s.host())
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.Error("the base images golang and busybox can't be made; builds from them fail without internet", "error", err)
	case err == nil && made:
		s.log.Info("made the base images golang and busybox", "took", time.Since(begin).Round(time.Millisecond))
	}
	s.base.end(err)
}

// store makes the images and pushes them, unless they are there. made says that there was something to do.
func (b *BaseImages) store(ctx context.Context, transport http.RoundTripper, host string) (made bool, err error) {
	files, err := b.goFiles()
	if err != nil {
		return false, err
	}
	files = notEmpty(files)
	key, err := b.inputs(files)
	if err != nil {
		return false, err
	}
	goVersion, err := b.goVersion()
	if err != nil {
		return false, err
	}
	version, applets, err := b.busyBox(ctx)
	if err != nil {
		return false, err
	}
	push := pusher{ctx: ctx, host: host, key: key, options: []remote.Option{remote.WithContext(ctx), remote.WithTransport(transport)}}
	busyBoxTags, goTags := append(versionTags(version), "stable"), versionTags(goVersion)
	if push.stored(busyboxRepository, busyBoxTags) && push.stored(golangRepository, goTags) {
		return false, nil
	}

	root, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return opener(func(w io.Writer) error { return b.writeBusyBox(w, applets) }), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return false, fmt.Errorf("making the busybox image: %w", err)
	}
	if err := push.image(busyboxRepository, busyBoxTags, busyBoxConfig(version), root); err != nil {
		return false, err
	}
	return true, b.pushGo(push, goTags, golangConfig(goVersion), root, files)
}

// pushGo makes the golang image on top of the busybox layer.
func (b *BaseImages) pushGo(push pusher, tags []string, config v1.Config, root v1.Layer, files []goFile) error {
	layers := []v1.Layer{root, packed(func(w io.Writer) error { return b.writeGo(w, files) })}
	if len(b.Packages) > 0 {
		cache, err := os.MkdirTemp("", "fairlead-go-cache-")
		if err != nil {
			return fmt.Errorf("compiling Go's packages ahead: %w", err)
		}
		defer os.RemoveAll(cache)
		if err := b.compile(push.ctx, cache); err != nil {
			return err
		}
		layers = append(layers, packed(func(w io.Writer) error { return writeCache(w, cache) }))
	}
	return push.image(golangRepository, tags, config, layers...)
}

// packed is a layer that goes to the registry as it is packed, once. gzip's fastest level makes some 15 % more bytes in a
// third of the time.
func packed(write func(io.Writer) error) v1.Layer {
	return stream.NewLayer(opener(write), stream.WithCompressionLevel(gzip.BestSpeed), stream.WithMediaType(types.OCILayer))
}

func busyBoxConfig(version string) v1.Config {
	return v1.Config{
		Cmd: []string{"sh"},
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Labels: map[string]string{
			"org.opencontainers.image.title":   "busybox, made by Fairlead",
			"org.opencontainers.image.version": version,
			"org.opencontainers.image.description": "BusyBox " + version + " of the machine that runs the fleet, for use without internet. " +
				"This isn't the image that Docker Hub has under this name.",
		},
	}
}

func golangConfig(version string) v1.Config {
	return v1.Config{
		Cmd:        []string{"sh"},
		WorkingDir: "/go",
		Env: []string{
			"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"GOLANG_VERSION=" + version, "GOTOOLCHAIN=local", "GOPATH=/go",
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":   "golang, made by Fairlead",
			"org.opencontainers.image.version": version,
			"org.opencontainers.image.description": "Go " + version + " of the machine that runs the fleet, with BusyBox as shell, for use " +
				"without internet. This isn't the image that Docker Hub has under this name: it has no C compiler, no git and no package manager.",
		},
	}
}

// pusher pushes images to the registry it runs in.
type pusher struct {
	ctx     context.Context
	host    string
	key     string
	options []remote.Option
}

func (p pusher) reference(repository, tag string) (name.Tag, error) {
	return name.NewTag(p.host+"/"+repository+":"+tag, name.Insecure)
}

// stored says whether all tags are there and made from the same.
func (p pusher) stored(repository string, tags []string) bool {
	for _, tag := range tags {
		ref, err := p.reference(repository, tag)
		if err != nil {
			return false
		}
		image, err := remote.Image(ref, p.options...)
		if err != nil {
			return false
		}
		config, err := image.ConfigFile()
		if err != nil || config.Config.Labels[inputsLabel] != p.key {
			return false
		}
	}
	return true
}

// image pushes an image of the given layers under all tags.
func (p pusher) image(repository string, tags []string, config v1.Config, layers ...v1.Layer) error {
	config.Labels[inputsLabel] = p.key
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(base, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, Created: v1.Time{Time: time.Unix(0, 0).UTC()}, Config: config})
	if err == nil {
		image, err = mutate.AppendLayers(image, layers...)
	}
	for i, tag := range tags {
		if err != nil {
			break
		}
		var ref name.Tag
		if ref, err = p.reference(repository, tag); err != nil {
			break
		}
		if i == 0 {
			err = remote.Write(ref, image, p.options...)
		} else {
			err = remote.Tag(ref, image, p.options...)
		}
	}
	if err != nil {
		return fmt.Errorf("making the image %s: %w", repository, err)
	}
	return nil
}
