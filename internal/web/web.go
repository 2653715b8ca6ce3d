// Package web keeps HTTP clients by what makes their connections differ: certificates, trust, proxy.
//
// It knows neither credentials nor what is asked; who asks bounds the time and size of answers. Start with [Clients.Client].
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Connection is what makes connections differ. Empty fields mean none.
type Connection struct {
	// Certificate and Key are the client's own, and CA holds those that are trusted instead of the system's, in PEM.
	Certificate, Key, CA string
	// Insecure skips the check of the server's certificate.
	Insecure bool
	// Proxy is the URL of an HTTP proxy, else that of the environment counts; NoProxy lists hosts that are reached without it.
	Proxy, NoProxy string
}

// Clients is a set of HTTP clients. Its zero value is empty and ready for use, also concurrently.
type Clients struct {
	mu      sync.Mutex
	clients map[Connection]*http.Client
}

// most bounds the clients that are kept: a configuration that changes again and again must not pile up connections.
const most = 100

// Client returns the client for such connections. It has no timeout of its own, and is shared: don't change it.
func (c *Clients) Client(how Connection) (*http.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.clients[how]; ok {
		return known, nil
	}
	transport, err := NewTransport(how)
	if err != nil {
		return nil, err
	}
	if c.clients == nil || len(c.clients) >= most {
		c.clients = map[Connection]*http.Client{}
	}
	c.clients[how] = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	return c.clients[how], nil
}

// Dialer dials hosts that people may name: it refuses what Refused does.
func Dialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: refuse}
}

// maxRedirects is net/http's own.
const maxRedirects = 10

// checkRedirect follows redirects, but not from https to http: net/http sends credentials to the same host only, and they
// would be in the clear.
func checkRedirect(request *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case request.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
		return errors.New("it redirects from https to another scheme")
	}
	return nil
}

// ErrLinkLocal is wrapped by the errors of connections to link-local addresses.
var ErrLinkLocal = errors.New("link-local addresses aren't reached: credentials of machines are there, and no repositories")

// Refused tells whether the hub reaches an address of nobody: those that a cloud's machines get their own credentials from.
// People name repositories, charts, value files and registries, and registries name further addresses.
func Refused(address netip.Addr) bool {
	address = address.Unmap()
	return address.IsLinkLocalUnicast() || address.IsLinkLocalMulticast() || address == awsMetadata
}

// awsMetadata is AWS's address of the same service in IPv6, which isn't link-local.
var awsMetadata = netip.MustParseAddr("fd00:ec2::254")

// refuse looks at the address that a name stands for, when it is dialled: names may change what they stand for.
func refuse(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !Refused(at.Addr()) {
		return nil
	}
	return fmt.Errorf("connecting to %s: %w", at.Addr(), ErrLinkLocal)
}

// NewTransport makes a transport for such connections, for who keeps transports himself. Clients share theirs.
func NewTransport(how Connection) (*http.Transport, error) {
	transport := &http.Transport{
		DialContext:         Dialer().DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     90 * time.Second,
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: how.Insecure}, //nolint:gosec // the operator's choice, per repository
	}
	if how.Proxy != "" {
		config := httpproxy.Config{HTTPProxy: how.Proxy, HTTPSProxy: how.Proxy, NoProxy: how.NoProxy}
		choose := config.ProxyFunc()
		transport.Proxy = func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
	}
	if how.CA != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(how.CA)) {
			return nil, errors.New("the configured certificates hold none")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if how.Certificate != "" {
		pair, err := tls.X509KeyPair([]byte(how.Certificate), []byte(how.Key))
		if err != nil {
			return nil, errors.New("the configured client certificate and key don't fit or aren't PEM")
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return transport, nil
}

// PublicAddress is a URL without what may be a secret in it.
func PublicAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "of a malformed URL"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// PlainError is why a request failed, without its URL, which may hold credentials.
func PlainError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return cause
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}
