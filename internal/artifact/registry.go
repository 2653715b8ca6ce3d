package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fairlead.dev/fairlead/internal/oci"
)

func (o Origin) place() oci.Place {
	r := o.Repository
	place := oci.Place{
		Repository: o.image(),
		Registry: oci.Registry{
			Insecure: r.Insecure, CA: r.CA, ClientCertificate: r.ClientCertificate, ClientKey: r.ClientKey, Proxy: r.Proxy, NoProxy: r.NoProxy,
		},
		Credentials: oci.Credentials{Username: r.Username, Password: r.Password},
	}
	if r.PlainHTTP {
		place.Registry.APIURL = "http://" + o.host()
	}
	return place
}

// askRegistry asks, and takes what isn't an answer about the image for an outage of the registry.
func (c *Client) askRegistry(ctx context.Context, origin Origin, question func(context.Context) error) error {
	return c.ask(ctx, origin.host(), func(ctx context.Context) error {
		err := question(ctx)
		if err == nil || errors.Is(err, oci.ErrNotFound) || errors.Is(err, oci.ErrRefused) {
			return err
		}
		return outage{err}
	})
}

func (c *Client) tags(ctx context.Context, origin Origin) (sighting, error) {
	var tags []string
	err := c.askRegistry(ctx, origin, func(ctx context.Context) (err error) {
		tags, err = c.registry.Tags(ctx, origin.place())
		return err
	})
	if err != nil {
		return sighting{}, err
	}
	for i, tag := range tags {
		tags[i] = versionOfTag(tag)
	}
	slices.Sort(tags)
	return sighting{versions: tags, state: digestOf([]byte(strings.Join(tags, "\n")))}, nil
}

func (c *Client) tagDigest(ctx context.Context, origin Origin, tag string) (digest string, err error) {
	err = c.askRegistry(ctx, origin, func(ctx context.Context) error {
		digest, err = c.registry.Digest(ctx, origin.place(), tag)
		return err
	})
	return digest, err
}

// Manifest reads the manifest of a version, as Resolve gives it.
func (c *Client) Manifest(ctx context.Context, origin Origin, revision string) (manifest oci.Artifact, err error) {
	if origin.Kind == ChartInRegistry {
		revision = tagOfVersion(revision)
	}
	err = c.askRegistry(ctx, origin, func(ctx context.Context) error {
		manifest, err = c.registry.Artifact(ctx, origin.place(), revision)
		return err
	})
	return manifest, err
}

// downloadLayer gets the one layer that a chart or artifact consists of.
func (c *Client) downloadLayer(ctx context.Context, origin Origin, revision string, allowed []string) ([]byte, error) {
	manifest, err := c.Manifest(ctx, origin, revision)
	if err != nil {
		return nil, err
	}
	if len(allowed) == 0 {
		allowed = c.options.LayerTypes
	}
	layer, err := onlyLayer(origin, manifest, allowed)
	if err != nil {
		return nil, fmt.Errorf("reading %s at %s: %w", origin.name(), revision, err)
	}
	if layer.Size > c.options.MaxArchiveBytes {
		return nil, fmt.Errorf("reading %s at %s: the layer has %d bytes, more than the %d allowed", origin.name(), revision, layer.Size, c.options.MaxArchiveBytes)
	}
	var content []byte
	err = c.askRegistry(ctx, origin, func(ctx context.Context) error {
		content, err = c.registry.Blob(ctx, origin.place(), layer)
		return err
	})
	return content, err
}

func onlyLayer(origin Origin, manifest oci.Artifact, allowed []string) (oci.Layer, error) {
	if origin.Kind == ChartInRegistry {
		for _, layer := range manifest.Layers {
			if layer.MediaType == ChartLayer {
				return layer, nil // a layer of provenance may stand beside it
			}
		}
		return oci.Layer{}, errors.New("the image is no Helm chart: it has no layer of type " + ChartLayer)
	}
	if len(manifest.Layers) != 1 {
		return oci.Layer{}, fmt.Errorf("expected only a single oci layer, got %d", len(manifest.Layers))
	}
	layer := manifest.Layers[0]
	if !slices.Contains(allowed, layer.MediaType) {
		return layer, fmt.Errorf("oci layer media type %s is not in the list of allowed media types %v", layer.MediaType, allowed)
	}
	return layer, nil
}
