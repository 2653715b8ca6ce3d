package buildtest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"fairlead.dev/fairlead/internal/build"
)

// Builder knows these instructions: FROM scratch, COPY from to, and RUN false, which fails. The zero value is ready.
type Builder struct {
	// Before, if not nil, is called at the begin of each build; its error ends the build. It may wait, for ctx too.
	Before func(ctx context.Context, request build.Request) error
	builds atomic.Int64
}

// Builds is the number of builds that were begun.
func (b *Builder) Builds() int { return int(b.builds.Load()) }

// Build builds and pushes an image. Its errors are of the same kinds as those of BuildKit's client.
func (b *Builder) Build(ctx context.Context, request build.Request) (build.Result, error) {
	b.builds.Add(1)
	if b.Before != nil {
		if err := b.Before(ctx, request); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return build.Result{}, cause
			}
			return build.Result{}, err
		}
	}
	dockerfile, err := fs.ReadFile(request.Source, request.Dockerfile)
	if errors.Is(err, fs.ErrNotExist) {
		return build.Result{}, &build.Failure{Reason: fmt.Sprintf("the repository has no Dockerfile %q at this commit", request.Dockerfile)}
	} else if err != nil {
		return build.Result{}, err
	}
	layer, err := execute(request, string(dockerfile))
	if err != nil {
		return build.Result{}, err
	}
	if request.Stage != nil {
		request.Stage(build.StagePush)
	}
	return push(ctx, request, layer)
}

func execute(request build.Request, dockerfile string) ([]byte, error) {
	source, err := fs.Sub(request.Source, request.Context)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	out := tar.NewWriter(&layer)
	for i, line := range strings.Split(dockerfile, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		fmt.Fprintf(request.Log, "#%d %s\n", i+1, line)
		where := fmt.Sprintf("%s:%d: %s", path.Base(request.Dockerfile), i+1, line)
		switch {
		case words[0] == "FROM" && len(words) == 2 && words[1] == "scratch":
		case words[0] == "COPY" && len(words) == 3:
			if err := copyFiles(out, source, words[1], words[2]); err != nil {
				return nil, &build.Failure{Reason: err.Error(), Where: where}
			}
		case words[0] == "RUN" && line == "RUN false":
			return nil, &build.Failure{Reason: "exit code: 1", Where: where}
		default:
			return nil, &build.Failure{Reason: "unknown instruction", Where: where}
		}
	}
	return layer.Bytes(), out.Close()
}

func copyFiles(out *tar.Writer, source fs.FS, from, to string) error {
	return fs.WalkDir(source, path.Clean(from), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := fs.ReadFile(source, file)
		if err != nil {
			return err
		}
		target := strings.TrimPrefix(path.Join(to, strings.TrimPrefix(file, path.Clean(from))), "/")
		if err := out.WriteHeader(&tar.Header{Name: target, Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = out.Write(data)
		return err
	})
}

func push(ctx context.Context, request build.Request, layer []byte) (build.Result, error) {
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer(layer, types.DockerUncompressedLayer))
	if err != nil {
		return build.Result{}, err
	}
	if image, err = mutate.Config(image, v1.Config{Labels: request.Labels}); err != nil {
		return build.Result{}, err
	}
	if image, err = mutate.CreatedAt(image, v1.Time{Time: request.Time}); err != nil {
		return build.Result{}, err
	}
	for _, text := range request.Images {
		tag, err := name.NewTag(text)
		if err != nil {
			return build.Result{}, &build.Failure{Reason: err.Error()}
		}
		if err := remote.Write(tag, image, remote.WithContext(ctx)); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return build.Result{}, cause
			}
			var refusal *transport.Error
			if errors.As(err, &refusal) {
				return build.Result{}, &build.Failure{Reason: err.Error()}
			}
			return build.Result{}, fmt.Errorf("%w: %w", build.ErrRegistryUnavailable, err)
		}
	}
	digest, err := image.Digest()
	if err != nil {
		return build.Result{}, err
	}
	return build.Result{Digest: digest.String()}, nil
}
