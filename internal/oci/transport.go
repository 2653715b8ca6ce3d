package oci

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/time/rate"
)

// maxAnswer bounds one answer of a registry, in bytes: manifests, configurations and pages of tags are far smaller. Blobs
// have a bound of their own.
const maxAnswer = 8 << 20

// transportKey is what makes two registries need different connections.
type transportKey struct {
	// plain connections go straight, without a proxy: they are to registries nearby.
	plain, insecure        bool
	caFile, ca             string
	certificate, clientKey string
	proxy, noProxy         string
	// host is set only for registries with a limit.
	host  string
	limit float64
}

func transportKeyOf(registry Registry, plain bool, host string) transportKey {
	key := transportKey{plain: plain, insecure: registry.Insecure, caFile: registry.CAFile, ca: registry.CA, limit: registry.Limit,
		certificate: registry.ClientCertificate, clientKey: registry.ClientKey, proxy: registry.Proxy, noProxy: registry.NoProxy}
	if key.limit > 0 {
		key.host = host
	}
	return key
}

func (c *Client) transport(key transportKey) (http.RoundTripper, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.transports[key]; ok {
		return known, nil
	}
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: c.options.Timeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   10,
		IdleConnTimeout:       90 * time.Second,
		TLSClientConfig:       &tls.Config{InsecureSkipVerify: key.insecure}, //nolint:gosec // the operator's choice, per registry
	}
	if err := key.configure(t); err != nil {
		return nil, err
	}
	limited := &limitedTransport{next: t, blobBytes: c.options.MaxBlobBytes}
	if key.limit > 0 {
		limited.limiter = rate.NewLimiter(rate.Limit(key.limit), max(1, int(key.limit)))
	}
	// A configuration that changes again and again must not pile up connections.
	if len(c.transports) >= 100 {
		clear(c.transports)
	}
	c.transports[key] = limited
	return limited, nil
}

// configure sets the proxy and the certificates.
func (key transportKey) configure(t *http.Transport) error {
	switch {
	case key.proxy != "":
		config := httpproxy.Config{HTTPProxy: key.proxy, HTTPSProxy: key.proxy, NoProxy: key.noProxy}
		choose := config.ProxyFunc()
		t.Proxy = func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
	case !key.plain:
		t.Proxy = http.ProxyFromEnvironment
	}
	if key.caFile != "" {
		pool, err := readCertificates(key.caFile)
		if err != nil {
			return err
		}
		t.TLSClientConfig.RootCAs = pool
	}
	if key.ca != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(key.ca)) {
			return errors.New("reading the registry's certificates: there are none in the configured text")
		}
		t.TLSClientConfig.RootCAs = pool
	}
	if key.certificate != "" {
		pair, err := tls.X509KeyPair([]byte(key.certificate), []byte(key.clientKey))
		if err != nil {
			return errors.New("reading the registry's client certificate: certificate and key don't fit or aren't PEM")
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return nil
}

func readCertificates(file string) (*x509.CertPool, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading the registry's certificates: %w", err)
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the registry's certificates from %s: %w", file, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the registry's certificates: %s holds none", file)
	}
	return pool, nil
}

// limitedTransport bounds the rate of requests, and the size of answers.
type limitedTransport struct {
	next    http.RoundTripper
	limiter *rate.Limiter
	// blobBytes bounds the answers that are blobs.
	blobBytes int64
}

// RoundTrip waits for its turn.
func (t *limitedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.limiter != nil {
		if err := t.limiter.Wait(request.Context()); err != nil {
			return nil, fmt.Errorf("waiting for the registry's rate limit: %w", err)
		}
	}
	response, err := t.next.RoundTrip(request)
	if err == nil {
		limit := int64(maxAnswer)
		if strings.Contains(request.URL.Path, "/blobs/") || request.Response != nil { // or what a blob's answer redirects to
			limit = max(limit, t.blobBytes)
		}
		response.Body = &limitedBody{ReadCloser: response.Body, left: limit}
	}
	return response, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the registry's answer is too large")
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
