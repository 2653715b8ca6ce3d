package buildlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// MediaType is that of a build log as an OCI artifact: UTF-8 text, one line after another.
const MediaType types.MediaType = "application/vnd.fairlead.build.log.v1+text"

// Archive stores the log of a build in the registry, as the OCI image specification wants artifacts: a manifest whose
// config has the artifact's type, and the log as its one layer.
func (s *Store) Archive(ctx context.Context, b *v1alpha1.Build) error {
	file, err := s.openFile(key(b))
	if err != nil {
		return fmt.Errorf("storing the log of build %q: %w", b.Name, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, s.options.MaxBytes+reserve))
	if err != nil {
		return fmt.Errorf("storing the log of build %q: %w", b.Name, err)
	}
	artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), MediaType)
	artifact, err = mutate.Append(artifact, mutate.Addendum{
		Layer:       static.NewLayer(text, MediaType),
		Annotations: map[string]string{"org.opencontainers.image.title": b.Name + ".log"},
	})
	if err != nil {
		return fmt.Errorf("storing the log of build %q: %w", b.Name, err)
	}
	tag, options, err := s.location(ctx, b)
	if err != nil {
		return err
	}
	if err := remote.Write(tag, artifact, options...); err != nil {
		return fmt.Errorf("storing the log of build %q at %s: %w", b.Name, tag, err)
	}
	return nil
}

// location is where the log of a build is, or would be, in the registry.
func (s *Store) location(ctx context.Context, b *v1alpha1.Build) (name.Tag, []remote.Option, error) {
	if len(b.Spec.Images) == 0 {
		return name.Tag{}, nil, fmt.Errorf("locating the log of build %q: the build has no image", b.Name)
	}
	image, err := name.ParseReference(b.Spec.Images[0])
	if err != nil {
		return name.Tag{}, nil, fmt.Errorf("locating the log of build %q: %w", b.Name, err)
	}
	repository := image.Context().Name()
	var options []name.Option
	if s.options.PlainHTTP != nil && s.options.PlainHTTP(image.Context().RegistryStr()) {
		options = append(options, name.Insecure)
	}
	tag, err := name.NewTag(repository+s.options.Suffix+":"+b.Name, options...)
	if err != nil {
		return name.Tag{}, nil, fmt.Errorf("locating the log of build %q: %w", b.Name, err)
	}
	// The repository of the logs is below that of the image, so the image's credentials are the ones to try.
	auth, err := s.credentials(ctx, repository)
	if err != nil {
		return name.Tag{}, nil, err
	}
	remoteOptions := []remote.Option{remote.WithContext(ctx), remote.WithAuth(auth), remote.WithUserAgent("fairlead")}
	if s.options.Transport != nil {
		remoteOptions = append(remoteOptions, remote.WithTransport(s.options.Transport))
	}
	return tag, remoteOptions, nil
}

// fromRegistry copies an archived log.
func (s *Store) fromRegistry(ctx context.Context, b *v1alpha1.Build, w io.Writer) error {
	tag, options, err := s.location(ctx, b)
	if err != nil {
		return err
	}
	artifact, err := remote.Image(tag, options...)
	if notFound(err) {
		return fmt.Errorf("%w of build %q any more: it is neither on this hub nor at %s", ErrNoLog, b.Name, tag)
	}
	if err != nil {
		return fmt.Errorf("reading the log of build %q from %s: %w", b.Name, tag, err)
	}
	layer, err := logLayer(artifact)
	if err != nil {
		return fmt.Errorf("reading the log of build %q from %s: %w", b.Name, tag, err)
	}
	text, err := layer.Compressed() // as it is stored: the text itself
	if err != nil {
		return fmt.Errorf("reading the log of build %q from %s: %w", b.Name, tag, err)
	}
	defer text.Close()
	if _, err := io.Copy(w, io.LimitReader(text, s.options.MaxBytes+reserve)); err != nil {
		return fmt.Errorf("reading the log of build %q from %s: %w", b.Name, tag, err)
	}
	return nil
}

func logLayer(artifact v1.Image) (v1.Layer, error) {
	manifest, err := artifact.Manifest()
	if err != nil {
		return nil, err
	}
	for _, layer := range manifest.Layers {
		if layer.MediaType == MediaType {
			return artifact.LayerByDigest(layer.Digest)
		}
	}
	return nil, errors.New("the artifact is not a build log")
}

// Delete removes the log of a build here and in the registry. A log that isn't there is no error, and neither is a
// registry that doesn't allow deletes: its owner decides what becomes of old logs.
func (s *Store) Delete(ctx context.Context, b *v1alpha1.Build) error {
	key := key(b)
	for _, file := range []string{s.growing(key), s.finished(key)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("deleting the log of build %q: %w", b.Name, err)
		}
	}
	tag, options, err := s.location(ctx, b)
	if err != nil {
		return err
	}
	found, err := remote.Head(tag, options...)
	if err == nil {
		// Some registries drop the tag with its manifest, some only by itself, and some can't delete tags.
		err = remote.Delete(tag.Context().Digest(found.Digest.String()), options...)
		if tagErr := remote.Delete(tag, options...); tagErr == nil {
			err = nil
		}
	}
	if err == nil || notFound(err) || refused(err, http.StatusMethodNotAllowed) {
		return nil
	}
	return fmt.Errorf("deleting the log of build %q at %s: %w", b.Name, tag, err)
}

func notFound(err error) bool { return refused(err, http.StatusNotFound) }

func refused(err error, status int) bool {
	var refusal *transport.Error
	return errors.As(err, &refusal) && refusal.StatusCode == status
}

// Secrets are the values of build arguments whose names say that they are secret. They don't belong into build arguments,
// which the image's history shows, but where somebody put them there the log need not repeat them.
func Secrets(args map[string]string) []string {
	var secrets []string
	for key, value := range args {
		lower := strings.ToLower(key)
		for _, word := range []string{"password", "passwd", "secret", "token", "apikey", "api_key", "private_key", "credential"} {
			if strings.Contains(lower, word) {
				secrets = append(secrets, value)
				break
			}
		}
	}
	return secrets
}
