package artifact

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"fairlead.dev/fairlead/internal/archive"
	"fairlead.dev/fairlead/internal/lru"
	"fairlead.dev/fairlead/internal/oci"
	"fairlead.dev/fairlead/internal/web"
)

// Client gets versions and archives. It is safe for concurrent use.
type Client struct {
	options  Options
	store    *store
	hosts    *hosts
	registry *oci.Client
	web      web.Clients
	trees    *lru.Cache[string, *archive.Tree]
	flights  singleflight.Group

	mu sync.Mutex
	// seen are the versions, by origin, and the digests of tags, by image and tag.
	seen map[string]sighting
}

// sighting is what a repository said at some time.
type sighting struct {
	at time.Time
	// versions are those of a chart, or the tags of an image; state changes whenever the repository's answer does.
	versions []string
	state    string
}

// New makes a client.
func New(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	registry, err := oci.New(options.registry())
	if err != nil {
		return nil, err
	}
	return &Client{
		options:  options,
		store:    &store{dir: options.Dir, maxBytes: options.MaxDiskBytes},
		hosts:    &hosts{clock: options.Clock, parallel: options.Parallel, first: options.FirstPause, longest: options.LongestPause},
		registry: registry,
		trees:    lru.New[string, *archive.Tree](options.MaxMemoryBytes),
		seen:     map[string]sighting{},
	}, nil
}

// Refresh asks what there is now, for the wanted revision. Nobody is asked about an exact version, which doesn't move.
func (c *Client) Refresh(ctx context.Context, origin Origin, revision string) error {
	_, err := c.State(ctx, origin, revision)
	return err
}

// State asks what there is now, and returns a word that changes whenever the revision may mean something else.
func (c *Client) State(ctx context.Context, origin Origin, revision string) (string, error) {
	if isFixed(origin, revision) {
		return revision, nil
	}
	if origin.Kind == Image && !IsConstraint(revision) {
		sight, err := c.look(ctx, origin, tagQuestion(revision), c.options.Lifetime)
		return sight.state, err
	}
	sight, err := c.look(ctx, origin, "", c.options.Lifetime)
	return sight.state, err
}

// Resolve finds the version, or for an Image the digest, that a revision means. It answers from what was seen last, and
// asks only what this process never did.
func (c *Client) Resolve(ctx context.Context, origin Origin, revision string) (string, error) {
	if isFixed(origin, revision) {
		return revision, nil
	}
	if IsConstraint(revision) || revision == "" {
		sight, err := c.look(ctx, origin, "", forever)
		if err != nil {
			return "", err
		}
		if revision == "" {
			revision = "*"
		}
		found, err := newest(revision, sight.versions)
		if err != nil {
			return "", fmt.Errorf("resolving revision %q of %s: %w", revision, origin.name(), err)
		}
		revision = found
	}
	if origin.Kind != Image {
		return revision, nil
	}
	// A tag that a constraint means is asked for as an exact one is.
	sight, err := c.look(ctx, origin, tagQuestion(tagOfVersion(revision)), forever)
	return sight.state, err
}

// isFixed tells a revision that can only mean one thing.
func isFixed(origin Origin, revision string) bool {
	if origin.Kind == Image {
		return strings.HasPrefix(revision, "sha256:") || strings.HasPrefix(revision, "sha512:")
	}
	return revision != "" && !IsConstraint(revision)
}

const forever = 1<<63 - 1

func tagQuestion(tag string) string { return "tag " + tag }

// look returns what a repository said within the lifetime, or asks it. The question is empty for versions, else about a tag.
func (c *Client) look(ctx context.Context, origin Origin, question string, lifetime time.Duration) (sighting, error) {
	key := origin.key() + " " + question
	c.mu.Lock()
	known, ok := c.seen[key]
	c.mu.Unlock()
	if ok && c.options.Clock.Since(known.at) < lifetime {
		return known, nil
	}
	answer, err := c.once(ctx, "look "+key, func(ctx context.Context) (any, error) {
		sight, err := c.sight(ctx, origin, question, known)
		if err != nil {
			return sight, err
		}
		sight.at = c.options.Clock.Now()
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.seen) > 10_000 {
			clear(c.seen)
		}
		c.seen[key] = sight
		return sight, nil
	})
	if err != nil {
		return sighting{}, err
	}
	return answer.(sighting), nil
}

func (c *Client) sight(ctx context.Context, origin Origin, question string, before sighting) (sighting, error) {
	tag, isTag := strings.CutPrefix(question, tagQuestion(""))
	switch {
	case isTag:
		digest, err := c.tagDigest(ctx, origin, tag)
		return sighting{state: digest}, err
	case origin.Kind == ChartOverHTTP:
		index, err := c.index(ctx, origin.Repository, c.options.Lifetime)
		if err != nil || index.digest == before.state {
			return before, err
		}
		releases, err := releasesOf(index.content, origin.Chart)
		if err != nil {
			return sighting{}, fmt.Errorf("reading the Helm repository %s: %w", origin.name(), err)
		}
		return sighting{versions: versionsOf(releases), state: index.digest}, nil
	default:
		return c.tags(ctx, origin)
	}
}

// once runs a question for all that have it at the same time. It goes on if one of them leaves; what it asks of hosts is
// bounded in time.
func (c *Client) once(ctx context.Context, key string, question func(context.Context) (any, error)) (any, error) {
	detached := context.WithoutCancel(ctx)
	answer := c.flights.DoChan(key, func() (any, error) { return question(detached) })
	select {
	case result := <-answer:
		return result.Val, result.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a repository: %w", context.Cause(ctx))
	}
}

// Tree returns the files of a version, as Resolve gives it. Fresh downloads anew what is known.
func (c *Client) Tree(ctx context.Context, origin Origin, revision string, options TreeOptions) (*archive.Tree, error) {
	name := "archive " + origin.key() + " " + revision
	if !options.Fresh {
		if tree, ok := c.known(ctx, name, origin); ok {
			return tree, nil
		}
	}
	answer, err := c.once(ctx, name, func(ctx context.Context) (any, error) {
		content, err := c.download(ctx, origin, revision, options)
		if err != nil {
			return nil, err
		}
		tree, err := c.unpack(origin, digestOf(content), content)
		if err != nil {
			return nil, err
		}
		// A full disk costs time at the next start, nothing else.
		digest, err := c.store.putBlob(content)
		if err == nil {
			err = c.store.note(name, digest)
		}
		if err != nil {
			c.options.Logger.WarnContext(ctx, "keeping a download on disk", "error", err)
		}
		c.remember(name, digest)
		return tree, nil
	})
	if err != nil {
		return nil, err
	}
	return answer.(*archive.Tree), nil
}

// ask asks a host, within the time for one question.
func (c *Client) ask(ctx context.Context, host string, question func(context.Context) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, fmt.Errorf("no answer within %s", c.options.Timeout))
	defer cancel()
	return c.hosts.ask(limited, host, func() error { return question(limited) })
}

// TreeOptions are how a tree is wanted.
type TreeOptions struct {
	// Fresh downloads anew.
	Fresh bool
	// LayerTypes are the media types that an Image's layer may have; empty means Options.LayerTypes.
	LayerTypes []string
}

// known finds what was downloaded before, in this process or another.
func (c *Client) known(ctx context.Context, name string, origin Origin) (*archive.Tree, bool) {
	c.mu.Lock()
	digest := c.seen[name].state
	c.mu.Unlock()
	if digest == "" && !c.store.recall(name, &digest) {
		return nil, false
	}
	if tree, ok := c.trees.Get(treeKey(origin, digest)); ok {
		return tree, true
	}
	content, ok := c.store.blob(digest)
	if !ok {
		return nil, false
	}
	tree, err := c.unpack(origin, digest, content)
	if err != nil {
		c.options.Logger.WarnContext(ctx, "unpacking a kept download", "error", err)
		return nil, false
	}
	c.remember(name, digest)
	return tree, true
}

func (c *Client) remember(name, digest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[name] = sighting{at: c.options.Clock.Now(), state: digest}
}

func treeKey(origin Origin, digest string) string { return fmt.Sprint(origin.Kind == Image, digest) }

func (c *Client) unpack(origin Origin, digest string, content []byte) (*archive.Tree, error) {
	tree, err := archive.Unpack(bytes.NewReader(content), digest, c.options.Archive)
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", origin.what(), origin.name(), err)
	}
	if origin.Kind != Image || isPackedChart(tree) {
		tree = tree.WithoutTop()
	}
	c.trees.Put(treeKey(origin, digest), tree, tree.Bytes())
	return tree, nil
}

// isPackedChart tells whether an artifact is a chart as Helm packs it, in a folder of its own.
func isPackedChart(tree *archive.Tree) bool {
	_, err := tree.WithoutTop().Stat("Chart.yaml")
	_, top := tree.Stat("Chart.yaml")
	return err == nil && top != nil
}

func (o Origin) what() string {
	if o.Kind == Image {
		return "an artifact"
	}
	return fmt.Sprintf("chart %q", o.Chart)
}

func (c *Client) download(ctx context.Context, origin Origin, revision string, options TreeOptions) ([]byte, error) {
	if origin.Kind == ChartOverHTTP {
		return c.downloadRelease(ctx, origin, revision)
	}
	return c.downloadLayer(ctx, origin, revision, options.LayerTypes)
}

// Known is what a revision means by what was seen before, without asking anybody; empty if that isn't known.
func (c *Client) Known(origin Origin, revision string) string {
	if isFixed(origin, revision) {
		return revision
	}
	c.mu.Lock()
	sight := c.seen[origin.key()+" "]
	c.mu.Unlock()
	found, err := newest(revision, sight.versions)
	if err != nil {
		return ""
	}
	return found
}
