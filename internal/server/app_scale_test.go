package server

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// TestPagesWhileApplicationsComeAndGo: what is there all the time is in exactly one page, whatever happens around it.
func TestPagesWhileApplicationsComeAndGo(t *testing.T) {
	h := newHub(t)
	var lasting []string
	for i := range 12 {
		lasting = append(lasting, fmt.Sprintf("app-%02d", i))
		h.createApp(lasting[i], nil)
	}
	h.untilListed()
	gone := map[string]bool{}
	var got []string
	for q := (protocol.ApplicationQuery{Limit: 4}); ; {
		page, err := hubclient.Call(t.Context(), h.as("admin"), protocol.ApplicationList, &q)
		if err != nil {
			t.Fatal(err)
		}
		for _, app := range page.Items {
			got = append(got, app.Name)
		}
		if page.Continue == "" {
			break
		}
		// The last one of the page goes, and with it the place where the next begins; others come before and behind it.
		last := got[len(got)-1]
		gone[last] = true
		if err := h.client.Delete(t.Context(), h.application(last)); err != nil {
			t.Fatal(err)
		}
		h.createApp(fmt.Sprintf("a-before-%d", len(got)), nil)
		h.createApp(fmt.Sprintf("%s-behind", last), nil)
		h.untilListed()
		q.Continue = page.Continue
	}
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("pages repeat applications, or are out of order: %v", got)
	}
	for _, name := range lasting {
		if !gone[name] && !slices.Contains(got, name) {
			t.Errorf("no page has %s: %v", name, got)
		}
	}
	if len(gone) < 3 || !slices.Contains(got, "app-03-behind") || slices.Contains(got, "a-before-4") {
		t.Errorf("with %d gone, what came behind the place must be there, and what came before it must not: %v", len(gone), got)
	}
}

// createApp makes an application of project shop.
func (h *hub) createApp(name string, labels map[string]string) {
	h.t.Helper()
	app := newApp(name, "shop")
	app.ObjectMeta = metav1.ObjectMeta{Name: name, Namespace: hubNamespace, Labels: labels}
	if err := h.client.Create(h.t.Context(), app); err != nil {
		h.t.Fatal(err)
	}
}

// untilListed waits until the feed has the applications that are stored.
func (h *hub) untilListed() {
	h.t.Helper()
	eventually(h.t, "the feed has the applications that there are", func() bool {
		var stored argo.ApplicationList
		if err := h.client.List(context.Background(), &stored); err != nil {
			h.t.Fatal(err)
		}
		all, _ := h.server.apps.all()
		known := map[string]bool{}
		for _, app := range all {
			known[app.Name] = true
		}
		return len(all) == len(stored.Items) && !slices.ContainsFunc(stored.Items, func(app argo.Application) bool { return !known[app.Name] })
	})
}

// TestWatchersAreToldOfTheirOwn: each watcher is told of what it may see and asked for, and of nothing else, while everything
// changes.
func TestWatchersAreToldOfTheirOwn(t *testing.T) {
	h := newHub(t)
	h.setConfig("argocd-rbac-cm", "policy.csv", `
p, developer, applications, get, shop/mine-*, allow
p, developer, applications, get, shop/mine-2, deny
p, operator, applications, get, */*, allow
`)
	web := map[string]string{"tier": "web"}
	for name, labels := range map[string]map[string]string{"mine-1": nil, "mine-2": nil, "mine-3": web, "yours-1": nil} {
		h.createApp(name, labels)
	}
	h.untilListed()
	const none = "https://git.example/none"
	watchers := []*struct {
		user  string
		query protocol.ApplicationQuery
		want  string
		// project and repository are those of the application whose coming ends the watch.
		project, repository string
		told                []string
		ended               chan error
	}{
		{user: "developer", want: "mine-1 mine-3"},
		{user: "developer", query: protocol.ApplicationQuery{Selector: "tier=web"}, want: "mine-3"},
		{user: "developer", query: protocol.ApplicationQuery{Names: []string{"mine-2", "yours-1", "mine-9-2"}}},
		{user: "operator", query: protocol.ApplicationQuery{Projects: []string{"shop"}}, want: "mine-1 mine-2 mine-3 yours-1"},
		{user: "operator", query: protocol.ApplicationQuery{Projects: []string{"shop"}, Selector: "tier"}, want: "mine-3"},
		{user: "operator", query: protocol.ApplicationQuery{Repo: "https://git.example/deploy.git", Selector: "!tier"}, want: "mine-1 mine-2 yours-1"},
		{user: "operator", query: protocol.ApplicationQuery{Repo: none}, repository: none},
		{user: "operator", query: protocol.ApplicationQuery{Projects: []string{"default"}}, project: "default"},
	}
	for i, one := range watchers {
		one.ended, one.query.ResourceVersion = make(chan error, 1), "1"
		c := h.as(one.user)
		go func() {
			for event, err := range hubclient.Stream(t.Context(), c, protocol.ApplicationWatch, &one.query) {
				if err != nil || event.Application.Name == fmt.Sprint("mine-9-", i) {
					one.ended <- err
					return
				}
				if event.Type == modified {
					one.told = append(one.told, event.Application.Name)
				}
			}
		}()
	}
	eventually(t, "all watch", func() bool {
		h.server.apps.mu.Lock()
		defer h.server.apps.mu.Unlock()
		return len(h.server.apps.subscribers) == len(watchers)
	})
	for _, name := range []string{"mine-1", "mine-2", "mine-3", "yours-1"} {
		app := h.application(name)
		app.Annotations = map[string]string{"changed": "yes"}
		h.update(app)
	}
	for i, one := range watchers {
		last := newApp(fmt.Sprint("mine-9-", i), cmp.Or(one.project, "shop"))
		last.Namespace, last.Spec.Source.RepoURL = hubNamespace, cmp.Or(one.repository, last.Spec.Source.RepoURL)
		if !strings.HasPrefix(one.query.Selector, "!") {
			last.Labels = web
		}
		if err := h.client.Create(t.Context(), last); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range watchers {
		if err := <-one.ended; err != nil {
			t.Fatal(err)
		}
		slices.Sort(one.told)
		if got := strings.Join(slices.Compact(one.told), " "); got != one.want {
			t.Errorf("%s asks for %+v, and is told of %q, not of %q", one.user, one.query, got, one.want)
		}
	}
}

// TestOneLookForAllWatchers: of a change that many are told, the rules are looked up once, and after it.
func TestOneLookForAllWatchers(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Now())
	h := newHub(t, func(o *Options) { o.Clock = clock })
	first, err := h.server.rulesSince(t.Context(), h.server.apps.last())
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.server.rulesSince(t.Context(), h.server.apps.last())
	if err != nil || again != first {
		t.Errorf("the rules were looked up again for the same change (%v)", err)
	}
	clock.Step(renewAfter)
	if again, err = h.server.rulesSince(t.Context(), h.server.apps.last()); err != nil || again == first {
		t.Errorf("the rules weren't looked up again after some time (%v)", err)
	}
	h.setConfig("argocd-rbac-cm", "policy.csv", "p, developer, applications, get, shop/dev, allow")
	before := h.server.apps.last()
	h.createApp("another", nil)
	eventually(t, "the feed tells of a change", func() bool { return h.server.apps.last() > before })
	after, err := h.server.rulesSince(t.Context(), before+1)
	if err != nil || after.policy == first.policy {
		t.Errorf("a change after the policy was changed is told by the old one (%v)", err)
	}
}

// TestCompressedAnswers: who reads gzip gets it, of answers that are long enough, unless the operator doesn't want it.
func TestCompressedAnswers(t *testing.T) {
	h := newHub(t)
	for _, test := range []struct {
		path, accepts, setting string
		want                   bool
	}{
		{path: "/api/v1/applications", accepts: "gzip, deflate, br", want: true},
		{path: "/api/v1/applications", accepts: "br, GZIP;q=0.5", want: true},
		{path: "/api/v1/applications", accepts: "gzip;q=0, identity"},
		{path: "/api/v1/applications", accepts: "gzip;q=0.0"},
		{path: "/api/v1/applications", accepts: "br"},
		{path: "/api/v1/applications?fields=items.metadata.name", accepts: "gzip"},
		{path: "/api/v1/applications", accepts: "gzip", setting: "false"},
	} {
		h.params(map[string]string{gzipKey: test.setting})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+h.token("admin"))
		request.Header.Set("Accept-Encoding", test.accepts)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = response.Body
		if got := response.Header.Get("Content-Encoding") == "gzip"; got != test.want {
			t.Errorf("%s for who accepts %q: compressed is %v", test.path, test.accepts, got)
		} else if got {
			if body, err = gzip.NewReader(response.Body); err != nil {
				t.Fatal(err)
			}
		}
		var list struct{ Items []any }
		if err := json.NewDecoder(body).Decode(&list); err != nil || len(list.Items) == 0 {
			t.Errorf("%s for who accepts %q: %d items, %v", test.path, test.accepts, len(list.Items), err)
		}
		_ = response.Body.Close()
	}
}
