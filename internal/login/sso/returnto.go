package sso

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// baseURL is the hub's own address that a request came to, of those that argocd-cm names as url and additionalUrls.
func (c *Config) baseURL(r *http.Request) string {
	for _, candidate := range append([]string{c.url}, c.additional...) {
		if u, err := url.Parse(candidate); err == nil && u.Host == r.Host && strings.HasPrefix(r.URL.RequestURI(), u.RequestURI()) {
			return candidate
		}
	}
	return c.url
}

// mayReturnTo tells whether a browser may be sent to an address after its login: one of the hub's own, or below it. Anything
// else would let a stranger's link end on the stranger's page.
func (c *Config) mayReturnTo(address string) bool {
	to, err := url.Parse(address)
	if err != nil || to.User != nil || to.Opaque != "" || strings.ContainsAny(address, "\r\n\t\\") {
		return false
	}
	for _, own := range append([]string{c.url}, c.additional...) {
		base, err := url.Parse(own)
		if err != nil || base.Host == "" || base.Scheme != to.Scheme || base.Host != to.Host {
			continue
		}
		root := strings.TrimSuffix(base.Path, "/")
		if at := path.Clean("/" + to.Path); at == root || strings.HasPrefix(at, root+"/") {
			return true
		}
	}
	return false
}
