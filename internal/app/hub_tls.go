package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"

	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
)

// serverTLSSecret is where an operator keeps the API's certificate apart from argocd-secret; the keys are Kubernetes' in both.
const serverTLSSecret = "argocd-server-tls"

// certificateTimeout bounds how long a handshake waits for the certificate, which is in a cache.
const certificateTimeout = 5 * time.Second

// certificates gives the API its certificate: that of Secret argocd-server-tls, else that of argocd-secret, else one that it
// signs itself. It looks at each handshake, so that a new one counts at once.
type certificates struct {
	settings *live.Source
	own      *tls.Certificate

	mu        sync.Mutex
	pem, key  []byte
	parsed    *tls.Certificate
	parsedErr error
}

func newCertificates(source *live.Source, namespace string) (*certificates, error) {
	own, err := selfSigned(namespace)
	return &certificates{settings: source, own: own}, err
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.certificate}
}

func (c *certificates) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	ctx, cancel := context.WithTimeout(hello.Context(), certificateTimeout)
	defer cancel()
	for _, name := range []string{serverTLSSecret, settings.SecretName} {
		secret, err := c.settings.Secret(ctx, name)
		if err != nil {
			return nil, err
		}
		if certificate, key := secret["tls.crt"], secret["tls.key"]; len(certificate) > 0 && len(key) > 0 {
			return c.parse(certificate, key)
		}
	}
	return c.own, nil
}

// parse reads a certificate once for each change of it.
func (c *certificates) parse(certificate, key []byte) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pem == nil || !bytes.Equal(c.pem, certificate) || !bytes.Equal(c.key, key) {
		parsed, err := tls.X509KeyPair(certificate, key)
		c.pem, c.key, c.parsed, c.parsedErr = certificate, key, &parsed, err
	}
	if c.parsedErr != nil {
		return nil, fmt.Errorf("reading the API's certificate: %w", c.parsedErr)
	}
	return c.parsed, nil
}

// selfSigned makes a certificate for the names that the API has in a cluster, valid for a year as Argo CD's is.
func selfSigned(namespace string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the API's certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("making the API's certificate: %w", err)
	}
	service := "argocd-server." + namespace
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"Argo CD"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		DNSNames:    []string{"localhost", "argocd-server", service, service + ".svc", service + ".svc.cluster.local"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the API's certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
