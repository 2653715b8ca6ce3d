package settings

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"fairlead.dev/fairlead/internal/event"
)

// Repository is a Git repository, Helm repository or OCI registry with what is needed to reach it. The zero value of a
// field means "not given". Never log one: use URL.
type Repository struct {
	URL string
	// Type is "git" (also when empty), "helm" or "oci".
	Type    string
	Name    string
	Project string

	Username, Password string
	BearerToken        string
	SSHPrivateKey      string
	// TLSClientCertData and TLSClientCertKey are PEM.
	TLSClientCertData, TLSClientCertKey  string
	GitHubAppID, GitHubAppInstallationID int64
	GitHubAppPrivateKey                  string
	GitHubAppEnterpriseBaseURL           string

	Proxy, NoProxy string
	// Insecure skips the check of certificates and host keys.
	Insecure bool
	// InsecureOCIForceHTTP speaks plain HTTP to an OCI registry.
	InsecureOCIForceHTTP bool
	EnableLFS            bool
	EnableOCI            bool
	ForceHTTPBasicAuth   bool
}

// HasCredentials tells whether the repository brings its own credentials.
func (r Repository) HasCredentials() bool {
	return r.Username != "" || r.Password != "" || r.BearerToken != "" || r.SSHPrivateKey != "" ||
		r.TLSClientCertData != "" || r.GitHubAppPrivateKey != ""
}

// RepositoryFromSecret reads a Secret of type repository or repo-creds. A Secret without a url, or with a switch or
// number that can't be read, is an error that names the Secret and the key, never the value.
func RepositoryFromSecret(secret *corev1.Secret) (Repository, error) {
	d := secretData{secret: secret}
	r := Repository{
		URL: d.text("url"), Type: d.text("type"), Name: d.text("name"), Project: d.text("project"),
		Username: d.text("username"), Password: d.text("password"), BearerToken: d.text("bearerToken"),
		SSHPrivateKey:     d.text("sshPrivateKey"),
		TLSClientCertData: d.text("tlsClientCertData"), TLSClientCertKey: d.text("tlsClientCertKey"),
		GitHubAppID: d.number("githubAppID"), GitHubAppInstallationID: d.number("githubAppInstallationID"),
		GitHubAppPrivateKey:        d.text("githubAppPrivateKey"),
		GitHubAppEnterpriseBaseURL: d.text("githubAppEnterpriseBaseUrl"),
		Proxy:                      d.text("proxy"), NoProxy: d.text("noProxy"),
		Insecure:             d.flag("insecure") || d.flag("insecureIgnoreHostKey"),
		InsecureOCIForceHTTP: d.flag("insecureOCIForceHttp"),
		EnableLFS:            d.flag("enableLfs"), EnableOCI: d.flag("enableOCI"),
		ForceHTTPBasicAuth: d.flag("forceHttpBasicAuth"),
	}
	if d.err == nil && r.URL == "" {
		d.err = fmt.Errorf("reading secret %s: it has no url", secret.Name)
	}
	return r, d.err
}

// Inherit fills in the credentials and connection options of a template (repo-creds) where r has no credentials of its
// own.
func (r Repository) Inherit(template Repository) Repository {
	if r.HasCredentials() {
		return r
	}
	inherited := template
	inherited.URL, inherited.Name = r.URL, r.Name
	if r.Project != "" {
		inherited.Project = r.Project
	}
	if r.Type != "" {
		inherited.Type = r.Type
	}
	if r.Proxy != "" {
		inherited.Proxy, inherited.NoProxy = r.Proxy, r.NoProxy
	}
	inherited.Insecure = r.Insecure || template.Insecure
	inherited.EnableLFS = r.EnableLFS || template.EnableLFS
	inherited.EnableOCI = r.EnableOCI || template.EnableOCI
	inherited.InsecureOCIForceHTTP = r.InsecureOCIForceHTTP || template.InsecureOCIForceHTTP
	inherited.ForceHTTPBasicAuth = r.ForceHTTPBasicAuth || template.ForceHTTPBasicAuth
	return inherited
}

// SameURL tells whether two addresses are of the same repository, by Argo CD's rules (event.CanonicalURL).
func SameURL(a, b string) bool { return event.CanonicalURL(a) == event.CanonicalURL(b) }

// prefixForm is how URLs are compared with those of templates: in lower case, without ".git", and with a slash after the
// host, so that a template for one host doesn't fit another whose name only begins alike.
func prefixForm(url string) string {
	url = strings.ToLower(strings.TrimSpace(url))
	if !strings.Contains(url, "://") {
		if host, path, ok := strings.Cut(url, ":"); ok && !strings.Contains(host, "/") {
			url = "ssh://" + host + "/" + path
		}
	}
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		scheme, rest = "", url
	}
	if !strings.Contains(rest, "/") {
		rest += "/"
	}
	return scheme + "://" + strings.TrimSuffix(rest, ".git")
}

// secretData reads typed values of a Secret and keeps the first error.
type secretData struct {
	secret *corev1.Secret
	err    error
}

func (d *secretData) text(key string) string { return strings.TrimSpace(string(d.secret.Data[key])) }

func (d *secretData) flag(key string) bool {
	return parse(d, key, strconv.ParseBool)
}

func (d *secretData) number(key string) int64 {
	return parse(d, key, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
}

func parse[T any](d *secretData, key string, parser func(string) (T, error)) T {
	var zero T
	text := d.text(key)
	if text == "" {
		return zero
	}
	value, err := parser(text)
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("reading secret %s: key %s is not a valid %T", d.secret.Name, key, zero)
	}
	return value
}
