package scm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/web"
)

// Client asks one host. It is safe for concurrent use; make it with [Hosts.Client].
type Client struct {
	hosts   *Hosts
	kind    Kind
	base    *url.URL
	http    http.Client
	header  http.Header
	app     *appLogin
	account account
	// secrets must not be repeated in errors.
	secrets []string
}

const (
	// requestTimeout is far more than any page takes.
	requestTimeout = 30 * time.Second
	// maxPage is far more than a hundred descriptions of repositories have.
	maxPage = 16 << 20
	// maxMessage is what of an error's answer is looked at.
	maxMessage = 64 << 10
	// maxPages bounds one listing: a hundred thousand repositories.
	maxPages = 1000
	// pageSize is the most that most hosts give at once.
	pageSize = 100
)

// route is a path, part by part and not yet escaped.
type route []string

// deeper appends a path inside a repository.
func (r route) deeper(path string) route {
	return append(r[:len(r):len(r)], strings.Split(path, "/")...)
}

// on is the route's URL.
func (r route) on(base *url.URL, query url.Values) (*url.URL, error) {
	path, escaped := base.Path, base.EscapedPath()
	for _, part := range r {
		// A name that is none could make another question of it.
		if part == "" || part == "." || part == ".." {
			return nil, fmt.Errorf("%q is no name that can be asked for", part)
		}
		path += "/" + part
		escaped += "/" + url.PathEscape(part)
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: path, RawPath: escaped, RawQuery: query.Encode()}, nil
}

// reply is an answer of success.
type reply struct {
	body   []byte
	header http.Header
}

// get asks and reads the answer, which may be empty.
func (c *Client) get(ctx context.Context, r route, query url.Values) (reply, error) {
	var got reply
	err := c.ask(ctx, r, query, func(response *http.Response) error {
		body, err := io.ReadAll(io.LimitReader(response.Body, maxPage+1))
		if err == nil && len(body) > maxPage {
			err = fmt.Errorf("it has more than %d bytes", maxPage)
		}
		got = reply{body, response.Header}
		return err
	})
	return got, err
}

// exists tells whether there is something at the route, however large; only the host's own 404 says no.
func (c *Client) exists(ctx context.Context, r route, query url.Values) (bool, error) {
	err := c.ask(ctx, r, query, func(*http.Response) error { return nil })
	if says(err, http.StatusNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ask sends a request, and has an answer of success read.
func (c *Client) ask(ctx context.Context, r route, query url.Values, read func(*http.Response) error) error {
	at, err := r.on(c.base, query)
	if err != nil {
		return fmt.Errorf("asking %s: %w", c.kind, err)
	}
	if until := c.hosts.rests(c.account); !until.IsZero() {
		return &LimitError{Host: c.base.Host, Until: until}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, requestTimeout, errors.New("no answer in time"))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return fmt.Errorf("asking %s: the address is no URL", c.kind)
	}
	request.Header = c.header.Clone()
	if c.app != nil {
		if err := c.app.authorize(ctx, request.Header); err != nil {
			return err
		}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s at %s: %w", c.kind, c.base.Host, web.PlainError(ctx, err))
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK, http.StatusNoContent:
		err := read(response)
		if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
			err = errors.New("it is a page for people: is the address that of its API, and the token valid?")
		}
		if err != nil {
			return fmt.Errorf("reading the answer of %s at %s: %w", c.kind, c.base.Host, web.PlainError(ctx, err))
		}
		return nil
	default:
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxMessage)) // what can't be read says nothing
		return c.refusal(at.Path, response, body)
	}
}

// refusal words an answer that isn't success.
func (c *Client) refusal(path string, response *http.Response, body []byte) error {
	answer := &StatusError{Request: "GET " + path, Status: response.StatusCode}
	answer.Message, answer.Kind = c.message(body)
	if now := c.hosts.clock.Now(); limits(response, answer.Message) {
		until := now.Add(pause(response.Header, now))
		c.hosts.rest(c.account, until)
		return &LimitError{Host: c.base.Host, Until: until}
	}
	if c.app != nil && response.StatusCode == http.StatusUnauthorized {
		c.app.tokens.Forget(c.app.remote, c.app.owner)
	}
	return answer
}

// message is what a host says about an error: each has its own form.
func (c *Client) message(body []byte) (text, kind string) {
	var said struct {
		Message any // GitLab's can be an object
		Error   any // Bitbucket Cloud's is one
		TypeKey string
		Errors  []struct{ Message, ExceptionName string }
	}
	if json.Unmarshal(body, &said) != nil {
		return "", ""
	}
	kind = said.TypeKey
	switch nested, _ := said.Error.(map[string]any); {
	case said.Message != nil:
		text = fmt.Sprint(said.Message)
	case nested != nil:
		text = fmt.Sprint(nested["message"])
	case said.Error != nil:
		text = fmt.Sprint(said.Error)
	case len(said.Errors) > 0:
		text, kind = said.Errors[0].Message, said.Errors[0].ExceptionName
	}
	for _, secret := range c.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	const enough = 300
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text), kind
}

// limits tells whether a host refuses because it has been asked too often, or is overloaded and says for how long. GitHub says so
// with 403 or 429 (docs.github.com, "Rate limits for the REST API"), others with 429.
func limits(response *http.Response, message string) bool {
	h := response.Header
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0" || strings.Contains(strings.ToLower(message), "rate limit")
	case http.StatusServiceUnavailable:
		return h.Get("Retry-After") != ""
	default:
		return false
	}
}

// pause is how long to wait. A host that doesn't say gets a minute, as GitHub asks for; none gets more than an hour, which is
// the longest window that hosts count in.
func pause(header http.Header, now time.Time) time.Duration {
	wait := time.Minute
	if after := header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.ParseInt(after, 10, 32); err == nil {
			wait = time.Duration(seconds) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			wait = at.Sub(now)
		}
	} else {
		for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} { // GitHub's and GitLab's
			if at, err := strconv.ParseInt(header.Get(name), 10, 64); err == nil {
				wait = time.Unix(at, 0).Sub(now)
			}
		}
	}
	return min(max(wait, time.Second), time.Hour)
}

// one asks for one object.
func one[T any](ctx context.Context, c *Client, r route, query url.Values) (T, error) {
	var value T
	got, err := c.get(ctx, r, query)
	if err != nil {
		return value, err
	}
	return value, decode(c, got.body, &value)
}

// decode reads JSON that must be there.
func decode(c *Client, body []byte, into any) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null")) {
		return fmt.Errorf("the answer of %s at %s is empty", c.kind, c.base.Host)
	}
	if err := json.Unmarshal(body, into); err != nil {
		// The error could repeat what is there.
		return fmt.Errorf("the answer of %s at %s is not the JSON that its documentation tells: is the address that of its API?", c.kind, c.base.Host)
	}
	return nil
}

// reader takes a page apart: its items, and the query for the next page, nil if it is the last.
type reader[T any] func(got reply, query url.Values) (items []T, next url.Values, err error)

// all asks for page after page.
func all[T any](ctx context.Context, c *Client, r route, query url.Values, read reader[T]) ([]T, error) {
	var items []T
	for range maxPages {
		got, err := c.get(ctx, r, query)
		if err != nil {
			return nil, err
		}
		page, next, err := read(got, query)
		if err != nil {
			return nil, err
		}
		items = append(items, page...)
		if next == nil {
			return items, nil
		}
		if next.Encode() == query.Encode() {
			return nil, fmt.Errorf("listing at %s: it gives the same page again and again", c.base.Host)
		}
		query = next
	}
	return nil, fmt.Errorf("listing at %s: it has more than %d pages", c.base.Host, maxPages)
}

// arrays reads pages that are arrays, as GitHub, GitLab and Gitea have them: the next is named by a header, X-Next-Page or
// Link (RFC 8288). A full page without either isn't taken for the last, because proxies lose headers.
func arrays[T any](c *Client, size int) reader[T] {
	return func(got reply, query url.Values) ([]T, url.Values, error) {
		items := []T{}
		if err := decode(c, got.body, &items); err != nil {
			return nil, nil, err
		}
		if next, told := nextQuery(got.header, query); told {
			return items, next, nil
		}
		if len(items) < size {
			return items, nil, nil
		}
		page, err := strconv.Atoi(query.Get("page"))
		if err != nil {
			page = 1
		}
		return items, with(query, "page", strconv.Itoa(page+1)), nil
	}
}

// nextQuery is the query of the next page, nil if there is none, and whether the host has told. Of the address that it names only
// the query is taken: the rest is known, and proxies may get it wrong.
func nextQuery(header http.Header, query url.Values) (next url.Values, told bool) {
	if page, ok := header["X-Next-Page"]; ok {
		if page[0] == "" {
			return nil, true
		}
		return with(query, "page", page[0]), true
	}
	links := header.Values("Link")
	for _, link := range strings.Split(strings.Join(links, ","), ",") {
		address, parameters, _ := strings.Cut(strings.TrimSpace(link), ">")
		relation := strings.ReplaceAll(strings.ReplaceAll(parameters, " ", ""), `"`, "")
		if !strings.Contains(relation+";", ";rel=next;") {
			continue
		}
		if at, err := url.Parse(strings.TrimPrefix(address, "<")); err == nil {
			return at.Query(), true
		}
	}
	return nil, len(links) > 0
}

func with(query url.Values, name, value string) url.Values {
	next := url.Values{}
	for key, values := range query {
		next[key] = values
	}
	next.Set(name, value)
	return next
}

// cloneURL picks the address for a protocol; what a kind of host doesn't have, nobody can ask for.
func cloneURL(kind Kind, protocol, ssh, https string) (string, error) {
	switch protocol {
	case "", "ssh":
		return ssh, nil
	case "https":
		return https, nil
	default:
		return "", fmt.Errorf("unknown clone protocol for %s %v", kind, protocol)
	}
}

// incomplete says that an answer lacks what everything else hangs on.
func incomplete(kind Kind, what string) error {
	return fmt.Errorf("the answer of %s names %s without what makes it one: nothing is concluded from it", kind, what)
}
