package web

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestClient(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, test := range []struct {
		name string
		how  Connection
		want string
	}{
		{"unknown CA", Connection{}, "certificate"},
		{"its CA", Connection{CA: ca}, ""},
		{"insecure", Connection{Insecure: true}, ""},
		{"no CA in PEM", Connection{CA: "x"}, "hold none"},
		{"no key", Connection{Certificate: ca}, "don't fit"},
		{"a proxy that is away", Connection{CA: ca, Proxy: "http://127.0.0.1:1"}, "proxyconnect"},
		{"past the proxy", Connection{CA: ca, Proxy: "http://127.0.0.1:1", NoProxy: "127.0.0.1"}, ""},
	} {
		address := server.URL
		if test.how.Proxy != "" && test.how.NoProxy == "" { // local addresses never go through a proxy
			address = "https://example.com"
		}
		var clients Clients
		client, err := clients.Client(test.how)
		if err == nil {
			var response *http.Response
			if response, err = client.Get(address); err == nil {
				response.Body.Close()
			}
		}
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want %q", test.name, err, test.want)
		}
	}
}

func TestClientsAreSharedAndBounded(t *testing.T) {
	var clients Clients
	first, _ := clients.Client(Connection{Insecure: true})
	if again, _ := clients.Client(Connection{Insecure: true}); again != first {
		t.Error("the same connections have two clients")
	}
	for i := range 2 * most {
		if _, err := clients.Client(Connection{NoProxy: strings.Repeat("x", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(clients.clients) > most {
		t.Errorf("%d clients are kept", len(clients.clients))
	}
}

func TestPlainError(t *testing.T) {
	err := PlainError(context.Background(), &url.Error{Op: "Get", URL: "https://ann:s3cret@host", Err: errors.New("no route")})
	if err.Error() != "no route" {
		t.Errorf("error is %v", err)
	}
}
