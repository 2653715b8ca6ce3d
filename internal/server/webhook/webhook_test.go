package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/server/webhook"
)

const (
	githubPush = `{"ref":"refs/heads/main","before":"aaa","after":"bbb","created":false,"deleted":false,"forced":false,
		"commits":[{"added":["b.go"],"modified":["a.go"],"removed":[]},{"added":[],"modified":["a.go"],"removed":["old.go"]}],
		"repository":{"clone_url":"https://GitHub.com/org/repo.git","ssh_url":"git@github.com:org/repo.git","html_url":"https://github.com/org/repo"}}`
	githubTag = `{"ref":"refs/tags/v1.0","before":"0000","after":"bbb","created":true,"commits":[],
		"repository":{"clone_url":"https://github.com/org/repo.git"}}`
	giteaPush = `{"ref":"refs/heads/main","before":"aaa","after":"bbb","total_commits":12,"commits":[{"modified":["a.go"]}],
		"repository":{"clone_url":"http://127.0.0.1:3000/demo/app.git","html_url":"http://127.0.0.1:3000/demo/app"}}`
	gitlabPush = `{"object_kind":"push","ref":"refs/heads/main","before":"aaa","after":"bbb","total_commits_count":1,
		"commits":[{"added":[],"modified":["a.go"],"removed":[]}],
		"project":{"git_http_url":"https://gitlab.example.com/g/p.git","git_ssh_url":"ssh://git@gitlab.example.com:2222/g/p.git","web_url":"https://gitlab.example.com/g/p"}}`
	registryEvents = `{"events":[
		{"action":"push","target":{"repository":"demo/app","digest":"sha256:layer"},"request":{"host":"127.0.0.1:5000"}},
		{"action":"pull","target":{"repository":"demo/app","tag":"v1"},"request":{"host":"127.0.0.1:5000"}},
		{"action":"push","target":{"repository":"demo/app","tag":"v2","digest":"sha256:m"},"request":{"host":"127.0.0.1:5000"}},
		{"action":"push","target":{"repository":"demo/app","tag":"v3","url":"https://reg.example.com/v2/demo/app/manifests/v3"}}]}`
)

func sign(algorithm func() hash.Hash, body, secret string) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// heard is everything on the bus so far.
type heard struct {
	Pushes   []event.Push
	Images   []event.Image
	Listings []event.Listing
}

func deliver(t *testing.T, secrets map[string][]byte, header map[string]string, body string) (*httptest.ResponseRecorder, heard) {
	t.Helper()
	bus := event.NewBus()
	pushes, cancelPushes := bus.SubscribePush()
	images, cancelImages := bus.SubscribeImage()
	listings, cancelListings := bus.SubscribeListing()
	handler, err := webhook.New(webhook.Options{
		Secrets: func(context.Context) (map[string][]byte, error) { return secrets, nil }, Bus: bus, MaxBytes: 10000,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodPost, "/api/webhook", strings.NewReader(body))
	for key, value := range header {
		request.Header.Set(key, value)
	}
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	cancelPushes()
	cancelImages()
	cancelListings()
	var h heard
	for listing := range listings {
		h.Listings = append(h.Listings, listing)
	}
	for push := range pushes {
		h.Pushes = append(h.Pushes, push)
	}
	for image := range images {
		h.Images = append(h.Images, image)
	}
	return response, h
}

func TestDeliveries(t *testing.T) {
	tests := []struct {
		name    string
		header  map[string]string
		body    string
		secrets map[string]string
		status  int
		answer  string
		want    heard
	}{
		{
			name: "github push", header: map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + sign(sha256.New, githubPush, "s3cret")},
			body: githubPush, secrets: map[string]string{"webhook.github.secret": "s3cret\n"}, status: 200,
			want: heard{Pushes: []event.Push{{Repository: "github.com/org/repo", Ref: "refs/heads/main", Before: "aaa", After: "bbb",
				Files: []string{"a.go", "b.go", "old.go"}}}},
		},
		{
			name: "github push as a form", header: map[string]string{"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"},
			body: url.Values{"payload": {githubTag}}.Encode(), status: 200,
			want: heard{Pushes: []event.Push{{Repository: "github.com/org/repo", Ref: "refs/tags/v1.0", Before: "0000", After: "bbb"}}},
		},
		{
			name: "old github enterprise", header: map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature": "sha1=" + sign(sha1.New, githubTag, "s")},
			body: githubTag, secrets: map[string]string{"webhook.github.secret": "s"}, status: 200,
			want: heard{Pushes: []event.Push{{Repository: "github.com/org/repo", Ref: "refs/tags/v1.0", Before: "0000", After: "bbb"}}},
		},
		{
			name: "github, wrong signature", header: map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + sign(sha256.New, githubPush, "guess")},
			body: githubPush, secrets: map[string]string{"webhook.github.secret": "s3cret"}, status: 401, answer: "isn't signed",
		},
		{
			name: "github, no signature", header: map[string]string{"X-GitHub-Event": "push"},
			body: githubPush, secrets: map[string]string{"webhook.github.secret": "s3cret"}, status: 401, answer: "isn't signed",
		},
		{name: "github ping", header: map[string]string{"X-GitHub-Event": "ping"}, body: `{}`, status: 200, answer: "nothing to do"},
		{
			name: "gitea, whose list of commits is shortened, with gogs' secret",
			header: map[string]string{"X-Gitea-Event": "push", "X-Gogs-Event": "push", "X-GitHub-Event": "push",
				"X-Gitea-Signature": sign(sha256.New, giteaPush, "s")},
			body: giteaPush, secrets: map[string]string{"webhook.gogs.secret": "s", "webhook.github.secret": "other"}, status: 200,
			want: heard{Pushes: []event.Push{{Repository: "127.0.0.1:3000/demo/app", Ref: "refs/heads/main", Before: "aaa", After: "bbb"}}},
		},
		{
			name: "gitlab, by http and ssh", header: map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "s"},
			body: gitlabPush, secrets: map[string]string{"webhook.gitlab.secret": "s"}, status: 200,
			want: heard{Pushes: []event.Push{
				{Repository: "gitlab.example.com/g/p", Ref: "refs/heads/main", Before: "aaa", After: "bbb", Files: []string{"a.go"}},
				{Repository: "gitlab.example.com:2222/g/p", Ref: "refs/heads/main", Before: "aaa", After: "bbb", Files: []string{"a.go"}},
			}},
		},
		{
			name: "gitlab, wrong token", header: map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "x"},
			body: gitlabPush, secrets: map[string]string{"webhook.gitlab.secret": "s"}, status: 401,
		},
		{
			name: "registry", header: map[string]string{"Content-Type": "application/vnd.docker.distribution.events.v1+json; charset=utf-8", "Authorization": "Bearer s"},
			body: registryEvents, secrets: map[string]string{"webhook.registry.secret": "s"}, status: 200,
			want: heard{Images: []event.Image{
				{Repository: "127.0.0.1:5000/demo/app", Tag: "v2", Digest: "sha256:m"}, {Repository: "reg.example.com/demo/app", Tag: "v3"}}},
		},
		{
			name: "registry without its secret", header: map[string]string{"Content-Type": "application/vnd.docker.distribution.events.v1+json", "Authorization": "Basic s"},
			body: registryEvents, secrets: map[string]string{"webhook.registry.secret": "s"}, status: 401,
		},
		{name: "an unknown sender", body: "{}", status: 400, answer: "unknown sender"},
		{name: "not JSON", header: map[string]string{"X-GitHub-Event": "push"}, body: "{", status: 400, answer: "not the JSON"},
		{name: "no repository", header: map[string]string{"X-GitHub-Event": "push"}, body: `{"ref":"refs/heads/x"}`, status: 400, answer: "no repository"},
		{name: "no ref", header: map[string]string{"X-Gitlab-Event": "Push Hook"}, body: `{}`, status: 400, answer: "no ref"},
		{name: "too large", header: map[string]string{"X-GitHub-Event": "push"}, body: strings.Repeat("x", 10001), status: 413, answer: "larger than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			secrets := map[string][]byte{}
			for key, value := range test.secrets {
				secrets[key] = []byte(value)
			}
			response, got := deliver(t, secrets, test.header, test.body)
			if response.Code != test.status || !strings.Contains(response.Body.String(), test.answer) {
				t.Errorf("answered %d %s, want %d %q", response.Code, response.Body, test.status, test.answer)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnreadableSettingsAndOtherMethods(t *testing.T) {
	metrics := prometheus.NewRegistry()
	handler, err := webhook.New(webhook.Options{
		Secrets: func(context.Context) (map[string][]byte, error) { return nil, errors.New("the API server is away") },
		Bus:     event.NewBus(), Metrics: metrics, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodPost, "/api/webhook", strings.NewReader(githubPush))
	request.Header.Set("X-GitHub-Event", "push")
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	if response.Code != 503 || strings.Contains(response.Body.String(), "API server") {
		t.Errorf("answered %d %s", response.Code, response.Body)
	}
	response = httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/api/webhook", nil))
	if response.Code != http.StatusMethodNotAllowed || response.Header().Get("Allow") != "POST" {
		t.Errorf("GET was answered with %d", response.Code)
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			counted[family.GetName()+" "+strings.Join(labels, " ")] = metric.GetCounter().GetValue()
		}
	}
	want := map[string]float64{
		"fairlead_webhook_deliveries_total refused github": 1, "fairlead_webhook_deliveries_total refused unknown": 1}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// FuzzDeliveries looks for payloads that break a parser, or make news of nothing.
func FuzzDeliveries(f *testing.F) {
	senders := []map[string]string{
		{"X-GitHub-Event": "push"}, {"X-Gitea-Event": "push"}, {"X-Gitlab-Event": "Push Hook"}, {"X-Gitlab-Event": "System Hook"},
		{"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"},
		{"Content-Type": "application/vnd.docker.distribution.events.v1+json"},
		{"X-GitHub-Event": "pull_request"}, {"X-Gitea-Event": "repository"}, {"X-Gitlab-Event": "Merge Request Hook"}, {"X-Vss-Activityid": "1"},
		{"X-Event-Key": "pullrequest:created", "X-Hook-UUID": "u"}, {"X-Event-Key": "pr:opened"}, {"X-Event-Key": "repo:refs_changed"},
	}
	for i := range senders {
		for _, body := range []string{githubPush, githubTag, giteaPush, gitlabPush, registryEvents, githubPull, gitlabMerge, bitbucketPull, bitbucketServerPull, azurePull, "null", `{"events":[{}]}`, `{"ref":"refs/"}`, `{"ref":"refs/x","repository":{"html_url":" "}}`} {
			f.Add(i, body)
		}
	}
	bus := event.NewBus()
	pushes, _ := bus.SubscribePush()
	images, _ := bus.SubscribeImage()
	listings, _ := bus.SubscribeListing()
	handler, err := webhook.New(webhook.Options{
		Secrets: func(context.Context) (map[string][]byte, error) { return nil, nil }, Bus: bus, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sender int, body string) {
		request := httptest.NewRequest(http.MethodPost, "/api/webhook", io.NopCloser(strings.NewReader(body)))
		for key, value := range senders[(sender%len(senders)+len(senders))%len(senders)] {
			request.Header.Set(key, value)
		}
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		if response.Code != 200 && response.Code != 400 {
			t.Errorf("answered %d", response.Code)
		}
		for len(pushes) > 0 {
			if push := <-pushes; push.Repository == "" || !strings.HasPrefix(push.Ref, "refs/") {
				t.Errorf("told of %+v", push)
			}
		}
		for len(listings) > 0 {
			if listing := <-listings; listing.Host == "" || listing.Repository == "" && listing.ID == "" {
				t.Errorf("told of %+v", listing)
			}
		}
		for len(images) > 0 {
			if image := <-images; image.Repository == "" || image.Tag == "" {
				t.Errorf("told of %+v", image)
			}
		}
	})
}
