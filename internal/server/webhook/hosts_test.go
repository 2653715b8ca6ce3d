package webhook_test

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/server/webhook"
)

const (
	bitbucketPush = `{"push":{"changes":[
		{"old":{"type":"branch","name":"main","target":{"hash":"aaa"}},"new":{"type":"branch","name":"main","target":{"hash":"bbb"}}},
		{"old":null,"new":{"type":"tag","name":"v1","target":{"hash":"ccc"}}}]},
		"repository":{"full_name":"org/repo","links":{"html":{"href":"https://bitbucket.org/org/repo"}}}}`
	bitbucketServerPush = `{"changes":[{"ref":{"id":"refs/heads/main","displayId":"main"},"fromHash":"aaa","toHash":"bbb","type":"UPDATE"}],
		"repository":{"slug":"repo","links":{"clone":[{"href":"https://bitbucket.example/scm/org/repo.git","name":"http"},{"href":"ssh://git@bitbucket.example:7999/org/repo.git","name":"ssh"}]}}}`
	azurePush = `{"eventType":"git.push","resource":{"refUpdates":[{"name":"refs/heads/main","oldObjectId":"aaa","newObjectId":"bbb"}],
		"repository":{"name":"repo","remoteUrl":"https://dev.azure.com/org/project/_git/repo"}}}`
	dockerHubPush = `{"callback_url":"https://registry.hub.docker.com/u/x","push_data":{"tag":"v2","pusher":"ann"},"repository":{"repo_name":"org/app","name":"app"}}`
	harborPush    = `{"type":"PUSH_ARTIFACT","event_data":{"resources":[{"digest":"sha256:m","tag":"v2","resource_url":"harbor.example/org/app:v2"},{"digest":"sha256:n","tag":"","resource_url":"harbor.example/org/app@sha256:n"}]}}`
	githubPackage = `{"action":"published","package":{"name":"app","package_type":"CONTAINER","package_version":{"package_url":"ghcr.io/org/app:v2",
		"container_metadata":{"tag":{"name":"v2","digest":"sha256:m"}}}}}`
)

// deliverTo sends to an address with a query.
func deliverTo(t testing.TB, query string, secrets map[string][]byte, header map[string]string, body string) (int, heard) {
	t.Helper()
	bus := event.NewBus()
	pushes, cancelPushes := bus.SubscribePush()
	images, cancelImages := bus.SubscribeImage()
	handler, err := webhook.New(webhook.Options{
		Secrets: func(context.Context) (map[string][]byte, error) { return secrets, nil }, Bus: bus, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Config: func(context.Context) (map[string]string, error) {
			return map[string]string{"webhook.maxPayloadSizeMB": "1"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodPost, "/api/webhook"+query, strings.NewReader(body))
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	cancelPushes()
	cancelImages()
	var got heard
	for push := range pushes {
		got.Pushes = append(got.Pushes, push)
	}
	for image := range images {
		got.Images = append(got.Images, image)
	}
	return answer.Code, got
}

func TestMoreHosts(t *testing.T) {
	signed := "sha256=" + sign(newSHA256, bitbucketServerPush, "s3cr3t")
	push := func(repository, ref, before, after string) event.Push {
		return event.Push{Repository: repository, Ref: ref, Before: before, After: after}
	}
	image := event.Image{Repository: "harbor.example/org/app", Tag: "v2", Digest: "sha256:m"}
	for name, c := range map[string]struct {
		query   string
		secrets map[string][]byte
		header  map[string]string
		body    string
		// forged is a header that makes the delivery one of somebody else.
		forged map[string]string
		want   heard
	}{
		"Bitbucket": {
			secrets: map[string][]byte{"webhook.bitbucket.uuid": []byte("{u-1}")},
			header:  map[string]string{"X-Event-Key": "repo:push", "X-Hook-UUID": "{u-1}"}, body: bitbucketPush,
			forged: map[string]string{"X-Hook-UUID": "{u-2}"},
			want:   heard{Pushes: []event.Push{push("bitbucket.org/org/repo", "refs/heads/main", "aaa", "bbb"), push("bitbucket.org/org/repo", "refs/tags/v1", "", "ccc")}},
		},
		"Bitbucket Server": {
			secrets: map[string][]byte{"webhook.bitbucketserver.secret": []byte("s3cr3t")},
			header:  map[string]string{"X-Event-Key": "repo:refs_changed", "X-Hub-Signature": signed}, body: bitbucketServerPush,
			forged: map[string]string{"X-Hub-Signature": "sha256=00"},
			want: heard{Pushes: []event.Push{
				push("bitbucket.example/scm/org/repo", "refs/heads/main", "aaa", "bbb"), push("bitbucket.example:7999/org/repo", "refs/heads/main", "aaa", "bbb"),
			}},
		},
		"Azure DevOps": {
			secrets: map[string][]byte{"webhook.azuredevops.username": []byte("ann"), "webhook.azuredevops.password": []byte("s3cr3t")},
			header:  map[string]string{"X-Vss-Activityid": "1", "Authorization": "Basic YW5uOnMzY3IzdA=="}, body: azurePush,
			forged: map[string]string{"Authorization": "Basic YW5uOndyMG5n"},
			want: heard{Pushes: []event.Push{
				push("dev.azure.com/org/project/_git/repo", "refs/heads/main", "aaa", "bbb"), push("ssh.dev.azure.com/v3/org/project/repo", "refs/heads/main", "aaa", "bbb"),
			}},
		},
		"Docker Hub": {
			query: "?type=docker.hub&secret=s3cr3t", secrets: map[string][]byte{"webhook.registry.secret": []byte("s3cr3t")}, body: dockerHubPush,
			want: heard{Images: []event.Image{{Repository: "docker.io/org/app", Tag: "v2"}}},
		},
		"Harbor": {
			query: "?type=harbor", secrets: map[string][]byte{"webhook.harbor.secret": []byte("s3cr3t")},
			header: map[string]string{"Authorization": "s3cr3t"}, body: harborPush, forged: map[string]string{"Authorization": "wr0ng"},
			want: heard{Images: []event.Image{image}},
		},
		"ghcr.io": {
			secrets: map[string][]byte{"webhook.github.secret": []byte("s3cr3t")},
			header:  map[string]string{"X-GitHub-Event": "package", "X-Hub-Signature-256": "sha256=" + sign(newSHA256, githubPackage, "s3cr3t")}, body: githubPackage,
			forged: map[string]string{"X-Hub-Signature-256": "sha256=00"},
			want:   heard{Images: []event.Image{{Repository: "ghcr.io/org/app", Tag: "v2", Digest: "sha256:m"}}},
		},
	} {
		code, got := deliverTo(t, c.query, c.secrets, c.header, c.body)
		if d := cmp.Diff(c.want, got); code != http.StatusOK || d != "" {
			t.Errorf("%s: %d %s", name, code, d)
		}
		if code, got := deliverTo(t, strings.Replace(c.query, "s3cr3t", "wr0ng", 1), c.secrets, merged(c.header, c.forged), c.body); code != http.StatusUnauthorized && (c.forged != nil || c.query != "") || len(got.Pushes)+len(got.Images) > 0 {
			t.Errorf("%s, forged: %d %+v", name, code, got)
		}
		if code, got := deliverTo(t, c.query, c.secrets, c.header, "{"); code == http.StatusOK || len(got.Pushes)+len(got.Images) > 0 {
			t.Errorf("%s, half a delivery: %d %+v", name, code, got)
		}
	}
}

func merged(a, b map[string]string) map[string]string {
	all := map[string]string{}
	for name, value := range a {
		all[name] = value
	}
	for name, value := range b {
		all[name] = value
	}
	return all
}

func TestPings(t *testing.T) {
	for name, header := range map[string]map[string]string{
		"GitHub":           {"X-GitHub-Event": "ping"},
		"Bitbucket Server": {"X-Event-Key": "diagnostics:ping"},
		"Gitea":            {"X-Gitea-Event": "ping"},
	} {
		secrets := map[string][]byte{"webhook.bitbucketserver.secret": []byte("s")}
		if code, _ := deliverTo(t, "", secrets, header, `{"zen":"x"}`); code != http.StatusOK {
			t.Errorf("%s: a ping is answered with %d", name, code)
		}
	}
	if code, _ := deliverTo(t, "", nil, map[string]string{"X-GitHub-Event": "ping"}, strings.Repeat(" ", 2<<20)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("two megabytes where one is allowed: %d", code)
	}
}

func FuzzBodies(f *testing.F) {
	for _, body := range []string{githubPush, giteaPush, gitlabPush, registryEvents, bitbucketPush, bitbucketServerPush, azurePush, dockerHubPush, harborPush, githubPackage} {
		f.Add(body)
	}
	kinds := []map[string]string{
		{"X-GitHub-Event": "push"}, {"X-GitHub-Event": "package"}, {"X-Gitea-Event": "push"}, {"X-Gitlab-Event": "Push Hook"},
		{"X-Event-Key": "repo:push", "X-Hook-UUID": "u"}, {"X-Event-Key": "repo:refs_changed"}, {"X-Vss-Activityid": "1"},
		{"Content-Type": "application/vnd.docker.distribution.events.v1+json"},
	}
	f.Fuzz(func(t *testing.T, body string) {
		check := func(got heard) {
			for _, push := range got.Pushes {
				if push.Repository == "" || !strings.HasPrefix(push.Ref, "refs/") {
					t.Errorf("push %+v", push)
				}
			}
			for _, image := range got.Images {
				if image.Tag == "" || !strings.Contains(image.Repository, "/") {
					t.Errorf("image %+v", image)
				}
			}
		}
		for _, header := range kinds {
			_, got := deliverTo(t, "", nil, header, body)
			check(got)
		}
		for _, query := range []string{"?type=docker.hub", "?type=harbor"} {
			_, got := deliverTo(t, query, nil, nil, body)
			check(got)
		}
	})
}

func newSHA256() hash.Hash { return sha256.New() }
