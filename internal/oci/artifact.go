package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Artifact is a manifest: https://github.com/opencontainers/image-spec/blob/main/manifest.md.
type Artifact struct {
	Digest string
	// Type is what it says that it is: its artifactType, or the media type of its configuration.
	Type        string
	Annotations map[string]string
	Layers      []Layer
}

// Layer is one blob of an artifact.
type Layer struct {
	MediaType, Digest string
	// Size is in bytes.
	Size int64
}

// Artifact reads the manifest that a tag or digest names.
func (c *Client) Artifact(ctx context.Context, place Place, reference string) (Artifact, error) {
	var artifact Artifact
	err := c.ask(ctx, place, "reading the manifest "+reference, func(ctx context.Context, repository name.Repository, session *remote.Puller) error {
		descriptor, err := session.Get(ctx, refer(repository, reference))
		if err != nil {
			return err
		}
		if descriptor.MediaType.IsIndex() {
			return fmt.Errorf("it is an index of several images: name one of them by its digest")
		}
		artifact, err = parseArtifact(descriptor)
		return err
	})
	return artifact, err
}

func refer(repository name.Repository, reference string) name.Reference {
	if strings.HasPrefix(reference, "sha256:") || strings.HasPrefix(reference, "sha512:") {
		return repository.Digest(reference)
	}
	return repository.Tag(reference)
}

func parseArtifact(descriptor *remote.Descriptor) (Artifact, error) {
	var manifest struct {
		ArtifactType string `json:"artifactType"`
		v1.Manifest
	}
	if err := json.Unmarshal(descriptor.Manifest, &manifest); err != nil {
		return Artifact{}, errors.New("the manifest is not of the form that OCI demands")
	}
	artifact := Artifact{Digest: descriptor.Digest.String(), Type: manifest.ArtifactType, Annotations: manifest.Annotations}
	if artifact.Type == "" {
		artifact.Type = string(manifest.Config.MediaType)
	}
	for _, layer := range manifest.Layers {
		artifact.Layers = append(artifact.Layers, Layer{MediaType: string(layer.MediaType), Digest: layer.Digest.String(), Size: layer.Size})
	}
	return artifact, nil
}

// Blob downloads one layer, of at most Options.MaxBlobBytes, and checks its digest.
func (c *Client) Blob(ctx context.Context, place Place, layer Layer) ([]byte, error) {
	if layer.Size > c.options.MaxBlobBytes {
		return nil, fmt.Errorf("downloading a layer of image %s: it has %d bytes, more than the %d allowed", place.Repository, layer.Size, c.options.MaxBlobBytes)
	}
	var content bytes.Buffer
	err := c.ask(ctx, place, "downloading a layer", func(ctx context.Context, repository name.Repository, session *remote.Puller) error {
		remoteLayer, err := session.Layer(ctx, repository.Digest(layer.Digest))
		if err != nil {
			return err
		}
		// Reading to the end checks the digest.
		body, err := remoteLayer.Compressed()
		if err != nil {
			return err
		}
		defer body.Close()
		content.Reset()
		_, err = io.Copy(&content, io.LimitReader(body, c.options.MaxBlobBytes+1))
		return err
	})
	return content.Bytes(), err
}
