package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// createdKey is the annotation and label for the time of a build:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
const createdKey = "org.opencontainers.image.created"

// maxPlatforms bounds the images of one index that are looked into.
const maxPlatforms = 16

// Image is what a tag names.
type Image struct {
	Digest string
	// Created is when it was built; zero if it doesn't say, is no image, or has none of the wanted platforms.
	Created time.Time
}

// seen is a digest with the time when a tag named it.
type seen struct {
	digest string
	at     time.Time
}

// Built looks into an image for the time of its build: the latest of the configuration's time, the label and the annotations
// org.opencontainers.image.created, of all images of an index that have one of the platforms ("os/arch[/variant]"; none
// given means any).
//
// All of them count because a build whose layers were cached keeps their old time in its configuration, while a builder that
// knows better says so in the label or annotation; and a label may have come with the base image.
//
// What can't be read as an image has no time, without an error; a registry that fails is an error, so that no choice is made
// among the half of the tags that it answered for.
func (c *Client) Built(ctx context.Context, place Place, tag string, platforms []string) (Image, error) {
	digest, err := c.tagDigest(ctx, place, tag)
	if errors.Is(err, ErrNotFound) {
		return Image{}, nil // deleted since it was listed
	}
	if err != nil {
		return Image{}, err
	}
	type timeKey struct{ digest, platforms string }
	key := timeKey{digest, strings.Join(platforms, ",")}
	if known, ok := c.times.Get(key); ok {
		return Image{digest, known.(time.Time)}, nil
	}
	var created time.Time
	err = c.ask(ctx, place, "reading the tag "+tag, func(ctx context.Context, repository name.Repository, session *remote.Puller) error {
		descriptor, err := session.Get(ctx, repository.Digest(digest))
		if err != nil {
			return err
		}
		if created, err = builtAt(descriptor, platforms); isRegistryFault(err) {
			return err
		}
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		c.Forget(place.Repository, tag)
		return Image{}, nil
	}
	if err != nil {
		return Image{}, err
	}
	c.times.Add(key, created)
	return Image{digest, created}, nil
}

// tagDigest is Digest with a memory: most tags never move.
func (c *Client) tagDigest(ctx context.Context, place Place, tag string) (string, error) {
	type digestKey struct{ repository, tag string }
	key := digestKey{place.Repository, tag}
	if known, ok := c.digests.Get(key); ok {
		s := known.(seen)
		moved, ok := c.moved.Get(tagKey(place.Repository, tag))
		if c.clock.Since(s.at) < c.options.TagLifetime && (!ok || s.at.After(moved.(time.Time))) {
			return s.digest, nil
		}
	}
	asked := c.clock.Now()
	digest, err := c.Digest(ctx, place, tag)
	if err != nil {
		return "", err
	}
	c.digests.Add(key, seen{digest, asked})
	return digest, nil
}

// isRegistryFault tells an answer that failed from one that was received and makes no sense.
func isRegistryFault(err error) bool {
	var answer *transport.Error
	var network net.Error
	return errors.As(err, &answer) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func builtAt(descriptor *remote.Descriptor, platforms []string) (time.Time, error) {
	if !descriptor.MediaType.IsIndex() {
		if !descriptor.MediaType.IsImage() {
			return time.Time{}, nil
		}
		image, err := descriptor.Image()
		if err != nil {
			return time.Time{}, err
		}
		return imageTime(image, platforms)
	}
	index, err := descriptor.ImageIndex()
	if err != nil {
		return time.Time{}, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return time.Time{}, err
	}
	var latest time.Time
	images := 0
	for _, child := range manifest.Manifests {
		// Attestations are in the index too, under the platform unknown/unknown.
		isImage := child.MediaType.IsImage() && (child.Platform == nil || child.Platform.OS != "unknown")
		if !isImage || child.Platform != nil && !wanted(*child.Platform, platforms) {
			continue
		}
		if images++; images > maxPlatforms {
			return time.Time{}, fmt.Errorf("more than %d platforms", maxPlatforms)
		}
		image, err := index.Image(child.Digest)
		if err != nil {
			return time.Time{}, err
		}
		created, err := imageTime(image, platforms)
		if err != nil {
			return time.Time{}, err
		}
		latest = later(latest, created)
		latest = later(latest, parseTime(child.Annotations[createdKey]))
	}
	if images == 0 {
		return time.Time{}, nil
	}
	return later(latest, parseTime(manifest.Annotations[createdKey])), nil
}

// imageTime is zero for an image of none of the platforms.
func imageTime(image v1.Image, platforms []string) (time.Time, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return time.Time{}, err
	}
	if platform := config.Platform(); platform != nil && !wanted(*platform, platforms) {
		return time.Time{}, nil
	}
	manifest, err := image.Manifest()
	if err != nil {
		return time.Time{}, err
	}
	created := later(config.Created.Time, parseTime(config.Config.Labels[createdKey]))
	return later(created, parseTime(manifest.Annotations[createdKey])), nil
}

// wanted compares os/arch and, where the wanted platform has one, the variant.
func wanted(have v1.Platform, platforms []string) bool {
	return len(platforms) == 0 || slices.ContainsFunc(platforms, func(text string) bool {
		want, err := v1.ParsePlatform(text)
		return err == nil && have.OS == want.OS && have.Architecture == want.Architecture &&
			(want.Variant == "" || want.Variant == have.Variant)
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// parseTime reads RFC 3339; anything else is no time.
func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
