package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// params sets argocd-cmd-params-cm.
func (h *hub) params(data map[string]string) {
	h.t.Helper()
	h.configure(settings.CmdParamsConfigMap, data)
}

func names(apps []argo.Application) string {
	var all []string
	for _, app := range apps {
		all = append(all, app.Namespace+"/"+app.Name)
	}
	return strings.Join(all, " ")
}

func TestListPagesAndFilters(t *testing.T) {
	h := newHub(t)
	ctx := context.Background()
	h.params(map[string]string{settings.ApplicationNamespacesKey: "team-*"})
	admin := h.as("admin")
	for _, namespace := range []string{"team-a", "team-b"} {
		for _, name := range []string{"dev", "dev-2"} {
			app := h.application("dev")
			app.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"team": namespace}}
			if err := h.client.Create(ctx, app); err != nil {
				t.Fatal(err)
			}
		}
	}
	foreign := h.application("dev")
	foreign.ObjectMeta = metav1.ObjectMeta{Namespace: "nobody", Name: "last"}
	if err := h.client.Create(ctx, foreign); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the feed knows the last of them", func() bool { all, _ := h.server.apps.all(); return len(all) == 8 })
	list := func(q protocol.ApplicationQuery) *argo.ApplicationList {
		t.Helper()
		list, err := hubclient.Call(ctx, admin, protocol.ApplicationList, &q)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	const all = "argocd/dev team-a/dev team-b/dev team-a/dev-2 team-b/dev-2 argocd/other argocd/production"
	for want, q := range map[string]protocol.ApplicationQuery{
		all:                                {},
		"team-a/dev team-a/dev-2":          {AppNamespace: "team-a"},
		"argocd/dev team-a/dev team-b/dev": {Name: "dev"},
		"team-b/dev argocd/production":     {Names: []string{"team-b/dev", "production"}},
		"team-b/dev team-b/dev-2":          {Selector: "team in (team-b)"},
		"argocd/other":                     {Projects: []string{"default"}},
		"argocd/production":                {Project: []string{"shop"}, Projects: []string{"default"}, Selector: "stage"},
		"":                                 {Repo: "https://git.example/nothing"},
	} {
		if got := names(list(q).Items); got != want {
			t.Errorf("%+v: got %q, want %q", q, got, want)
		}
	}
	var pages []string
	for place := ""; ; {
		page := list(protocol.ApplicationQuery{Limit: 3, Continue: place})
		pages = append(pages, names(page.Items))
		if page.ResourceVersion == "" || len(page.Items) > 3 {
			t.Fatalf("got %+v", page)
		}
		if place = page.Continue; place == "" {
			break
		}
	}
	if got := strings.Join(pages, " "); got != all || len(pages) != 3 {
		t.Errorf("got pages %q", pages)
	}
	status, answer := h.rest("admin", http.MethodGet, "/api/v1/applications?limit=1&appNamespace=team-b", "")
	if status != 200 || !strings.Contains(answer, `"continue":"dev/team-b"`) || strings.Count(answer, `"spec"`) != 1 {
		t.Errorf("got %d %s", status, answer)
	}
}

// TestWatchSinceAVersion begins where a list ended, as the UI does.
func TestWatchSinceAVersion(t *testing.T) {
	h := newHub(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	developer := h.as("developer")
	list, err := hubclient.Call(ctx, developer, protocol.ApplicationList, &protocol.ApplicationQuery{})
	if err != nil || list.ResourceVersion == "" {
		t.Fatalf("got %+v, %v", list, err)
	}
	go func() {
		eventually(t, "the watch began", func() bool {
			h.server.apps.mu.Lock()
			defer h.server.apps.mu.Unlock()
			return len(h.server.apps.subscribers) == 1
		})
		app := h.application("dev")
		app.Labels = map[string]string{"changed": "yes"}
		h.update(app)
	}()
	var seen []string
	for event, err := range hubclient.Stream(ctx, developer, protocol.ApplicationWatch, &protocol.ApplicationQuery{ResourceVersion: list.ResourceVersion, Projects: []string{"shop"}}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, event.Type+" "+event.Application.Name)
		if event.Type == deleted {
			break
		}
		if err := h.client.Delete(ctx, h.application("dev")); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(seen) != "[MODIFIED dev DELETED dev]" {
		t.Errorf("got %v", seen)
	}
}

func TestEventsTellWhoDidWhat(t *testing.T) {
	h := newHub(t)
	ctx := context.Background()
	config := &corev1.ConfigMap{}
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: settings.ConfigMapName}, config); err != nil {
		t.Fatal(err)
	}
	config.Data[includeEventLabels], config.Data[excludeEventLabels] = "st*,team", "team"
	h.update(config)
	operator := h.as("operator")
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "production"}); err != nil {
		t.Fatal(err)
	}
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationTerminate, &protocol.OperationTerminateRequest{Name: "production"}); err != nil {
		t.Fatal(err)
	}
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationPatch, &protocol.ApplicationPatchRequest{
		Name: "production", PatchType: "merge", Patch: `{"metadata":{"labels":{"team":"x"}}}`,
	}); err != nil {
		t.Fatal(err)
	}
	status, answer := h.rest("operator", http.MethodGet, "/api/v1/applications/production/events", "")
	var list protocol.EventList
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != 200 {
		t.Fatalf("got %d %s, %v", status, answer, err)
	}
	var told []string
	for _, e := range list.Items {
		told = append(told, e.Reason+": "+e.Message)
		if e.Source.Component != "argocd-server" || e.InvolvedObject.Kind != "Application" || e.Metadata.Annotations["user"] != "operator" ||
			fmt.Sprint(e.Metadata.Labels) != "map[stage:production]" {
			t.Errorf("got %+v", e)
		}
	}
	want := []string{
		"OperationStarted: operator initiated sync to main (" + mainCommit + ")", "ResourceUpdated: operator terminated running operation",
		"ResourceUpdated: operator updated application spec",
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("got %q", told)
	}
}
