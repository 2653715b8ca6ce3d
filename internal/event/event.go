// Package event carries what the hub hears (a push to a Git repository, a tag in a registry) to the controllers that it
// concerns, inside one process.
//
// It is not a queue that survives: an event is a reason to look again, never the only record of a fact. Whoever listens
// also looks at its start, and from time to time. Start with Bus.
package event

import (
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// Push is a ref of a Git repository that moved.
type Push struct {
	// Repository is the clone URL in the form of NormalizeURL.
	Repository string
	// Ref is the full name, such as refs/heads/main.
	Ref string
	// Before and After are commits; all zeros or empty for none (a ref made or deleted).
	Before, After string
	// Files are the changed paths; nil means unknown.
	Files []string
}

// Image is a tag of an image repository that appeared or moved.
type Image struct {
	// Repository is registry/name.
	Repository  string
	Tag, Digest string
}

// Listing is a change of what a Git host lists: repositories and branches that came or went, or pull requests.
type Listing struct {
	// Host is the kind of host, as webhooks call it: github, gitlab, gitea, bitbucket, bitbucketserver or azuredevops.
	Host string
	// Site is the host's name in lower case, without a port; empty if the host didn't say.
	Site string
	// Owner is the organization, group with its path, workspace, or project (Bitbucket Server, Azure DevOps).
	Owner, Repository string
	// ID is GitLab's number of the project; else empty.
	ID string
	// PullRequests says that a pull request came, went or changed; else it is a repository or branch.
	PullRequests bool
}

// backlog bounds what waits for one slow listener. A listener that misses an event because of it still learns of the
// fact when it next polls.
const backlog = 1024

// Bus hands each event to every subscriber. Publishing never blocks.
type Bus struct {
	pushes   topic[Push]
	images   topic[Image]
	listings topic[Listing]
}

// NewBus makes a bus with no subscribers.
func NewBus() *Bus { return &Bus{} }

// PublishPush tells every subscriber of a push.
func (b *Bus) PublishPush(p Push) { b.pushes.publish(p) }

// PublishImage tells every subscriber of a tag.
func (b *Bus) PublishImage(i Image) { b.images.publish(i) }

// PublishListing tells every subscriber of what a host lists.
func (b *Bus) PublishListing(l Listing) { b.listings.publish(l) }

// SubscribePush returns the pushes from now on, and what ends the subscription and closes the channel.
func (b *Bus) SubscribePush() (<-chan Push, func()) { return b.pushes.subscribe() }

// SubscribeImage returns the tags from now on, and what ends the subscription and closes the channel.
func (b *Bus) SubscribeImage() (<-chan Image, func()) { return b.images.subscribe() }

// SubscribeListing returns what hosts list from now on, and what ends the subscription and closes the channel.
func (b *Bus) SubscribeListing() (<-chan Listing, func()) { return b.listings.subscribe() }

type topic[T any] struct {
	mu          sync.Mutex
	subscribers map[chan T]bool
}

func (t *topic[T]) publish(event T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for subscriber := range t.subscribers {
		select {
		case subscriber <- event:
		default:
		}
	}
}

func (t *topic[T]) subscribe() (<-chan T, func()) {
	subscriber := make(chan T, backlog)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.subscribers == nil {
		t.subscribers = map[chan T]bool{}
	}
	t.subscribers[subscriber] = true
	return subscriber, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.subscribers[subscriber] {
			delete(t.subscribers, subscriber)
			close(subscriber)
		}
	}
}

// NormalizeURL gives one spelling to the ways in which the same repository is written: host/path, with the host in lower
// case and without scheme, user, default port, ".git" and trailing slashes. The scp-like git@host:path counts as ssh.
func NormalizeURL(repository string) string {
	s := strings.TrimSpace(repository)
	if !strings.Contains(s, "://") {
		if host, path, ok := strings.Cut(s, ":"); ok && !strings.Contains(host, "/") && !startsWithPort(path) {
			s = "ssh://" + host + "/" + path
		}
	}
	trim := func(path string) string {
		return strings.TrimSuffix(strings.TrimRight(path, "/"), ".git")
	}
	if !strings.Contains(s, "://") && !strings.HasPrefix(s, "/") {
		s = "//" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return trim(s)
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443", "ssh": ":22"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return host + "/" + trim(strings.TrimLeft(u.Path, "/"))
}

// startsWithPort tells host:3000/path, which is already normal, from the scp-like host:path.
func startsWithPort(path string) bool {
	port, _, _ := strings.Cut(path, "/")
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

// CanonicalURL is the form in which Argo CD compares addresses of repositories with one another, with prefixes and with
// patterns: in lower case, without ".git" and trailing slashes, SSH addresses as host/path without scheme. Other schemes stay:
// credentials and permissions for one are none for another. A user in a web address doesn't count.
func CanonicalURL(repository string) string {
	form := strings.ToLower(strings.TrimSpace(repository))
	if !strings.Contains(form, "://") {
		if host, path, ok := strings.Cut(form, ":"); ok && !strings.Contains(host, "/") && !startsWithPort(path) {
			form = "ssh://" + host + "/" + path
		}
	}
	form = strings.TrimSuffix(strings.TrimRight(form, "/"), ".git")
	scheme, rest, ok := strings.Cut(form, "://")
	switch {
	case ok && scheme == "ssh":
		return rest
	case ok && (scheme == "http" || scheme == "https"):
		host, path, hasPath := strings.Cut(rest, "/")
		if _, after, found := strings.Cut(host, "@"); found {
			host = after
		}
		if hasPath {
			host += "/" + path
		}
		return scheme + "://" + host
	}
	return form
}
