package oci

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/time/rate"

	"fairlead.dev/fairlead/internal/web"
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
	t, err := web.NewTransport(web.Connection{
		Certificate: key.certificate, Key: key.clientKey, CA: key.ca, Insecure: key.insecure, Proxy: key.proxy, NoProxy: key.noProxy,
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to the registry: %w", err)
	}
	t.ResponseHeaderTimeout = c.options.Timeout
	t.MaxIdleConnsPerHost = 10
	if key.plain && key.proxy == "" {
		t.Proxy = nil
	}
	if key.caFile != "" && key.ca == "" {
		if t.TLSClientConfig.RootCAs, err = readCertificates(key.caFile); err != nil {
			return nil, err
		}
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
