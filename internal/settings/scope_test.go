package settings

import (
	"testing"
	"time"
)

func TestProjectScopedRepositories(t *testing.T) {
	repositories := []Repository{
		{URL: "https://git.example/shared.git", Project: "a", Username: "a"},
		{URL: "https://git.example/shared.git", Username: "everybody"},
		{URL: "https://git.example/shared.git", Project: "b", Username: "b"},
		{URL: "https://git.example/private.git", Project: "a", Username: "a"},
		{URL: "https://git.example/bare.git", Project: "a"},
	}
	templates := []Repository{
		{URL: "https://git.example", Username: "template"}, {URL: "https://git.exam", Username: "wicked"},
		{URL: "git@ssh.example:team", SSHPrivateKey: "key"}, {URL: "https://git.example/bare", Project: "b", Username: "b's", Insecure: true},
	}
	for _, c := range []struct{ url, project, user, scope string }{
		{"https://git.example/shared", "a", "a", "a"},
		{"https://git.example/shared", "b", "b", "b"},
		{"https://git.example/shared", "c", "everybody", ""},
		{"https://git.example/shared", "", "everybody", ""},
		{"https://git.example/private", "a", "a", "a"},
		{"https://git.example/private", "b", "template", ""},
		{"https://git.example/bare", "a", "template", "a"},
		{"https://git.example/bare", "b", "b's", "b"},
		{"https://git.example.org/x", "a", "", ""},
	} {
		got := NewCatalog(repositories, templates).Find(c.url, c.project)
		if got.Username != c.user || got.Project != c.scope || got.URL != c.url {
			t.Errorf("%s in project %q: user %q of %q, want %q of %q", c.url, c.project, got.Username, got.Project, c.user, c.scope)
		}
	}
	if got := NewCatalog(repositories, templates).Find("ssh://git@ssh.example/team/app.git", "a"); got.SSHPrivateKey != "key" {
		t.Error("a template in the scp-like form doesn't fit the URL form")
	}
}

func TestPolling(t *testing.T) {
	standard := Polling{Interval: 2 * time.Minute, Jitter: time.Minute}
	for _, c := range []struct {
		interval, jitter string
		want             Polling
		bad              bool
	}{
		{"", "", standard, false},
		{"180s", "0", Polling{Interval: 3 * time.Minute}, false},
		{"0", "", Polling{Jitter: time.Minute}, false},
		{"180", "30s", Polling{Interval: 2 * time.Minute, Jitter: 30 * time.Second}, true},
		{"-1s", "", standard, true},
	} {
		got, err := PollingFrom(map[string]string{"timeout.reconciliation": c.interval, "timeout.reconciliation.jitter": c.jitter}, standard)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%q and %q: %+v (%v), want %+v", c.interval, c.jitter, got, err, c.want)
		}
	}
}
