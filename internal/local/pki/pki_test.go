package pki

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func issue(t *testing.T, dir string, s Subject) *x509.Certificate {
	t.Helper()
	a, err := Open(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Issue("server", s); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestACertificateIsMadeOnceAndTrusted(t *testing.T) {
	dir := t.TempDir()
	subject := Subject{User: "kubelet", Groups: []string{"system:nodes"}, Hosts: []string{"localhost", "10.1.2.3"}}
	first := issue(t, dir, subject)
	if first.Subject.CommonName != "kubelet" || !slices.Equal(first.Subject.Organization, subject.Groups) {
		t.Errorf("issued to %v", first.Subject)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	for _, host := range subject.Hosts {
		if _, err := first.Verify(x509.VerifyOptions{Roots: pool, DNSName: host}); err != nil {
			t.Errorf("for %s: %v", host, err)
		}
	}
	if again := issue(t, dir, subject); again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("the same certificate was made twice")
	}
	for _, file := range []string{"ca.key", "server.key"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

func TestACertificateIsMadeAnewWhenItNoLongerFits(t *testing.T) {
	subject := Subject{User: "server", Hosts: []string{"10.1.2.3"}}
	for name, change := range map[string]func(dir string, s *Subject) error{
		"another host":    func(_ string, s *Subject) error { s.Hosts = []string{"10.1.2.4"}; return nil },
		"another group":   func(_ string, s *Subject) error { s.Groups = []string{"admins"}; return nil },
		"a lost key":      func(dir string, _ *Subject) error { return os.Remove(filepath.Join(dir, "server.key")) },
		"a torn file":     func(dir string, _ *Subject) error { return os.Truncate(filepath.Join(dir, "server.crt"), 10) },
		"a new authority": func(dir string, _ *Subject) error { return os.Remove(filepath.Join(dir, "ca.crt")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := t.TempDir(), subject
			before := issue(t, dir, s)
			if err := change(dir, &s); err != nil {
				t.Fatal(err)
			}
			if after := issue(t, dir, s); after.SerialNumber.Cmp(before.SerialNumber) == 0 {
				t.Error("the old certificate is still there")
			}
		})
	}
}
