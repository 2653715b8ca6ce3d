package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestAttackDeliveries delivers the addresses of a server in every place that has one, again and again. The hub tells its bus,
// which compares them; it asks nobody.
func TestAttackDeliveries(t *testing.T) {
	victim := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the hub asked %s", r.URL)
	}))
	defer victim.Close()
	u, err := url.Parse(victim.URL)
	if err != nil {
		t.Fatal(err)
	}
	replacer := strings.NewReplacer("https://GitHub.com", victim.URL, "https://github.com", victim.URL, "http://127.0.0.1:3000", victim.URL, "https://gitlab.example.com", victim.URL,
		"127.0.0.1:5000", u.Host, "https://reg.example.com", victim.URL)
	for name, test := range map[string]struct {
		header map[string]string
		body   string
	}{
		"github":   {map[string]string{"X-GitHub-Event": "push"}, githubPush},
		"gitea":    {map[string]string{"X-Gitea-Event": "push"}, giteaPush},
		"gitlab":   {map[string]string{"X-Gitlab-Event": "Push Hook"}, gitlabPush},
		"registry": {map[string]string{"Content-Type": "application/vnd.docker.distribution.events.v1+json"}, registryEvents},
		"pull":     {map[string]string{"X-GitHub-Event": "pull_request"}, githubPull},
		"metadata": {map[string]string{"X-GitHub-Event": "push"}, strings.ReplaceAll(githubPush, "https://github.com", "http://169.254.169.254")},
	} {
		for i := range 3 {
			response, told := deliver(t, nil, test.header, replacer.Replace(test.body))
			if response.Code != http.StatusOK {
				t.Errorf("%s, %d: %d %s", name, i, response.Code, response.Body)
			}
			if name != "metadata" && name != "pull" && !strings.Contains(fmt.Sprintf("%+v", told), u.Host) {
				t.Errorf("%s: told %+v", name, told)
			}
		}
	}
	// A secret of one sender doesn't count for another, and none is said in an answer.
	secrets := map[string][]byte{"webhook.github.secret": []byte("s3cret-of-github"), "webhook.gitlab.secret": []byte("s3cret-of-gitlab")}
	for name, header := range map[string]map[string]string{
		"another's token":      {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "s3cret-of-github"},
		"the secret itself":    {"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=s3cret-of-github"},
		"an empty signature":   {"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256="},
		"of nothing":           {"X-GitHub-Event": "push", "X-Hub-Signature": "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		"two kinds of senders": {"X-GitHub-Event": "push", "X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "s3cret-of-gitlab"},
	} {
		response, told := deliver(t, secrets, header, githubPush)
		if response.Code != http.StatusUnauthorized || len(told.Pushes) > 0 || strings.Contains(response.Body.String(), "s3cret") {
			t.Errorf("%s: %d %s, told %+v", name, response.Code, response.Body, told)
		}
	}
}
