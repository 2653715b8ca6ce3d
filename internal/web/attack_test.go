package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// TestAttackMetadataAddresses names the addresses of a cloud's metadata in every form, and has a server redirect to one.
func TestAttackMetadataAddresses(t *testing.T) {
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/iam", http.StatusFound)
	}))
	defer redirecting.Close()
	var clients Clients
	client, err := clients.Client(Connection{})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"http://169.254.169.254/", "http://169.254.170.2/v2/credentials", "http://[::ffff:169.254.169.254]/", "http://[fe80::1]/", "http://[fd00:ec2::254]/",
		redirecting.URL,
	} {
		response, err := client.Get(address)
		if err == nil {
			response.Body.Close()
		}
		if !errors.Is(err, ErrLinkLocal) {
			t.Errorf("%s: error is %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1", "10.0.0.1", "192.168.1.1", "fd00::1", "2001:db8::1"} {
		if Refused(netip.MustParseAddr(address)) {
			t.Errorf("%s is refused", address)
		}
	}
}

// TestAttackRedirectInTheClear: a redirect doesn't take credentials from https to http.
func TestAttackRedirectInTheClear(t *testing.T) {
	var heard []string
	clear := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		heard = append(heard, r.Header.Get("Authorization"))
	}))
	defer clear.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/round") {
			http.Redirect(w, r, "/round"+r.URL.Path, http.StatusFound)
			return
		}
		http.Redirect(w, r, clear.URL, http.StatusFound)
	}))
	defer secure.Close()
	var clients Clients
	client, err := clients.Client(Connection{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "from https to another scheme", "/round": fmt.Sprintf("more than %d redirects", maxRedirects)} {
		request, err := http.NewRequest(http.MethodGet, secure.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("ann", "s3cret")
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error is %v", path, err)
		}
	}
	if len(heard) > 0 {
		t.Errorf("in the clear came %q", heard)
	}
}
