package oci

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

// Place is a repository of images, and how to get at it.
type Place struct {
	// Repository is its name with the registry, as Registries.For returns it.
	Repository string
	Registry   Registry
	Credentials
}

// ErrNotFound means that the registry has no such repository, tag or manifest.
var ErrNotFound = errors.New("the registry has no such image")

// ErrRefused means that the registry doesn't accept the credentials, or wants some.
var ErrRefused = errors.New("the registry refused the credentials")

// Client asks registries. It is safe for concurrent use.
type Client struct {
	options Options
	clock   clock.PassiveClock
	// digests are those of tags, by repository and tag; times those of images, by digest; moved tells when a tag was said to
	// have moved.
	digests, times, moved *lru.Cache
	// sessions hold connections and tokens, by place.
	sessions *lru.Cache

	mu         sync.Mutex
	transports map[transportKey]http.RoundTripper
}

// New makes a client.
func New(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	c := &Client{options: options, clock: options.Clock, transports: map[transportKey]http.RoundTripper{},
		digests: lru.New(options.MaxCached), times: lru.New(options.MaxCached), moved: lru.New(options.MaxCached),
		sessions: lru.New(1000)}
	if c.clock == nil {
		c.clock = clock.RealClock{}
	}
	return c, nil
}

// Tags lists the tags of a repository, in no certain order. A repository that doesn't exist is ErrNotFound.
func (c *Client) Tags(ctx context.Context, place Place) ([]string, error) {
	var tags []string
	err := c.ask(ctx, place, "listing the tags", func(ctx context.Context, repository name.Repository, session *remote.Puller) error {
		lister, err := session.Lister(ctx, repository)
		if err != nil {
			return err
		}
		for lister.HasNext() {
			page, err := lister.Next(ctx)
			if err != nil {
				return err
			}
			if tags = append(tags, page.Tags...); len(tags) > c.options.MaxTags {
				return fmt.Errorf("there are more than %d: delete old ones", c.options.MaxTags)
			}
		}
		return nil
	})
	return tags, err
}

// Digest is that of the manifest or index which the tag names now.
func (c *Client) Digest(ctx context.Context, place Place, tag string) (string, error) {
	var digest string
	err := c.ask(ctx, place, "looking up the tag "+tag, func(ctx context.Context, repository name.Repository, session *remote.Puller) error {
		var err error
		digest, err = c.head(ctx, session, repository.Tag(tag))
		return err
	})
	return digest, err
}

// head asks for the digest only; some registries can't, and get the whole question.
func (c *Client) head(ctx context.Context, session *remote.Puller, ref name.Reference) (string, error) {
	short, err := session.Head(ctx, ref)
	if err == nil {
		return short.Digest.String(), nil
	}
	if isNotFound(err) || ctx.Err() != nil {
		return "", err
	}
	full, err := session.Get(ctx, ref)
	if err != nil {
		return "", err
	}
	return full.Digest.String(), nil
}

// Forget drops what is remembered of a tag, after an event said that it moved. The repository's host may be spelled in
// another way than in the Place, so that all hosts count.
func (c *Client) Forget(repository, tag string) {
	c.moved.Add(tagKey(repository, tag), c.clock.Now())
}

// tagKey leaves the host out: events name registries by addresses that applications may not use.
func tagKey(repository, tag string) string {
	_, path, ok := strings.Cut(repository, "/")
	if !ok {
		path = repository
	}
	return path + ":" + tag
}

// question is asked with a session of the repository.
type question func(ctx context.Context, repository name.Repository, session *remote.Puller) error

func (c *Client) ask(ctx context.Context, place Place, doing string, q question) error {
	fail := func(err error) error { return fmt.Errorf("%s of image %s: %w", doing, place.Repository, err) }
	repository, session, key, err := c.session(place)
	if err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout,
		fmt.Errorf("the registry didn't answer within %s", c.options.Timeout))
	defer cancel()
	if err := q(ctx, repository, session); err != nil {
		// A session keeps its first failure for ever; the next question gets a new one.
		c.sessions.Remove(key)
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return fail(explain(err))
	}
	return nil
}

// explain gives the errors of a registry a meaning and a hint.
func explain(err error) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return withoutUser(err)
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (%d): check the pull secret, or the repository's Secret", ErrRefused, answer.StatusCode)
	case http.StatusTooManyRequests:
		return errors.New("the registry answers too many requests (429): set a limit for it in registries.conf, or log in")
	}
	return withoutUser(err)
}

// withoutUser drops the URL of a failed request: it may hold credentials.
func withoutUser(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

func isNotFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// session is what talks to the place, made at its first use.
func (c *Client) session(place Place) (name.Repository, *remote.Puller, any, error) {
	host, path, _ := strings.Cut(place.Repository, "/")
	plain := c.options.insecure(host)
	if place.Registry.APIURL != "" {
		u, err := url.Parse(place.Registry.APIURL)
		if err != nil {
			return name.Repository{}, nil, nil, err
		}
		host, plain = u.Host, u.Scheme == "http" || c.options.insecure(u.Host)
	}
	options := []name.Option{}
	if plain {
		options = append(options, name.Insecure)
	}
	repository, err := name.NewRepository(host+"/"+path, options...)
	if err != nil {
		return name.Repository{}, nil, nil, err
	}
	type sessionKey struct {
		repository, user, password string
		transport                  transportKey
	}
	key := sessionKey{repository.String(), place.Username, place.Password, transportKeyOf(place.Registry, plain, host)}
	if known, ok := c.sessions.Get(key); ok {
		return repository, known.(*remote.Puller), key, nil
	}
	roundTripper, err := c.transport(key.transport)
	if err != nil {
		return name.Repository{}, nil, nil, err
	}
	auth := authn.Anonymous
	if place.Username != "" || place.Password != "" {
		auth = &authn.Basic{Username: place.Username, Password: place.Password}
	}
	session, err := remote.NewPuller(remote.WithTransport(roundTripper), remote.WithAuth(auth), remote.WithUserAgent("fairlead"),
		remote.WithRetryBackoff(remote.Backoff{Duration: max(c.options.RetryDelay, time.Nanosecond), Factor: 3, Jitter: 0.1, Steps: 3}))
	if err != nil {
		return name.Repository{}, nil, nil, err
	}
	c.sessions.Add(key, session)
	return repository, session, key, nil
}
