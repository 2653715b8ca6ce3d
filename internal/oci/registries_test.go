package oci

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairlead.dev/fairlead/internal/imagepolicy"
)

const registriesConf = `
registries:
- name: Docker Hub
  api_url: https://registry-1.docker.io
  ping: yes
  credentials: secret:argocd/hub#creds
  defaultns: library
- name: Local
  prefix: registry.local:5000
  api_url: http://127.0.0.1:5000
  insecure: yes
  limit: 20
`

func TestParseRegistries(t *testing.T) {
	registries, err := ParseRegistries(registriesConf)
	if err != nil {
		t.Fatal(err)
	}
	want := Registries{
		{Name: "Docker Hub", APIURL: "https://registry-1.docker.io", DefaultNamespace: "library",
			Credentials: imagepolicy.SecretRef{Kind: "secret", Namespace: "argocd", Name: "hub", Field: "creds"}},
		{Name: "Local", Prefix: "registry.local:5000", APIURL: "http://127.0.0.1:5000", Insecure: true, Limit: 20},
	}
	if diff := cmp.Diff(want, registries); diff != "" {
		t.Error(diff)
	}
	for repository, want := range map[string][2]string{
		"nginx":                     {"Docker Hub", "docker.io/library/nginx"},
		"docker.io/a/b":             {"Docker Hub", "docker.io/a/b"},
		"registry.local:5000/a/b/c": {"Local", "registry.local:5000/a/b/c"},
		"ghcr.io/a/b":               {"", "ghcr.io/a/b"},
	} {
		if registry, full := registries.For(repository); registry.Name != want[0] || full != want[1] {
			t.Errorf("For(%q) = %q, %q; want %v", repository, registry.Name, full, want)
		}
	}
	withDefault := Registries{{Name: "Mine", Prefix: "mine.example", DefaultNamespace: "apps", Default: true}}
	if registry, full := withDefault.For("web"); registry.Name != "Mine" || full != "mine.example/apps/web" {
		t.Errorf("the default registry: got %q, %q", registry.Name, full)
	}
	for _, bad := range []string{"registries: 1", "registries: [{name: x, api_url: 'ftp://x'}]", "registries: [{name: x, credentials: nothing}]"} {
		if _, err := ParseRegistries(bad); err == nil || !strings.Contains(err.Error(), "registries.conf") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func TestDockerCredentials(t *testing.T) {
	auth := base64.StdEncoding.EncodeToString([]byte("ann:se:cret"))
	config := []byte(`{"auths": {"https://index.docker.io/v1/": {"auth": "` + auth + `"}, "ghcr.io": {"username": "bob", "password": "pw"}, "bad.example": {"auth": "???"}}}`)
	for repository, want := range map[string]Credentials{
		"docker.io/library/nginx": {"ann", "se:cret"},
		"ghcr.io/a/b":             {"bob", "pw"},
	} {
		if got, err := DockerCredentials(config, repository); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", repository, got, err)
		}
	}
	for _, repository := range []string{"quay.io/a/b", "bad.example/a/b"} {
		if _, err := DockerCredentials(config, repository); err == nil || !strings.Contains(err.Error(), "pull secret") {
			t.Errorf("%s: got %v", repository, err)
		}
	}
	if _, err := DockerCredentials([]byte("s3cret"), "ghcr.io/a/b"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("what is no dockerconfigjson: got %v", err)
	}
}

func FuzzParseRegistries(f *testing.F) {
	f.Add(registriesConf, "nginx")
	f.Fuzz(func(t *testing.T, text, repository string) {
		registries, err := ParseRegistries(text)
		if err != nil {
			return
		}
		registries.For(repository)
	})
}
