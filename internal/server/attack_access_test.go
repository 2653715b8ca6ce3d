package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// policyOf is the row's own permission on all objects, as a line of a policy without its end.
func policyOf(r *row) string {
	action := r.permission.action
	switch r.procedure {
	case string(protocol.ApplicationPatchObject), string(protocol.ApplicationDeleteObject), string(protocol.ApplicationRunAction), string(protocol.ApplicationRunActionV2):
		action += "/*" // it is of the objects of applications
	}
	return fmt.Sprintf("p, stranger, %s, %s, *", r.permission.resource, action)
}

// furtherNeeds are the permissions that a call takes besides its row's: resource and action.
var furtherNeeds = map[string][]string{
	string(protocol.ApplicationPodLogs):    {"applications, get"},
	string(protocol.RepositoryApps):        {"applications, create"},
	string(protocol.RepositoryDetails):     {"applications, get", "applications, create"},
	string(protocol.ProjectUpdate):         {"clusters, update", "repositories, update"},
	string(protocol.RepositoryDelete):      {"repositories, get"},
	string(protocol.RepositoryOldDelete):   {"repositories, get"},
	string(protocol.RepositoryDeleteWrite): {"write-repositories, get"},
	string(protocol.BuildRebuild):          {"builds, get"},
	string(protocol.BuildCancel):           {"builds, get"},
}

// TestAttackEveryRow goes through the whole table: with exactly what the row names a call is let in; with everything else, and
// not that, it is refused, or shows nothing, and does nothing.
func TestAttackEveryRow(t *testing.T) {
	rows := newHub(t).server.rows
	for i := range rows {
		r := &rows[i]
		if r.permission.level != levelChecked {
			continue
		}
		t.Run(strings.TrimPrefix(r.procedure, "/"), func(t *testing.T) {
			h := newHub(t)
			token := h.token("stranger")
			if r.procedure != string(protocol.ApplicationWatch) && r.procedure != string(protocol.ApplicationSetWatch) { // those say nothing, and go on
				h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": "p, stranger, *, *, *, allow\n" + policyOf(r) + ", deny"})
				before := h.state()
				answers, err := h.call(token, r, fill(r))
				if err == nil && (!strings.Contains(r.procedure, "List") || !emptyList(answers)) || err != nil && connect.CodeOf(err) != connect.CodePermissionDenied {
					t.Errorf("without its permission: %q, %v", answers, err)
				}
				if h.state() != before {
					t.Error("without its permission it did something")
				}
			}
			lines := []string{policyOf(r) + ", allow"}
			for _, need := range furtherNeeds[r.procedure] {
				lines = append(lines, "p, stranger, "+need+", *, allow")
			}
			h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": strings.Join(lines, "\n")})
			answers, err := h.call(token, r, fill(r))
			if code := connect.CodeOf(err); err != nil && (code == connect.CodePermissionDenied || code == connect.CodeUnauthenticated || code == connect.CodeInternal) {
				t.Errorf("with its permission: %v", err)
			}
			if _, method := r.service(); method == "List" && err == nil && emptyList(answers) && r.permission.resource != access.Accounts &&
				r.permission.resource != access.Certificates && r.permission.resource != access.GPGKeys && !strings.Contains(r.procedure, "RepoCreds") && !strings.Contains(r.procedure, "Rollout") {
				t.Error("with its permission the list is empty")
			}
			h.discreet(token)
		})
	}
}

// nameFields are those of requests that name something.
var nameFields = []string{
	"name", "applicationName", "appName", "query.name", "application", "rollout.application", "application.metadata.name", "project.metadata.name",
	"id.value", "cluster.server", "repo", "repo.repo", "source.repoURL", "rule", "url", "creds.url", "project", "keyID",
}

// renamed is a row's usual request, about something else.
func renamed(r *row, name string) any {
	request := fill(r)
	for _, field := range nameFields {
		if pointer, err := protocol.FieldOf(request, field); err == nil {
			if text, ok := pointer.(*string); ok && *text != "" {
				*text = name
			}
		}
	}
	return request
}

// TestAttackExistence asks for what is there and for what isn't: who may do nothing can't tell one from the other.
func TestAttackExistence(t *testing.T) {
	h := newHub(t)
	token := h.token("stranger")
	for i := range h.server.rows {
		r := &h.server.rows[i]
		if r.permission.level != levelChecked || r.procedure == string(protocol.ApplicationWatch) || r.procedure == string(protocol.ApplicationSetWatch) {
			continue
		}
		request := fill(r)
		if pointer, err := protocol.FieldOf(request, "name"); err == nil && strings.Contains(r.procedure, "ApplicationSet") {
			*pointer.(*string) = "production"
		}
		_, there := h.call(token, r, request)
		_, missing := h.call(token, r, renamed(r, "https://nosuch"))
		same := func(err error) string {
			if err == nil {
				return "none"
			}
			text := err.Error()
			for _, name := range []string{"https://nosuch", "https://git.example/deploy", "https://git.example/", "https://prod:6443", "production", "web-1", "shop", "admin"} {
				text = strings.ReplaceAll(text, name, "NAME")
			}
			return text
		}
		if a, b := same(there), same(missing); a != b {
			t.Errorf("%s: what exists is answered with %q, what doesn't with %q", r.procedure, a, b)
		}
	}
	h.discreet(token)
}

// TestAttackFromAnotherProject uses the token of a role of project shop, whose policies claim everything, on all that isn't the
// project's.
func TestAttackFromAnotherProject(t *testing.T) {
	h := newHub(t)
	foreign := metav1.ObjectMeta{Namespace: hubNamespace, Name: "foreign"}
	h.create(&argo.ApplicationSet{ObjectMeta: foreign, Spec: argo.ApplicationSetSpec{Template: argo.ApplicationSetTemplate{Spec: argo.ApplicationSpec{Project: "default"}}}})
	h.create(&fairlead.BuildRule{ObjectMeta: foreign, Spec: fairlead.BuildRuleSpec{Project: "default"}})
	h.create(&fairlead.Build{ObjectMeta: foreign, Spec: fairlead.BuildSpec{Rule: "foreign", Project: "default"}})
	token := h.roleToken("all", "p, proj:shop:all, *, *, *, allow", "p, proj:shop:all, applications, *, */*, allow", "g, proj:shop:all, role:admin")
	before := h.state()
	for i := range h.server.rows {
		r := &h.server.rows[i]
		if r.permission.level != levelChecked || r.procedure == string(protocol.ApplicationWatch) || r.procedure == string(protocol.ApplicationSetWatch) {
			continue
		}
		request := fill(r)
		name := "other"
		switch r.permission.resource {
		case access.ApplicationSets, access.Builds:
			name = "foreign"
		case access.Projects:
			name = "default"
		case access.Applications, access.Logs:
		default:
			name = "" // all others are nobody's
		}
		for field, value := range map[string]string{
			"appProject": "default", "applicationset.spec.template.spec.project": "default", "applicationSet.spec.template.spec.project": "default",
			"application.spec.project": "default", "project": "default",
		} {
			_ = protocol.SetField(request, field, []string{value})
		}
		if name != "" {
			for _, field := range nameFields {
				if pointer, err := protocol.FieldOf(request, field); err == nil {
					if text, ok := pointer.(*string); ok && *text != "" && field != "project" {
						*text = name
					}
				}
			}
		}
		answers, err := h.call(token, r, request)
		if err != nil {
			if connect.CodeOf(err) != connect.CodePermissionDenied && connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("%s: %v", r.procedure, err)
			}
			continue
		}
		_, method := r.service()
		for _, word := range []string{"other", "foreign", "default", "prod:6443", "stranger"} {
			if strings.Contains(fmt.Sprint(answers), word) || !strings.Contains(method, "List") {
				t.Errorf("%s answered %q", r.procedure, answers)
				break
			}
		}
	}
	if h.state() != before {
		t.Error("something was done")
	}
	h.discreet(token)
}

// TestAttackIdleStreams: a stream ends soon when its caller may not have it any more, although nothing happens on it.
func TestAttackIdleStreams(t *testing.T) {
	streams := map[string]func(context.Context, *hubclient.Client, func()) error{
		"tree": func(ctx context.Context, c *hubclient.Client, first func()) error {
			return last(hubclient.Stream(ctx, c, protocol.ApplicationWatchTree, &protocol.ResourcesQuery{ApplicationName: "production"}), first)
		},
		"rollout": func(ctx context.Context, c *hubclient.Client, first func()) error {
			return last(hubclient.Stream(ctx, c, protocol.RolloutWatch, &protocol.RolloutQuery{Application: "production"}), first)
		},
		"applications": func(ctx context.Context, c *hubclient.Client, first func()) error {
			return last(hubclient.Stream(ctx, c, protocol.ApplicationWatch, &protocol.ApplicationQuery{Name: "production"}), first)
		},
	}
	ends := map[string]struct {
		end  func(*hub, string)
		code connect.Code
	}{
		"session revoked":  {(*hub).logOut, connect.CodeUnauthenticated},
		"account disabled": {func(h *hub, _ string) { h.setConfig(settings.ConfigMapName, "accounts.operator.enabled", "false") }, connect.CodeUnauthenticated},
		"policy changed":   {func(h *hub, _ string) { h.setConfig(settings.RBACConfigMapName, "policy.csv", "") }, connect.CodePermissionDenied},
		"moved to another project": {func(h *hub, _ string) {
			app := h.application("production")
			app.Spec.Project = "default"
			h.update(app)
		}, connect.CodePermissionDenied},
	}
	for name, stream := range streams {
		for reason, test := range ends {
			if name == "applications" && test.code == connect.CodePermissionDenied {
				continue // it goes on, and shows what may be seen: nothing
			}
			t.Run(name+", "+reason, func(t *testing.T) {
				h := newHub(t, func(o *Options) { o.StreamCheck = 10 * time.Millisecond })
				h.fleet.changes = make(chan struct{})
				token := h.token("operator")
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if err := stream(ctx, h.as("", withToken(token)), func() { test.end(h, token) }); connect.CodeOf(err) != test.code {
					t.Errorf("it ended with %v", err)
				}
				h.discreet(token)
			})
		}
	}
}

// last calls first after the first message, and gives the error that a stream ends with.
func last[T any](messages func(func(*T, error) bool), first func()) error {
	count := 0
	for _, err := range messages {
		if err != nil {
			return err
		}
		if count++; count == 1 {
			first()
		}
	}
	return nil
}
