package webhook_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairlead.dev/fairlead/internal/event"
)

const (
	githubPull = `{"action":"opened","number":2,"pull_request":{"url":"https://api.github.com/repos/Org/repo/pulls/2"},
		"repository":{"name":"repo","owner":{"login":"Org"},"html_url":"https://github.com/Org/repo","url":"https://api.github.com/repos/Org/repo"}}`
	githubRepository = `{"action":"created","repository":{"name":"repo","owner":{"login":"org"},"html_url":"https://ghe.example:8443/org/repo"}}`
	giteaPull        = `{"action":"synchronized","number":2,"repository":{"name":"app","owner":{"login":"demo"},"html_url":"http://127.0.0.1:3000/demo/app"}}`
	gitlabMerge      = `{"object_kind":"merge_request","event_type":"merge_request","project":{"id":7,"web_url":"https://gitlab.example/a/b/p","path_with_namespace":"a/b/p"},
		"object_attributes":{"action":"open","target_project_id":7}}`
	gitlabProject       = `{"event_name":"project_create","name":"p","path_with_namespace":"a/b/p","project_id":7}`
	bitbucketPull       = `{"pullrequest":{"id":1},"repository":{"full_name":"org/repo","links":{"html":{"href":"https://bitbucket.org/org/repo"}}}}`
	bitbucketServerPull = `{"eventKey":"pr:opened","pullRequest":{"id":1,"fromRef":{"repository":{"slug":"fork","project":{"key":"~ANN"}}},"toRef":{"repository":{"slug":"repo","project":{"key":"PRJ"}}}}}`
	azurePull           = `{"eventType":"git.pullrequest.created","resource":{"pullRequestId":1,"repository":{"name":"repo","remoteUrl":"https://dev.azure.com/org/project/_git/repo","project":{"name":"project"}}}}`
)

func TestListings(t *testing.T) {
	zero := strings.Repeat("0", 40)
	created := func(push string) string { return strings.ReplaceAll(push, "aaa", zero) }
	for _, test := range []struct {
		name    string
		header  map[string]string
		body    string
		secrets map[string]string
		status  int
		want    []event.Listing
	}{
		{name: "GitHub, signed", header: map[string]string{"X-GitHub-Event": "pull_request", "X-Hub-Signature-256": "sha256=" + sign(sha256.New, githubPull, "s")}, body: githubPull,
			secrets: map[string]string{"webhook.github.secret": "s"}, want: []event.Listing{{Host: "github", Site: "github.com", Owner: "Org", Repository: "repo", PullRequests: true}}},
		{name: "GitHub, forged", header: map[string]string{"X-GitHub-Event": "pull_request"}, body: githubPull, secrets: map[string]string{"webhook.github.secret": "s"}, status: 401},
		{name: "GitHub, assigned", header: map[string]string{"X-GitHub-Event": "pull_request"}, body: strings.Replace(githubPull, "opened", "assigned", 1)},
		{name: "GitHub, a repository", header: map[string]string{"X-GitHub-Event": "repository"}, body: githubRepository,
			want: []event.Listing{{Host: "github", Site: "ghe.example", Owner: "org", Repository: "repo"}}},
		{name: "GitHub, a branch", header: map[string]string{"X-GitHub-Event": "push"}, body: created(githubPush),
			want: []event.Listing{{Host: "github", Site: "github.com", Owner: "org", Repository: "repo"}}},
		{name: "GitHub, a tag", header: map[string]string{"X-GitHub-Event": "push"}, body: githubTag},
		{name: "GitHub, without a repository", header: map[string]string{"X-GitHub-Event": "pull_request"}, body: `{"action":"opened"}`, status: 400},
		{name: "Gitea", header: map[string]string{"X-Gitea-Event": "pull_request", "X-GitHub-Event": "pull_request"}, body: giteaPull,
			want: []event.Listing{{Host: "gitea", Site: "127.0.0.1", Owner: "demo", Repository: "app", PullRequests: true}}},
		{name: "GitLab", header: map[string]string{"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Token": "s"}, body: gitlabMerge, secrets: map[string]string{"webhook.gitlab.secret": "s"},
			want: []event.Listing{{Host: "gitlab", Site: "gitlab.example", Owner: "a/b", Repository: "p", ID: "7", PullRequests: true}}},
		{name: "GitLab, forged", header: map[string]string{"X-Gitlab-Event": "Merge Request Hook"}, body: gitlabMerge, secrets: map[string]string{"webhook.gitlab.secret": "s"}, status: 401},
		{name: "GitLab, approved", header: map[string]string{"X-Gitlab-Event": "Merge Request Hook"}, body: strings.Replace(gitlabMerge, `"open"`, `"approved"`, 1)},
		{name: "GitLab's system, a merge request", header: map[string]string{"X-Gitlab-Event": "System Hook"}, body: gitlabMerge,
			want: []event.Listing{{Host: "gitlab", Site: "gitlab.example", Owner: "a/b", Repository: "p", ID: "7", PullRequests: true}}},
		{name: "GitLab's system, a project", header: map[string]string{"X-Gitlab-Event": "System Hook"}, body: gitlabProject,
			want: []event.Listing{{Host: "gitlab", Owner: "a/b", Repository: "p", ID: "7"}}},
		{name: "GitLab's system, a branch", header: map[string]string{"X-Gitlab-Event": "System Hook"}, body: created(gitlabPush),
			want: []event.Listing{{Host: "gitlab", Site: "gitlab.example.com", Owner: "g", Repository: "p"}}},
		{name: "Bitbucket", header: map[string]string{"X-Event-Key": "pullrequest:updated", "X-Hook-UUID": "u"}, body: bitbucketPull,
			want: []event.Listing{{Host: "bitbucket", Site: "bitbucket.org", Owner: "org", Repository: "repo", PullRequests: true}}},
		{name: "Bitbucket, a comment", header: map[string]string{"X-Event-Key": "pullrequest:comment_created", "X-Hook-UUID": "u"}, body: bitbucketPull},
		{name: "Bitbucket, a branch", header: map[string]string{"X-Event-Key": "repo:push", "X-Hook-UUID": "u"}, body: strings.Replace(bitbucketPush, `"old":{"type":"branch","name":"main","target":{"hash":"aaa"}}`, `"old":null`, 1),
			want: []event.Listing{{Host: "bitbucket", Site: "bitbucket.org", Owner: "org", Repository: "repo"}}},
		{name: "Bitbucket Server", header: map[string]string{"X-Event-Key": "pr:opened"}, body: bitbucketServerPull,
			want: []event.Listing{{Host: "bitbucketserver", Owner: "PRJ", Repository: "repo", PullRequests: true}}},
		{name: "Bitbucket Server, a branch", header: map[string]string{"X-Event-Key": "repo:refs_changed"}, body: created(bitbucketServerPush),
			want: []event.Listing{{Host: "bitbucketserver", Site: "bitbucket.example", Owner: "org", Repository: "repo"}}},
		{name: "Azure DevOps", header: map[string]string{"X-Vss-Activityid": "1"}, body: azurePull,
			want: []event.Listing{{Host: "azuredevops", Site: "dev.azure.com", Owner: "project", Repository: "repo", PullRequests: true}}},
		{name: "Azure DevOps, a branch", header: map[string]string{"X-Vss-Activityid": "1"}, body: created(azurePush), want: []event.Listing{
			{Host: "azuredevops", Site: "dev.azure.com", Owner: "project", Repository: "repo"}, {Host: "azuredevops", Site: "ssh.dev.azure.com", Owner: "project", Repository: "repo"}}},
		{name: "Azure DevOps, a comment", header: map[string]string{"X-Vss-Activityid": "1"}, body: `{"eventType":"ms.vss-code.git-pullrequest-comment-event"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			secrets := map[string][]byte{}
			for key, value := range test.secrets {
				secrets[key] = []byte(value)
			}
			if test.status == 0 {
				test.status = 200
			}
			response, got := deliver(t, secrets, test.header, test.body)
			if response.Code != test.status {
				t.Errorf("answered %d %s, want %d", response.Code, response.Body, test.status)
			}
			if diff := cmp.Diff(test.want, got.Listings); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}
