package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
)

// shown is the certificate that a client sees.
func shown(t *testing.T, config *tls.Config) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		_ = tls.Server(far, config).HandshakeContext(context.Background()) // the client tells
	}()
	conn := tls.Client(near, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // what is shown is looked at
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return conn.ConnectionState().PeerCertificates[0].Raw
}

func TestCertificatesCountAtOnce(t *testing.T) {
	ctx := t.Context()
	c := fake.NewClientBuilder().Build()
	certificates, err := newCertificates(&live.Source{Reader: c, Namespace: "argocd"}, "argocd")
	if err != nil {
		t.Fatal(err)
	}
	config := certificates.config()
	own := shown(t, config)
	if parsed, err := x509.ParseCertificate(own); err != nil || parsed.VerifyHostname("argocd-server.argocd.svc") != nil || parsed.VerifyHostname("127.0.0.1") != nil {
		t.Fatalf("the self-signed certificate: %v", err)
	}
	put := func(name string) []byte {
		t.Helper()
		made, err := selfSigned("argocd")
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name}, Data: map[string][]byte{
			"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]}),
			"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		}}
		if err := c.Create(ctx, secret); err != nil {
			t.Fatal(err)
		}
		return made.Certificate[0]
	}
	for _, name := range []string{settings.SecretName, serverTLSSecret} {
		if want := put(name); string(shown(t, config)) != string(want) {
			t.Errorf("the certificate of %s isn't shown", name)
		}
	}
}
