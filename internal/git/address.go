package git

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/web"
)

// address is a parsed URL without secrets.
type address struct {
	// text is what git gets, and what errors may show.
	text string
	// scheme is http, https, ssh, git or file.
	scheme string
	// user is the login name for SSH, part of what a path means there.
	user string
	// origin is scheme://host/ for HTTP, the scope of its credentials.
	origin             string
	username, password string
}

// parseAddress validates a repository's URL and takes the secrets out of it. Anything that git could take for an option
// or for a helper program (ext::…) is refused.
func parseAddress(repository string) (address, error) {
	repository = strings.TrimSpace(repository)
	if repository == "" {
		return address{}, errors.New("the repository's URL is empty")
	}
	if strings.ContainsAny(repository, "\n\r\x00") || strings.HasPrefix(repository, "-") {
		return address{}, errors.New("the repository's URL has characters that no URL has")
	}
	if !strings.Contains(repository, "://") {
		host, path, ok := strings.Cut(repository, ":")
		if !ok || host == "" || path == "" || strings.ContainsAny(host, "/ ") || strings.HasPrefix(path, ":") {
			return address{}, fmt.Errorf("the repository's URL %q is none: use https://host/path, ssh://user@host/path or user@host:path",
				userinfo.ReplaceAllString(repository, "$1"))
		}
		user, _, ok := strings.Cut(host, "@")
		if !ok {
			user = ""
		} else if strings.HasPrefix(host[len(user)+1:], "-") {
			return address{}, fmt.Errorf("the host in the repository's URL %q begins with a dash", repository)
		}
		return address{text: repository, scheme: "ssh", user: user}, nil
	}
	u, err := url.Parse(repository)
	if err != nil {
		// url.Error repeats the URL with its secrets.
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return address{}, fmt.Errorf("parsing the repository's URL: %w", err)
	}
	a := address{scheme: strings.ToLower(u.Scheme)}
	switch a.scheme {
	case "http", "https":
		a.origin = a.scheme + "://" + u.Host + "/"
		if u.User != nil {
			a.username = u.User.Username()
			a.password, _ = u.User.Password()
			u.User = nil
		}
	case "ssh":
		if u.User != nil {
			a.user = u.User.Username()
			u.User = url.User(a.user)
		}
	case "git", "file":
		u.User = nil
	default:
		return address{}, fmt.Errorf("repositories over %q are not supported: use https or ssh", a.scheme)
	}
	if a.scheme != "file" && (u.Host == "" || strings.HasPrefix(u.Host, "-")) {
		return address{}, fmt.Errorf("the repository's URL %q names no host", u.String())
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && web.Refused(ip) {
		return address{}, fmt.Errorf("the repository's URL %q: %w", u.String(), web.ErrLinkLocal)
	}
	a.text = u.String()
	return a, nil
}

// ssh takes the address of an SSH repository apart: user@host, port (may be empty), and the path as the host gets it.
func (a address) ssh() (host, port, path string, err error) {
	if !strings.Contains(a.text, "://") {
		host, path, _ = strings.Cut(a.text, ":")
		return host, "", path, nil
	}
	u, err := url.Parse(a.text)
	if err != nil {
		return "", "", "", fmt.Errorf("parsing the repository's URL: %w", err)
	}
	host = u.Hostname()
	if u.User != nil {
		host = u.User.Username() + "@" + host
	}
	return host, u.Port(), u.Path, nil
}

// sameHost tells whether two URLs are of one server: the same scheme, host and port, and for SSH the same user.
func sameHost(one, other string) bool {
	a, err1 := parseAddress(one)
	b, err2 := parseAddress(other)
	if err1 != nil || err2 != nil || a.scheme != b.scheme {
		return false
	}
	switch a.scheme {
	case "http", "https":
		return strings.EqualFold(a.origin, b.origin)
	case "ssh":
		host1, port1, _, err1 := a.ssh()
		host2, port2, _, err2 := b.ssh()
		return err1 == nil && err2 == nil && strings.EqualFold(host1, host2) && cmp.Or(port1, "22") == cmp.Or(port2, "22")
	}
	return false
}

// key gives one spelling to the URLs of the same repository, by scheme, because the transports differ.
func (a address) key() string {
	if a.scheme == "file" {
		return strings.TrimRight(a.text, "/")
	}
	key := a.scheme + "://"
	if a.user != "" && a.user != "git" {
		key += a.user + "@"
	}
	return key + event.NormalizeURL(a.text)
}
