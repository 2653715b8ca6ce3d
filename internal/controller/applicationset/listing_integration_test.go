//go:build integration

package applicationset

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// TestPullRequestsAreSeenAtOnce: those of a host, half an hour before it would be asked again; and a host that fails deletes nothing.
func TestPullRequestsAreSeenAtOnce(t *testing.T) {
	h := newHub(t)
	var answer atomic.Value
	var asked atomic.Int32
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.RequestURI != "/api/v3/repos/org/repo/pulls?per_page=100" {
			t.Errorf("asked for %s", r.RequestURI)
		}
		body := answer.Load().(string)
		if !strings.HasPrefix(body, "[") {
			w.WriteHeader(http.StatusBadGateway)
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(host.Close)
	told := func(body string) {
		answer.Store(body)
		h.bus.PublishListing(event.Listing{Host: "github", Site: "127.0.0.1", Owner: "Org", Repository: "repo", PullRequests: true})
	}
	pull := func(number int) string {
		return fmt.Sprintf(`{"number":%d,"title":"t","head":{"ref":"b_%d","sha":"0123456789abcdef"},"base":{"ref":"main"},"labels":[{"name":"preview"}],"user":{"login":"ann"}}`, number, number)
	}
	told("[" + pull(1) + "]")
	h.set("s", `
goTemplate: true
generators: [{pullRequest: {github: {owner: org, repo: repo, api: "`+host.URL+`", labels: [preview]}}}]
template:
  metadata: {name: 'pr-{{.number}}', labels: {is: '{{index .labels 0}}', branch: '{{.branch_slug}}'}}
  spec: {project: default, source: {repoURL: https://git.example/apps, path: a, targetRevision: '{{.head_short_sha}}'}, destination: {server: https://kubernetes.default.svc, namespace: n}}
`)
	h.untilNames("[pr-1]")
	if app := h.app("pr-1"); app.Labels["is"] != "preview" || app.Labels["branch"] != "b-1" || app.Spec.Source.TargetRevision != "01234567" {
		t.Errorf("the application is %+v", app)
	}
	h.untilHealth("s", v1alpha1.HealthStatusHealthy, "")
	told("[" + pull(1) + "," + pull(2) + "]")
	h.untilNames("[pr-1 pr-2]")
	for _, broken := range []string{"<html>Bad Gateway</html>", "[{}]", "[null,"} {
		told(broken)
		h.untilHealth("s", v1alpha1.HealthStatusDegraded, "error listing repos")
		if names := h.names(); names != "[pr-1 pr-2]" {
			t.Fatalf("%s leaves %s", broken, names)
		}
		told("[" + pull(1) + "," + pull(2) + "]")
		h.untilHealth("s", v1alpha1.HealthStatusHealthy, "")
	}
	told("[" + pull(2) + "]")
	h.untilNames("[pr-2]")
	// A change that the host has no part in doesn't ask it.
	before := asked.Load()
	h.editApp("pr-2", func(app *v1alpha1.Application) { app.Spec.Source.Path = "b" })
	h.until("the change is taken back", func(ctx context.Context) bool { app := h.app("pr-2"); return app != nil && app.Spec.Source.Path == "a" })
	if after := asked.Load(); after != before {
		t.Errorf("the host was asked %d times more", after-before)
	}
}
