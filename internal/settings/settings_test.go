package settings

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func secret(data map[string]string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{}}
	for key, value := range data {
		s.Data[key] = []byte(value)
	}
	return s
}

func TestRepositoryFromSecret(t *testing.T) {
	got, err := RepositoryFromSecret(secret(map[string]string{
		"url": "https://git.example/team/deploy.git", "username": "u", "password": "p\n", "insecure": "true",
		"githubAppID": "12",
	}))
	want := Repository{URL: "https://git.example/team/deploy.git", Username: "u", Password: "p", Insecure: true, GitHubAppID: 12}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, data := range map[string]map[string]string{
		"no url":       {"username": "u"},
		"a bad switch": {"url": "https://x", "insecure": "hunter2"},
		"a bad number": {"url": "https://x", "githubAppID": "hunter2"},
	} {
		if _, err := RepositoryFromSecret(secret(data)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestFindRepository(t *testing.T) {
	repositories := []Repository{
		{URL: "https://git.example/own.git", Username: "own"},
		{URL: "https://git.example/team/plain", Insecure: true},
	}
	templates := []Repository{
		{URL: "https://git.example/", Username: "all"},
		{URL: "https://git.example/team/", Username: "team"},
	}
	for url, want := range map[string]string{
		"https://git.example/own":        "own",
		"https://GIT.example/own.git/":   "own",
		"https://git.example/team/plain": "team",
		"https://git.example/other":      "all",
		"https://elsewhere.example/x":    "",
	} {
		got := NewCatalog(repositories, templates).Find(url, "")
		if got.Username != want || got.URL != url {
			t.Errorf("%s: user %q with URL %s, want %q", url, got.Username, got.URL, want)
		}
	}
	if !NewCatalog(repositories, templates).Find("https://git.example/team/plain", "").Insecure {
		t.Error("the repository's own switch was lost with the template's credentials")
	}
}

func TestClusterFromSecret(t *testing.T) {
	got, err := ClusterFromSecret(secret(map[string]string{
		"name": "dev", "server": "https://10.0.0.1:6443/", "namespaces": "a, b",
		"config": `{"bearerToken":"t","tlsClientConfig":{"insecure":false,"caData":"Y2E="}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got.Namespaces); diff != "" || got.Server != "https://10.0.0.1:6443" {
		t.Error(got, diff)
	}
	config, err := got.RESTConfig()
	if err != nil || string(config.CAData) != "ca" || config.BearerToken != "t" {
		t.Errorf("%v, %v", config, err)
	}
	_, err = ClusterFromSecret(secret(map[string]string{"server": "https://x", "config": `{"bearerToken":hunter2}`}))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}
