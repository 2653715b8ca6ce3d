package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// store is Distribution on a folder: its HTTP handler, and a second view on the same files to read tags from.
type store struct {
	app    *handlers.App
	images distribution.Namespace
}

// openStore gives Distribution its folder. ctx is for its background work.
func openStore(ctx context.Context, dir, secret string) (s *store, err error) {
	defer func() {
		// Distribution panics at what it can't use.
		if p := recover(); p != nil {
			err = fmt.Errorf("opening the images in %s: %v", dir, p)
		}
	}()
	quietDistribution()
	config := &configuration.Configuration{
		Version: configuration.CurrentVersion,
		Storage: configuration.Storage{
			"filesystem": configuration.Parameters{"rootdirectory": dir},
			"delete":     configuration.Parameters{"enabled": true},
			"redirect":   configuration.Parameters{"disable": true},
		},
		// Clients reach the registry by several addresses: through the host, and from the clusters' networks.
		HTTP: configuration.HTTP{Secret: secret, RelativeURLs: true},
	}
	images, err := storage.NewRegistry(ctx, filesystem.New(filesystem.DriverParameters{RootDirectory: dir, MaxThreads: 100}))
	if err != nil {
		return nil, fmt.Errorf("opening the images in %s: %w", dir, err)
	}
	return &store{app: handlers.NewApp(ctx, config), images: images}, nil
}

func (s *store) close() { _ = s.app.Shutdown() }

// repositories lists all repositories.
func (s *store) repositories(ctx context.Context) ([]string, error) {
	var names []string
	all, ok := s.images.(distribution.RepositoryEnumerator)
	if !ok {
		return nil, errors.New("listing repositories: this version of Distribution can't")
	}
	err := all.Enumerate(ctx, func(name string) error {
		names = append(names, name)
		return nil
	})
	var missing driver.PathNotFoundError
	if err != nil && !errors.As(err, &missing) { // missing: nothing has been pushed yet
		return nil, fmt.Errorf("listing repositories: %w", err)
	}
	return names, nil
}

// validRepository says whether a repository can have this name.
func validRepository(name string) bool {
	_, err := reference.WithName(name)
	return err == nil
}

func (s *store) repository(ctx context.Context, name string) (distribution.Repository, error) {
	named, err := reference.WithName(name)
	if err != nil {
		return nil, fmt.Errorf("opening repository %q: %w", name, err)
	}
	repo, err := s.images.Repository(ctx, named)
	if err != nil {
		return nil, fmt.Errorf("opening repository %q: %w", name, err)
	}
	return repo, nil
}

// tags returns the digests of all tags of a repository; none if it doesn't exist.
func (s *store) tags(ctx context.Context, name string) (map[string]string, error) {
	repo, err := s.repository(ctx, name)
	if err != nil {
		return nil, err
	}
	state := map[string]string{}
	service := repo.Tags(ctx)
	names, err := service.All(ctx)
	var unknownRepository distribution.ErrRepositoryUnknown
	if errors.As(err, &unknownRepository) {
		return state, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the tags of %s: %w", name, err)
	}
	for _, tag := range names {
		descriptor, err := service.Get(ctx, tag)
		var unknownTag distribution.ErrTagUnknown
		switch {
		case errors.As(err, &unknownTag): // deleted meanwhile, or not written to its end
		case err != nil:
			return nil, fmt.Errorf("reading tag %s:%s: %w", name, tag, err)
		default:
			state[tag] = descriptor.Digest.String()
		}
	}
	return state, nil
}

// manifest returns the media type and size of a manifest. found is false if it doesn't exist.
func (s *store) manifest(ctx context.Context, name, id string) (mediaType string, size int64, found bool, err error) {
	repo, err := s.repository(ctx, name)
	if err != nil {
		return "", 0, false, err
	}
	service, err := repo.Manifests(ctx)
	if err != nil {
		return "", 0, false, fmt.Errorf("reading manifest %s@%s: %w", name, id, err)
	}
	manifest, err := service.Get(ctx, digest.Digest(id))
	var unknown distribution.ErrManifestUnknownRevision
	if errors.As(err, &unknown) {
		return "", 0, false, nil
	}
	if err != nil {
		return "", 0, false, fmt.Errorf("reading manifest %s@%s: %w", name, id, err)
	}
	mediaType, payload, err := manifest.Payload()
	return mediaType, int64(len(payload)), true, err
}
