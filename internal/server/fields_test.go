package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings/live"
)

// uiFields are what Argo CD's UI selects of its list.
const uiFields = "metadata.resourceVersion,items.metadata.name,items.metadata.namespace,items.metadata.annotations,items.metadata.labels," +
	"items.metadata.creationTimestamp,items.metadata.deletionTimestamp,items.spec,items.operation.sync,items.status.sync.status," +
	"items.status.sync.revision,items.status.health,items.status.operationState.phase,items.status.operationState.startedAt," +
	"items.status.operationState.finishedAt,items.status.operationState.operation.sync,items.status.summary,items.status.resources"

func TestFieldSelection(t *testing.T) {
	h := newHub(t)
	for _, test := range []struct{ path, with, without string }{
		{"/api/v1/applications?fields=" + uiFields, `"spec":{`, `"history"`},
		{"/api/v1/applications?fields=" + uiFields, `"resources":[`, `"reconciledAt"`},
		{"/api/v1/applications?fields=items.metadata.name", `{"metadata":{"name":"dev"}}`, `"spec"`},
		{"/api/v1/applications?fields=items.metadata.name,items.spec.destination,items.spec", `"destination"`, `"status"`},
		{"/api/v1/applications?fields=items.metadata.name,items.status.history", `"history"`, `"spec"`},
		{"/api/v1/applications?fields=-items.spec,items.status.history", `"labels":{"stage":"production"}`, `"history"`},
		{"/api/v1/applications?fields=-items.spec,items.status.history", `"resources"`, `"destination":{"name"`},
		{"/api/v1/applications/production?fields=metadata.name,spec.project", `{"metadata":{"name":"production"},"spec":{"project":"shop"}}`, `"status"`},
		{"/api/v1/applications/production/managed-resources?fields=items.kind", `{"items":[{"kind":"Secret"},{"kind":"ConfigMap"}]`, `targetState`},
		{"/api/v1/stream/applications?name=dev&fields=result.type,result.application.metadata.name", `{"result":{"application":{"metadata":{"name":"dev"}},"type":"ADDED"}}`, "spec"},
	} {
		var answer string
		if strings.Contains(test.path, "/stream/") {
			answer = h.firstLine("developer", test.path)
		} else {
			var status int
			if status, answer = h.rest("admin", http.MethodGet, test.path, ""); status != 200 {
				t.Errorf("%s: got %d %s", test.path, status, answer)
			}
		}
		if !strings.Contains(answer, test.with) || strings.Contains(answer, test.without) {
			t.Errorf("%s: got %s, want %s and no %s", test.path, answer, test.with, test.without)
		}
	}
}

// firstLine is the first message of a stream.
func (h *hub) firstLine(user, path string) string {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Cookie", "argocd.token="+h.token(user))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	line := json.RawMessage{}
	if err := json.NewDecoder(response.Body).Decode(&line); err != nil {
		h.t.Fatal(err)
	}
	return string(line)
}

func FuzzFieldSelection(f *testing.F) {
	for _, seed := range []string{uiFields, "-items.spec", "items", ",,.", "metadata"} {
		f.Add(seed)
	}
	app := &argo.Application{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: argo.ApplicationStatus{OperationState: &argo.OperationState{}}}
	f.Fuzz(func(t *testing.T, query string) {
		selection := newFieldSelection(query)
		if selection == nil {
			return
		}
		list := &protocol.Applications{Items: []*argo.Application{app}}
		encoded, err := selection.encode(list)
		if err != nil {
			t.Fatal(err)
		}
		if selected, ok := selection.ofApps("items.", "metadata"); ok {
			sameJSON(t, writtenList(t, list, selected), encoded)
		}
	})
}

// writtenList is a list as REST answers with it.
func writtenList(t testing.TB, list *protocol.Applications, selected *appSelection) []byte {
	t.Helper()
	recorder := httptest.NewRecorder()
	if err := answerApps(&answer{w: recorder}, list, selected); err != nil {
		t.Fatal(err)
	}
	return recorder.Body.Bytes()
}

// sameJSON compares without what is empty: one way leaves it out where the other writes it.
func sameJSON(t *testing.T, got, want []byte) {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal(want, &b)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stripped(b), stripped(a)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func stripped(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if inner = stripped(inner); inner == nil {
				delete(value, name)
			} else {
				value[name] = inner
			}
		}
		if len(value) == 0 {
			return nil
		}
	case []any:
		for i := range value {
			value[i] = stripped(value[i])
		}
	case string:
		if value == "" {
			return nil
		}
	}
	return value
}

// TestSelectionsAgree: the way without encoding what isn't wanted says what the other says, of every field alone and of all.
func TestSelectionsAgree(t *testing.T) {
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	whole := &argo.Application{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "n", Labels: map[string]string{"l": "<&>"}, Annotations: map[string]string{"x": "y"}, CreationTimestamp: at, DeletionTimestamp: &at, ResourceVersion: "7"},
		Spec: argo.ApplicationSpec{Project: "p", Source: &argo.ApplicationSource{RepoURL: "r"}, Sources: argo.ApplicationSources{{RepoURL: "s"}},
			Destination: argo.ApplicationDestination{Name: "d"}, SyncPolicy: &argo.SyncPolicy{Automated: &argo.SyncPolicyAutomated{Prune: new(true)}}},
		Operation: &argo.Operation{Sync: &argo.SyncOperation{Revision: "now"}},
	}
	whole.Status.Sync.Status, whole.Status.Sync.Revision, whole.Status.Health.Status = "Synced", "c", "Healthy"
	whole.Status.Summary.Images, whole.Status.Resources = []string{"i"}, []argo.ResourceStatus{{Kind: "k", Name: "n"}}
	whole.Status.OperationState = &argo.OperationState{Phase: "Succeeded", StartedAt: at, FinishedAt: &at}
	list := &protocol.Applications{ListMeta: metav1.ListMeta{ResourceVersion: "8", Continue: "a/n"}, Items: []*argo.Application{whole, {}}}
	queries := []string{uiFields}
	for field := range appFields {
		queries = append(queries, "metadata.resourceVersion,items."+field)
	}
	for _, query := range queries {
		selection := newFieldSelection(query)
		selected, ok := selection.ofApps("items.", "metadata")
		want, err := selection.encode(list)
		if !ok || err != nil {
			t.Fatalf("%s: %v, %v", query, ok, err)
		}
		sameJSON(t, writtenList(t, list, selected), want)

		events := newFieldSelection(strings.ReplaceAll("result.type,"+strings.TrimPrefix(query, "metadata.resourceVersion,"), "items.", "result.application."))
		event := &protocol.ApplicationWatchEvent{Type: added, Application: *whole}
		selected, ok = events.ofEvents()
		want, err = events.encode(map[string]any{"result": event})
		if !ok || err != nil {
			t.Fatalf("%s: %v, %v", query, ok, err)
		}
		got, err := eventJSON(event, selected, true)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, got, want)
	}
}

// BenchmarkList lists 10,000 applications of 200 projects, for admin and for somebody with 200 policies, as gRPC and REST
// encode the answer.
func BenchmarkList(b *testing.B) {
	s := &Server{options: Options{Namespace: hubNamespace}, apps: newFeed(time.Now)}
	for i := range 10_000 {
		app := &argo.Application{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: hubNamespace, Name: fmt.Sprintf("app-%05d", i), UID: "0e9c4ba4-5e5f-4a8e-9d2e-2b8e9c8f7a6d", ResourceVersion: fmt.Sprint(1000 + i),
				Labels: map[string]string{"team": fmt.Sprint(i % 200), "stage": "production"},
			},
			Spec: argo.ApplicationSpec{
				Project: fmt.Sprintf("project-%d", i%200), Source: &argo.ApplicationSource{RepoURL: "https://git.example/deploy", Path: fmt.Sprintf("apps/%d", i), TargetRevision: "main"},
				Destination: argo.ApplicationDestination{Server: "https://prod.example:6443", Namespace: fmt.Sprintf("ns-%d", i)},
			},
		}
		for n := range 10 {
			app.Status.Resources = append(app.Status.Resources, argo.ResourceStatus{
				Group: "apps", Version: "v1", Kind: "Deployment", Namespace: app.Spec.Destination.Namespace, Name: fmt.Sprintf("web-%d", n),
				Status: argo.SyncStatusCodeSynced, Health: &argo.HealthStatus{Status: argo.HealthStatusHealthy},
			})
			app.Status.History = append(app.Status.History, argo.RevisionHistory{ID: int64(n), Revision: mainCommit, Source: *app.Spec.Source})
		}
		s.apps.OnAdd(app, true)
	}
	csv := ""
	for i := range 200 {
		csv += fmt.Sprintf("p, operator, applications, get, project-%d/*, allow\n", i)
	}
	policy, _, err := access.Compile(access.Config{Data: map[string]string{"policy.csv": csv + "g, admin, role:admin\n"}})
	if err != nil {
		b.Fatal(err)
	}
	s.options.Settings = &live.Source{Reader: fake.NewClientBuilder().Build(), Namespace: hubNamespace}
	list := func(b *testing.B, user string) *protocol.Applications {
		c := &call{row: &row{permission: may(access.Applications, access.Get)}, user: policy.User(user)}
		list, err := s.listApps(b.Context(), c, &protocol.ApplicationQuery{})
		if err != nil || len(list.Items) != 10_000 {
			b.Fatalf("%d applications, %v", len(list.Items), err)
		}
		return list
	}
	selected, _ := newFieldSelection(uiFields).ofApps("items.", "metadata")
	for _, user := range []string{"admin", "operator"} {
		for encoding, encode := range map[string]func(*protocol.Applications) ([]byte, error){
			"nothing": func(*protocol.Applications) ([]byte, error) { return nil, nil },
			"gRPC":    func(list *protocol.Applications) ([]byte, error) { return protocol.Proto{}.Marshal(list) },
			"REST":    func(list *protocol.Applications) ([]byte, error) { return writtenList(b, list, nil), nil },
			"UI":      func(list *protocol.Applications) ([]byte, error) { return writtenList(b, list, selected), nil },
		} {
			b.Run(user+"/"+encoding, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					encoded, err := encode(list(b, user))
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(len(encoded))/1e6, "MB")
				}
			})
		}
	}
}
