package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/web"
)

// answer is what came back for a URL.
type answer struct {
	content []byte
	header  http.Header
	// unchanged says that the content is what the caller has already.
	unchanged bool
}

// errNotFound means that a repository doesn't have a file.
var errNotFound = errors.New("there is no such file (404)")

// get asks for a URL, with the repository's credentials if it is one of its own or the repository allows. Conditions are
// headers such as If-None-Match.
func (c *Client) get(ctx context.Context, r Repository, address string, limit int64, conditions http.Header) (answer, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return answer{}, errors.New("the address is no http(s) URL")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return answer{}, errors.New("the address is no http(s) URL")
	}
	for name, values := range conditions {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "fairlead")
	if own, err := url.Parse(r.URL); r.Username+r.Password != "" && (r.PassCredentials || err == nil && sameHost(own, at)) {
		request.SetBasicAuth(r.Username, r.Password)
	} else if err != nil || !sameHost(own, at) && !r.PassCredentials {
		r.ClientCertificate, r.ClientKey = "", ""
	}
	client, err := c.web.Client(web.Connection{Certificate: r.ClientCertificate, Key: r.ClientKey, CA: r.CA, Insecure: r.Insecure, Proxy: r.Proxy, NoProxy: r.NoProxy})
	if err != nil {
		return answer{}, err
	}
	var result answer
	err = c.ask(ctx, at.Host, func(ctx context.Context) error {
		result, err = fetch(client, request.WithContext(ctx), limit)
		return err
	})
	return result, err
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

func fetch(client *http.Client, request *http.Request, limit int64) (answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return answer{}, outage{web.PlainError(request.Context(), err)}
	}
	defer response.Body.Close()
	switch code := response.StatusCode; {
	case code == http.StatusNotModified:
		return answer{header: response.Header, unchanged: true}, nil
	case code == http.StatusNotFound:
		return answer{}, errNotFound
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return answer{}, fmt.Errorf("the repository refused the credentials (%d): check its Secret", code)
	case code >= 500 || code == http.StatusTooManyRequests:
		return answer{}, outage{fmt.Errorf("the repository answered %s", response.Status)}
	case code != http.StatusOK:
		return answer{}, fmt.Errorf("the repository answered %s", response.Status)
	}
	var content bytes.Buffer
	if _, err := io.Copy(&content, io.LimitReader(response.Body, limit+1)); err != nil {
		return answer{}, outage{web.PlainError(request.Context(), err)}
	}
	if int64(content.Len()) > limit {
		return answer{}, fmt.Errorf("the answer has more than %d bytes", limit)
	}
	return answer{content: content.Bytes(), header: response.Header}, nil
}

// indexNote is what is known of an index on disk.
type indexNote struct {
	Digest, ETag, LastModified string
}

// index returns a repository's index as it was within the lifetime, or is now. It is downloaded only if it has changed.
func (c *Client) index(ctx context.Context, r Repository, lifetime time.Duration) (indexContent, error) {
	name := "index " + r.key()
	result, err := c.once(ctx, name, func(ctx context.Context) (any, error) {
		var note indexNote
		var known []byte
		if c.store.recall(name, &note) {
			known, _ = c.store.blob(note.Digest)
		}
		c.mu.Lock()
		asked, ok := c.seen[name]
		c.mu.Unlock()
		if ok && known != nil && asked.state == note.Digest && c.options.Clock.Since(asked.at) < lifetime {
			return indexContent{known, note.Digest}, nil
		}
		return c.askIndex(ctx, r, name, note, known)
	})
	if err != nil {
		return indexContent{}, fmt.Errorf("reading the index of the Helm repository %s: %w", Origin{Repository: r}.name(), err)
	}
	return result.(indexContent), nil
}

func (c *Client) askIndex(ctx context.Context, r Repository, name string, note indexNote, known []byte) (indexContent, error) {
	address, err := url.Parse(r.URL)
	if err != nil {
		return indexContent{}, errors.New("its address is no URL")
	}
	conditions := http.Header{}
	if known != nil {
		conditions = note.conditions()
	}
	got, err := c.get(ctx, r, address.JoinPath("index.yaml").String(), c.options.MaxIndexBytes, conditions)
	if err != nil {
		return indexContent{}, err
	}
	found := indexContent{known, note.Digest}
	if !got.unchanged || known == nil {
		found = indexContent{got.content, digestOf(got.content)}
		if _, err = c.store.putBlob(found.content); err == nil {
			err = c.store.note(name, indexNote{found.digest, got.header.Get("ETag"), got.header.Get("Last-Modified")})
		}
		if err != nil {
			c.options.Logger.WarnContext(ctx, "keeping an index on disk", "error", err)
		}
	}
	c.remember(name, found.digest)
	return found, nil
}

type indexContent struct {
	content []byte
	digest  string
}

func (n indexNote) conditions() http.Header {
	conditions := http.Header{}
	if n.ETag != "" {
		conditions.Set("If-None-Match", n.ETag)
	} else if n.LastModified != "" {
		conditions.Set("If-Modified-Since", n.LastModified)
	}
	return conditions
}

// Release finds a version of a chart in its repository's index.
func (c *Client) Release(ctx context.Context, origin Origin, version string) (Release, error) {
	index, err := c.index(ctx, origin.Repository, forever)
	if err != nil {
		return Release{}, err
	}
	releases, err := releasesOf(index.content, origin.Chart)
	if err != nil {
		return Release{}, fmt.Errorf("reading the Helm repository %s: %w", origin.name(), err)
	}
	release, ok := pick(releases, version)
	if !ok { // it may be newer than what we know
		if index, err = c.index(ctx, origin.Repository, c.options.Lifetime); err != nil {
			return Release{}, err
		}
		if releases, err = releasesOf(index.content, origin.Chart); err != nil {
			return Release{}, fmt.Errorf("reading the Helm repository %s: %w", origin.name(), err)
		}
		release, ok = pick(releases, version)
	}
	if !ok {
		return Release{}, fmt.Errorf("chart %q version %q not found in %s repository", origin.Chart, version, origin.name())
	}
	return release, nil
}

// downloadRelease gets a chart from the first of its URLs that has it.
func (c *Client) downloadRelease(ctx context.Context, origin Origin, version string) ([]byte, error) {
	release, err := c.Release(ctx, origin, version)
	if err != nil {
		return nil, err
	}
	fail := func(err error) error {
		return fmt.Errorf("downloading chart %q version %s from %s: %w", origin.Chart, version, origin.name(), err)
	}
	if len(release.URLs) == 0 {
		return nil, fail(errors.New("the index names no URL for it"))
	}
	base, err := url.Parse(strings.TrimSuffix(origin.Repository.URL, "/") + "/")
	if err != nil {
		return nil, fail(errors.New("the repository's address is no URL"))
	}
	var failures []error
	for _, text := range release.URLs[:min(len(release.URLs), 4)] {
		at, err := base.Parse(text)
		if err != nil {
			failures = append(failures, errors.New("the index names an address that is no URL"))
			continue
		}
		if at.RawQuery == "" && sameHost(base, at) {
			at.RawQuery = base.RawQuery
		}
		got, err := c.get(ctx, origin.Repository, at.String(), c.options.MaxArchiveBytes, nil)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		want := strings.TrimPrefix(release.Digest, "sha256:")
		if want != "" && digestOf(got.content) != "sha256:"+strings.ToLower(want) {
			failures = append(failures, fmt.Errorf("the archive is not what the index promises: its digest is %s", digestOf(got.content)))
			continue
		}
		return got.content, nil
	}
	texts := make([]string, len(failures))
	for i, failure := range failures {
		texts[i] = failure.Error()
	}
	if len(failures) == 1 {
		return nil, fail(failures[0])
	}
	return nil, fail(errors.New(strings.Join(texts, "; ")))
}

// File downloads a text, such as a value file, of at most Options.MaxFileBytes. It sends no credentials.
func (c *Client) File(ctx context.Context, address string) ([]byte, error) {
	content, err := c.once(ctx, "file "+address, func(ctx context.Context) (any, error) {
		got, err := c.get(ctx, Repository{}, address, c.options.MaxFileBytes, nil)
		return got.content, err
	})
	if err != nil {
		shown := "the address"
		if u, parsing := url.Parse(address); parsing == nil {
			u.User, u.RawQuery = nil, ""
			shown = u.String()
		}
		return nil, fmt.Errorf("downloading %s: %w", shown, err)
	}
	return content.([]byte), nil
}
