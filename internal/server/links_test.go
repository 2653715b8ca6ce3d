package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

func TestDeepLinks(t *testing.T) {
	h := newHub(t)
	h.configure(settings.ConfigMapName, map[string]string{
		"url": "https://fairlead.example",
		"application.links": `[{title: grafana, url: "https://grafana/{{.app.metadata.name}}/{{.cluster.name}}", description: charts, icon.class: fa-chart, if: 'app.spec.project == "shop"'},
			{title: never, url: x, if: 'app.spec.project == "other"'}, {title: home, url: "{{.managedByURL}}"}, {title: project, url: "{{.project}}"}]`,
		"resource.links": `[{title: secret, url: "{{.resource.kind}}/{{.resource.metadata.name}}/{{.project.metadata.name}}{{.cluster.config}}"}]`,
		"project.links":  `[{title: repos, url: "{{index .project.spec.sourceRepos 0}}"}]`,
	})
	shown := func(links *protocol.LinksResponse, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, link := range links.Items {
			all = append(all, link.Title+"="+link.URL)
		}
		return strings.Join(all, " ")
	}
	developer, stranger := h.as("developer"), h.as("stranger")
	links, err := hubclient.Call(ctx, developer, protocol.ApplicationLinks, &protocol.ListAppLinksRequest{Name: "production"})
	if got := shown(links, err); got != "grafana=https://grafana/production/prod home=https://fairlead.example project=<no value>" {
		t.Errorf("of an application: %s", got)
	}
	if *links.Items[0].Description != "charts" || *links.Items[0].IconClass != "fa-chart" || links.Items[1].Description != nil {
		t.Errorf("of an application: %+v", links.Items[0])
	}
	object := protocol.ApplicationResourceRequest{Name: "production", Namespace: "shop-prod", ResourceName: "web", Version: "v1alpha1", Group: "argoproj.io", Kind: "Rollout"}
	links, err = hubclient.Call(ctx, developer, protocol.ApplicationObjectLinks, &object)
	if got := shown(links, err); got != "secret=Rollout/web/shop<no value>" {
		t.Errorf("of an object: %s", got)
	}
	links, err = hubclient.Call(ctx, h.as("admin"), protocol.ProjectLinks, &protocol.ListProjectLinksRequest{Name: "shop"})
	if got := shown(links, err); got != "repos=https://git.example/*" {
		t.Errorf("of a project: %s", got)
	}
	_, err = hubclient.Call(ctx, stranger, protocol.ApplicationLinks, &protocol.ListAppLinksRequest{Name: "production"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	_, err = hubclient.Call(ctx, stranger, protocol.ProjectLinks, &protocol.ListProjectLinksRequest{Name: "shop"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	object.ResourceName = "another"
	_, err = hubclient.Call(ctx, developer, protocol.ApplicationObjectLinks, &object)
	wantCode(t, err, connect.CodeInvalidArgument, "not found as part of application production")
	if status, answer := h.rest("developer", http.MethodGet, "/api/v1/applications/production/links", ""); status != http.StatusOK || !strings.Contains(answer, `"title":"grafana"`) {
		t.Errorf("over REST: %d %s", status, answer)
	}
}

func TestBadges(t *testing.T) {
	h := newHub(t)
	badge := func(query string) string {
		t.Helper()
		status, answer := h.rest("", http.MethodGet, "/api/badge?"+query, "")
		if status != http.StatusOK {
			t.Fatalf("%s: %d", query, status)
		}
		return answer
	}
	production := h.application("production")
	production.Status.Health.Status, production.Status.Sync.Status = argo.HealthStatusHealthy, argo.SyncStatusCodeOutOfSync
	production.Status.OperationState = &argo.OperationState{SyncResult: &argo.SyncOperationResult{Revision: "0123456789abcdef"}}
	h.update(production)
	if got := badge("name=production"); strings.Contains(got, "OutOfSync") || !strings.Contains(got, ">Unknown<") {
		t.Errorf("badges are off, and one tells: %s", got)
	}
	h.configure(settings.ConfigMapName, map[string]string{"statusbadge.enabled": "true"})
	for query, want := range map[string][]string{
		"name=production":                                     {">Healthy<", ">OutOfSync<", `width="131"`},
		"name=production&revision=true":                       {"(0123456)", `width="192"`},
		"name=production&revision=true&keepFullRevision=true": {"(0123456789abcdef)"},
		"name=production&showAppName=true":                    {">production<", `height="40"`},
		"name=production&width=500":                           {`<svg width="500"`},
		"name=nothing":                                        {">Not Found<"},
		"name=production&namespace=elsewhere":                 {">Not Found<"},
		"project=shop":                                        {">Degraded<", ">OutOfSync<"},
		"project=none":                                        {">Unknown<"},
	} {
		got := badge(query)
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s: there is no %s in %s", query, text, got)
			}
		}
	}
	for _, query := range []string{"name=../x", "name=%3Cscript%3E", "project=a/b", "namespace=A%20B"} {
		if status, _ := h.rest("", http.MethodGet, "/api/badge?"+query, ""); status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, status)
		}
	}
}

func TestSwagger(t *testing.T) {
	h := newHub(t)
	status, answer := h.rest("", http.MethodGet, "/swagger.json", "")
	var document struct {
		Paths       map[string]map[string]any
		Definitions map[string]any
	}
	if err := json.Unmarshal([]byte(answer), &document); status != http.StatusOK || err != nil {
		t.Fatalf("%d, %v", status, err)
	}
	for _, path := range []string{"/api/v1/applications/{name}", "/api/v1/session", "/api/v1/stream/applications", "/api/v1/clusters/{id.value}"} {
		if document.Paths[path] == nil {
			t.Errorf("%s isn't described", path)
		}
	}
	for _, name := range []string{"v1alpha1Application", "v1alpha1AppProject", "v1ObjectMeta", "applicationApplicationSyncRequest", "runtimeError"} {
		if document.Definitions[name] == nil {
			t.Errorf("%s isn't described", name)
		}
	}
	// Every reference leads somewhere.
	for _, part := range strings.Split(answer, `"$ref":"#/definitions/`)[1:] {
		if name, _, _ := strings.Cut(part, `"`); document.Definitions[name] == nil {
			t.Errorf("%s is referred to, and isn't described", name)
		}
	}
	if status, page := h.rest("", http.MethodGet, "/swagger-ui", ""); status != http.StatusOK || !strings.Contains(page, "/application.ApplicationService/Sync") {
		t.Errorf("the page: %d %s", status, page)
	}
}
