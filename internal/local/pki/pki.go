// Package pki keeps the certificates of a local cluster in a folder: an authority and what it has signed, each made
// once and used again from then on.
//
// It is not a PKI for anything else: keys lie unencrypted in a folder that only the owner may read, and nothing is
// revoked. Start reading at Open.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// validity outlives any machine that a local fleet is kept on; there is no rotation.
const validity = 10 * 365 * 24 * time.Hour

// Authority signs the certificates of one folder.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// Subject is what a certificate is issued to.
type Subject struct {
	// User is the common name: Kubernetes' user name of a client.
	User string
	// Groups are the organisations: Kubernetes' groups of a client.
	Groups []string
	// Hosts are the names and addresses of a server; empty for a pure client.
	Hosts []string
}

// Open loads the authority ca.crt and ca.key of the folder, or makes both.
func Open(dir, name string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating certificate folder: %w", err)
	}
	a := &Authority{dir: dir}
	cert, key, err := a.load("ca")
	if errors.Is(err, os.ErrNotExist) {
		template := &x509.Certificate{
			Subject:               pkix.Name{CommonName: name},
			KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
			BasicConstraintsValid: true,
			IsCA:                  true,
		}
		cert, key, err = a.create("ca", template)
	}
	if err != nil {
		return nil, fmt.Errorf("opening certificate authority in %s: %w", dir, err)
	}
	a.cert, a.key = cert, key
	return a, nil
}

// Issue makes NAME.crt and NAME.key in the folder, unless there are such with the same subject already.
func (a *Authority) Issue(name string, s Subject) error {
	cert, _, err := a.load(name)
	switch {
	case err == nil && fits(cert, s) && cert.CheckSignatureFrom(a.cert) == nil:
		return nil
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("reading certificate %s: %w", name, err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: s.User, Organization: s.Groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, host := range s.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if _, _, err := a.create(name, template); err != nil {
		return fmt.Errorf("issuing certificate %s: %w", name, err)
	}
	return nil
}

// fits reports whether cert was issued to s.
func fits(cert *x509.Certificate, s Subject) bool {
	hosts := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return cert.Subject.CommonName == s.User && sameSet(cert.Subject.Organization, s.Groups) && sameSet(hosts, s.Hosts)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// create signs the template (by itself if there is no authority yet) and writes both files.
func (a *Authority) create(name string, template *x509.Certificate) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, nil, err
	}
	// An hour back: a machine whose clock is set back a little after the first start must still trust its fleet.
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.Add(validity)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	// The key first: a crash in between leaves a key without a certificate, which load reports as not existing.
	if err := writePEM(a.path(name+".key"), "EC PRIVATE KEY", keyDER); err != nil {
		return nil, nil, err
	}
	if err := writePEM(a.path(name+".crt"), "CERTIFICATE", der); err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func (a *Authority) load(name string) (*x509.Certificate, crypto.Signer, error) {
	certDER, err := readPEM(a.path(name + ".crt"))
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := readPEM(a.path(name + ".key"))
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(keyDER)
	return cert, key, err
}

func (a *Authority) path(file string) string { return filepath.Join(a.dir, file) }

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func readPEM(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		// An empty or torn file is what a crash leaves; it is made anew like a missing one.
		return nil, fmt.Errorf("%s holds no PEM block: %w", path, os.ErrNotExist)
	}
	return block.Bytes, nil
}
