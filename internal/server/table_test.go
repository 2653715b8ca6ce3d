package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
)

// publicCalls are all that somebody without a login may call.
var publicCalls = map[string]bool{
	string(protocol.Version): true, string(protocol.SettingsGet): true, string(protocol.SessionCreate): true,
	string(protocol.SessionUserInfo): true,
}

func TestEveryRowHasAPermission(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range newHub(t).server.rows {
		if seen[r.procedure] {
			t.Errorf("%s is in the table twice", r.procedure)
		}
		seen[r.procedure] = true
		service, method := r.service()
		if !strings.HasPrefix(r.procedure, "/") || service == "" || method == "" {
			t.Errorf("%s is no procedure", r.procedure)
		}
		switch r.permission.level {
		case levelPublic:
			if !publicCalls[r.procedure] {
				t.Errorf("%s is public", r.procedure)
			}
		case levelSignedIn:
		case levelChecked:
			if !slices.Contains(access.Resources, r.permission.resource) {
				t.Errorf("%s: there is no resource %q", r.procedure, r.permission.resource)
			}
			if verb, _, _ := strings.Cut(r.permission.action, "/"); !slices.Contains(access.Actions, verb) {
				t.Errorf("%s: there is no action %q", r.procedure, r.permission.action)
			}
		default:
			t.Errorf("%s has no permission", r.procedure)
		}
		for _, route := range r.routes {
			if r.streams && route.verb != http.MethodGet {
				t.Errorf("%s streams, but isn't a GET", r.procedure)
			}
			for _, part := range pathField.FindAllString(route.path, -1) {
				field := strings.TrimSuffix(strings.Trim(part, "{}"), "...")
				if _, err := protocol.FieldOf(r.newRequest(), field); err != nil {
					t.Errorf("%s, %s: %v", r.procedure, route.path, err)
				}
			}
		}
	}
}

// fill makes a request that names things that exist.
func fill(r *row) any {
	request := r.newRequest()
	for field, value := range map[string]string{
		"name": "production", "applicationName": "production", "appName": "production", "query.name": "production", "application": "production", "rollout.application": "production",
		"rollout.name": "web", "kind": "Rollout", "group": "argoproj.io", "version": "v1alpha1", "resourceName": "web", "namespace": "shop-prod",
		"action": "abort", "id": "1", "revision": "main", "patch": `{"spec":{"project":"shop"}}`, "patchType": "merge",
		"id.value": "https://prod:6443", "cluster.server": "https://prod:6443", "repo": "https://git.example/deploy",
		"repo.repo": "https://git.example/deploy", "rule": "web", "ref": "main", "application.metadata.name": "production",
		"spec.project": "shop", "project.metadata.name": "shop", "creds.url": "https://git.example/", "url": "https://git.example/",
		"source.repoURL":               "https://git.example/deploy",
		"applicationset.metadata.name": "new", "applicationset.spec.template.spec.project": "shop",
		"applicationSet.metadata.name": "new", "applicationSet.spec.template.spec.project": "shop",
	} {
		// Fields that the request hasn't are the others'.
		_ = protocol.SetField(request, field, []string{value})
	}
	switch r.procedure {
	case string(protocol.ApplicationCreate), string(protocol.ApplicationUpdate):
		_ = protocol.SetField(request, "application.spec.project", []string{"shop"})
	case string(protocol.BuildGet), string(protocol.BuildRebuild), string(protocol.BuildCancel), string(protocol.BuildLogs):
		_ = protocol.SetField(request, "name", []string{"web-1"})
	case string(protocol.ProjectGet), string(protocol.ProjectDelete), string(protocol.ProjectSyncWindows):
		_ = protocol.SetField(request, "name", []string{"shop"})
	case string(protocol.AccountGet), string(protocol.AccountNewToken), string(protocol.AccountDropToken), string(protocol.AccountPassword):
		_ = protocol.SetField(request, "name", []string{"admin"})
	case string(protocol.RepositoryCreateWrite):
		_ = protocol.SetField(request, "repo.password", []string{"x"})
	case string(protocol.RepositoryApps), string(protocol.RepositoryDetails):
		_ = protocol.SetField(request, "appProject", []string{"default"})
		_ = protocol.SetField(request, "appName", []string{"new"})
	case string(protocol.ApplicationLinks):
		_ = protocol.SetField(request, "namespace", []string{hubNamespace}) // the application's own
	case string(protocol.AccountCanI):
		_ = protocol.SetField(request, "resource", []string{"applications"})
		_ = protocol.SetField(request, "action", []string{"get"})
	}
	return request
}

// call makes any row's call, over gRPC, and returns the answers as JSON.
func (h *hub) call(token string, r *row, request any) ([]string, error) {
	type bytesMessage = rawMessage
	transport := &http.Transport{Protocols: &http.Protocols{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	c := connect.NewClient[bytesMessage, bytesMessage](&http.Client{Transport: transport}, h.url+r.procedure,
		connect.WithGRPC(), connect.WithCodec(rawCodec{}))
	encoded, err := protocol.Proto{}.Marshal(request)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if r.streams {
		out := connect.NewRequest(&bytesMessage{encoded})
		out.Header().Set("Token", token)
		stream, err := c.CallServerStream(ctx, out)
		if err != nil {
			return nil, err
		}
		defer stream.Close()
		if stream.Receive() { // the first one will do
			return []string{string(stream.Msg().data)}, nil
		}
		return nil, stream.Err()
	}
	out := connect.NewRequest(&bytesMessage{encoded})
	out.Header().Set("Token", token)
	answer, err := c.CallUnary(ctx, out)
	if err != nil {
		return nil, err
	}
	return []string{string(answer.Msg.data)}, nil
}

// rawCodec carries encoded messages.
type rawCodec struct{}

type rawMessage struct{ data []byte }

func (rawCodec) Name() string { return "proto" }
func (rawCodec) Marshal(message any) ([]byte, error) {
	if raw, ok := message.(*rawMessage); ok {
		return raw.data, nil
	}
	return protocol.Proto{}.Marshal(message)
}

func (rawCodec) Unmarshal(data []byte, message any) error {
	if raw, ok := message.(*rawMessage); ok {
		raw.data = append([]byte{}, data...)
		return nil
	}
	return protocol.Proto{}.Unmarshal(data, message)
}

func TestWithoutLoginEverythingElseIsRefused(t *testing.T) {
	h := newHub(t)
	for i := range h.server.rows {
		r := &h.server.rows[i]
		for name, token := range map[string]string{"no token": "", "bad token": "a.b.c"} {
			_, err := h.call(token, r, fill(r))
			refused := connect.CodeOf(err) == connect.CodeUnauthenticated && err != nil
			if login := r.procedure == string(protocol.SessionCreate); refused == (publicCalls[r.procedure] && !login) {
				t.Errorf("%s with %s: %v", r.procedure, name, err)
			}
		}
		for _, route := range r.routes {
			status, answer := h.rest("", route.verb, somePath(r, route), "{}")
			if refused := status == http.StatusUnauthorized; refused == (publicCalls[r.procedure] && r.procedure != string(protocol.SessionCreate)) {
				t.Errorf("%s %s: %d %s", route.verb, route.path, status, answer)
			}
		}
	}
}

// somePath fills a route's path from the row's usual request.
func somePath(r *row, route route) string {
	request := fill(r)
	return pathField.ReplaceAllStringFunc(route.path, func(part string) string {
		pointer, err := protocol.FieldOf(request, strings.TrimSuffix(strings.Trim(part, "{}"), "..."))
		if err != nil {
			panic(err)
		}
		text := fmt.Sprint(reflect.ValueOf(pointer).Elem().Interface())
		if text == "" {
			text = "x"
		}
		return strings.NewReplacer("/", "%2F", ":", "%3A").Replace(text)
	})
}

// TestWithoutPermissionNothingIsDone calls everything as somebody who may do nothing: calls on objects are refused, lists
// are empty, and nothing has changed afterwards.
func TestWithoutPermissionNothingIsDone(t *testing.T) {
	h := newHub(t)
	token := h.token("stranger")
	before := h.state()
	for i := range h.server.rows {
		r := &h.server.rows[i]
		if r.permission.level != levelChecked || r.procedure == string(protocol.ApplicationWatch) || r.procedure == string(protocol.ApplicationSetWatch) {
			continue
		}
		answers, err := h.call(token, r, fill(r))
		if err != nil {
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("%s: %v", r.procedure, err)
			}
			continue
		}
		if !strings.Contains(r.procedure, "List") || strings.Contains(fmt.Sprint(answers), "secret") || emptyList(answers) == false {
			t.Errorf("%s answered %q", r.procedure, answers)
		}
	}
	if after := h.state(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
}

// emptyList tells whether an encoded list has no items: they are field 2, or 1 where there is no metadata.
func emptyList(answers []string) bool {
	for _, answer := range answers {
		if strings.Contains(answer, "production") || strings.Contains(answer, "prod:6443") || strings.Contains(answer, "git.example") || strings.Contains(answer, "web") {
			return false
		}
	}
	return true
}

// state is everything that the hub keeps, as text.
func (h *hub) state() string {
	var all []any
	for _, list := range lists() {
		if err := h.client.List(context.Background(), list); err != nil {
			h.t.Fatal(err)
		}
		all = append(all, list)
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(encoded) + fmt.Sprint(h.fleet.live)
}

// TestAdminMayEverything makes sure that the refusals above are not for another reason.
func TestAdminMayEverything(t *testing.T) {
	h := newHub(t)
	rows := slices.Clone(h.server.rows)
	slices.SortStableFunc(rows, func(a, b row) int { // what deletes comes last: what is gone is denied
		return strings.Compare(a.lastWord(), b.lastWord())
	})
	for i := range rows {
		r := &rows[i]
		if r.procedure == string(protocol.RepositoryOldDelete) {
			continue // it deletes what another row has deleted
		}
		if _, err := h.call(h.token("admin"), r, fill(r)); connect.CodeOf(err) == connect.CodePermissionDenied && err != nil {
			t.Errorf("%s: %v", r.procedure, err)
		}
	}
}

// lastWord is "z" for calls that delete, and "" for all others.
func (r *row) lastWord() string {
	if _, method := r.service(); strings.HasPrefix(method, "Delete") {
		return "z"
	}
	return ""
}

// TestUncheckedAnswersAreWithheld is about a handler that forgets its permission.
func TestUncheckedAnswersAreWithheld(t *testing.T) {
	h := newHub(t)
	careless := unary(protocol.ProjectGet, may(access.Projects, access.Get), func(context.Context, *call, *protocol.ProjectQuery) (*argo.AppProject, error) {
		return &argo.AppProject{}, nil
	})
	err := h.server.serve(context.Background(), &careless, &protocol.ProjectQuery{}, func(any) error { t.Error("it was sent"); return nil })
	wantCode(t, err, connect.CodeInternal, "without checking a permission")
}

func TestPanicsAreErrors(t *testing.T) {
	h := newHub(t)
	r := h.server.rows[0]
	r.serve = func(context.Context, *call, any, func(any) error) error { panic("oh") }
	err := h.server.serve(context.Background(), &r, nil, nil)
	wantCode(t, err, connect.CodeInternal, "internal error")
	if !strings.Contains(h.log.String(), "fault=oh") {
		t.Error("the log doesn't tell of the panic")
	}
}
