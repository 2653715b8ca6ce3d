package server

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

func TestProjectsAreCreatedOnce(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	made := newProject("made")
	made.Spec.SourceRepos = []string{"*"}
	made.Spec.Roles = []argo.ProjectRole{role("ci", "p,proj:made:ci,applications,get,made/*,allow")}
	create := func(upsert bool) (*argo.AppProject, error) {
		return hubclient.Call(ctx, admin, protocol.ProjectCreate, &protocol.ProjectCreateRequest{Project: made, Upsert: upsert})
	}
	got, err := create(false)
	if err != nil || got.Spec.Roles[0].Policies[0] != "p, proj:made:ci, applications, get, made/*, allow" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := create(false); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	made.Spec.Description = "changed"
	_, err = create(false)
	wantCode(t, err, connect.CodeInvalidArgument, `existing project spec is different; use upsert flag to force update; difference in keys "Description"`)
	if got, err := create(true); err != nil || got.Spec.Description != "changed" {
		t.Errorf("got %+v, %v", got, err)
	}
	made.Spec.SourceRepos = []string{"*", "*"}
	_, err = create(true)
	wantCode(t, err, connect.CodeInvalidArgument, "error validating project: source repository '*' already added")
	events, err := hubclient.Call(ctx, admin, protocol.ProjectEvents, &protocol.ProjectQuery{Name: "made"})
	if err != nil || len(events.Items) != 2 || events.Items[0].Reason != "ResourceCreated" || events.Items[0].Message != "admin created project" ||
		events.Items[0].Source.Component != "argocd-server" || events.Items[0].InvolvedObject.Kind != "AppProject" {
		t.Errorf("got %+v, %v", events, err)
	}
}

func TestUpdatesOfProjectsKeepApplicationsValid(t *testing.T) {
	h := newHub(t)
	h.grant("p, developer, projects, *, *, allow")
	admin, developer := h.as("admin"), h.as("developer")
	update := func(c *hubclient.Client, change func(*argo.AppProjectSpec)) error {
		t.Helper()
		project, err := hubclient.Call(ctx, admin, protocol.ProjectGet, &protocol.ProjectQuery{Name: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		change(&project.Spec)
		_, err = hubclient.Call(ctx, c, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: project})
		return err
	}
	wantCode(t, update(admin, func(s *argo.AppProjectSpec) { s.SourceRepos = []string{"https://git.example/other"} }), connect.CodeInvalidArgument,
		"as a result of project update 2 applications source became invalid")
	wantCode(t, update(admin, func(s *argo.AppProjectSpec) {
		s.SourceRepos = nil
		s.Destinations = []argo.ApplicationDestination{{Name: "*", Namespace: "shop-dev"}}
	}), connect.CodeInvalidArgument,
		"as a result of project update 2 applications source became invalid and 1 applications destination became invalid")
	wantCode(t, update(admin, func(s *argo.AppProjectSpec) { s.PermitOnlyProjectScopedClusters = true }), connect.CodeInvalidArgument, "2 applications destination")
	// Who may change a project doesn't get at clusters and repositories by it.
	wantCode(t, update(developer, func(s *argo.AppProjectSpec) { s.SourceRepos = append(s.SourceRepos, "https://secret.example/x") }),
		connect.CodePermissionDenied, "permission denied: repositories, update, https://secret.example/x")
	wantCode(t, update(developer, func(s *argo.AppProjectSpec) {
		s.Destinations = append(s.Destinations, argo.ApplicationDestination{Server: "https://prod:6443", Namespace: "kube-system"})
	}), connect.CodePermissionDenied, "permission denied: clusters, update, https://prod:6443")
	wantCode(t, update(developer, func(s *argo.AppProjectSpec) {
		s.ClusterResourceWhitelist = []argo.ClusterResourceRestrictionItem{{Group: "*", Kind: "*"}}
	}), connect.CodePermissionDenied, "permission denied: clusters, update, ")
	for code, change := range map[connect.Code]func(*argo.AppProjectSpec){
		connect.CodeAlreadyExists: func(s *argo.AppProjectSpec) { s.Roles = append(s.Roles, role("a", ""), role("a", "")) },
		connect.CodeOutOfRange: func(s *argo.AppProjectSpec) {
			s.SyncWindows = argo.SyncWindows{{Kind: "allow", Schedule: "* * * * *", Duration: "1h"}}
		},
	} {
		err := update(admin, func(s *argo.AppProjectSpec) {
			change(s)
			for i := range s.Roles {
				s.Roles[i].Policies = nil
			}
		})
		if connect.CodeOf(err) != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	if err := update(developer, func(s *argo.AppProjectSpec) { s.Description = "ours" }); err != nil {
		t.Error(err)
	}
}

func TestProjectTokens(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	project, err := hubclient.Call(ctx, admin, protocol.ProjectGet, &protocol.ProjectQuery{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	project.Spec.Roles = []argo.ProjectRole{role("ci", "p, proj:shop:ci, applications, get, shop/*, allow")}
	if _, err := hubclient.Call(ctx, admin, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: project}); err != nil {
		t.Fatal(err)
	}
	create := func(c *hubclient.Client, role, id string) (string, error) {
		got, err := hubclient.Call(ctx, c, protocol.ProjectNewToken, &protocol.ProjectTokenCreateRequest{Project: "shop", Role: role, ID: id, ExpiresIn: 3600})
		if err != nil {
			return "", err
		}
		return got.Token, nil
	}
	token, err := create(admin, "ci", "first")
	if err != nil {
		t.Fatal(err)
	}
	bot := h.as("", withToken(token))
	list, err := hubclient.Call(ctx, bot, protocol.ApplicationList, &protocol.ApplicationQuery{})
	if err != nil || len(list.Items) != 2 {
		t.Errorf("got %+v, %v", list, err)
	}
	_, err = create(admin, "ci", "first")
	wantCode(t, err, connect.CodeInvalidArgument, "Token id 'first' has been used.")
	_, err = create(admin, "none", "")
	wantCode(t, err, connect.CodeNotFound, "project 'shop' does not have role 'none'")
	_, err = create(bot, "ci", "")
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: projects, update, shop")
	_, err = create(h.as("stranger"), "none", "")
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: projects, update, shop")
	if _, err := create(admin, "ci", ""); err != nil {
		t.Error(err)
	}
	got, err := hubclient.Call(ctx, admin, protocol.ProjectGet, &protocol.ProjectQuery{Name: "shop"})
	if err != nil || len(got.Spec.Roles[0].JWTTokens) != 2 || len(got.Status.JWTTokensByRole["ci"].Items) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	first := got.Spec.Roles[0].JWTTokens[1]
	if got.Spec.Roles[0].JWTTokens[0].ID == "first" {
		first = got.Spec.Roles[0].JWTTokens[0]
	}
	if first.ExpiresAt-first.IssuedAt != 3600 || time.Since(time.Unix(first.IssuedAt, 0)) > time.Minute {
		t.Errorf("got %+v", first)
	}
	if _, err := hubclient.Call(ctx, admin, protocol.ProjectDropToken, &protocol.ProjectTokenDeleteRequest{Project: "shop", Role: "ci", ID: "first"}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, bot, protocol.ApplicationList, &protocol.ApplicationQuery{})
	wantCode(t, err, connect.CodeUnauthenticated, "does not exist in project 'shop'")
	// What isn't there is deleted already.
	for _, role := range []string{"ci", "none"} {
		if _, err := hubclient.Call(ctx, admin, protocol.ProjectDropToken, &protocol.ProjectTokenDeleteRequest{Project: "shop", Role: role, ID: "first"}); err != nil {
			t.Error(err)
		}
	}
}

func TestProjectsWithWhatIsTheirs(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	global := newProject("everybody")
	global.Namespace = hubNamespace
	global.Spec.SourceRepos = []string{"https://common.example/*"}
	h.create(global)
	project, err := hubclient.Call(ctx, admin, protocol.ProjectGet, &protocol.ProjectQuery{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	project.Labels = map[string]string{"team": "shop"}
	h.update(project)
	configure(h, "globalProjects", "[{projectName: everybody, labelSelector: {matchLabels: {team: shop}}}]")
	h.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: "own", Labels: map[string]string{settings.SecretTypeLabel: "repository"}},
		Data:       map[string][]byte{"url": []byte("https://own.example/x"), "project": []byte("shop"), "password": []byte("secret")},
	})
	h.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: "own-cluster", Labels: map[string]string{settings.SecretTypeLabel: "cluster"}},
		Data:       map[string][]byte{"server": []byte("https://own:6443"), "name": []byte("own"), "project": []byte("shop"), "config": []byte(`{"bearerToken":"secret"}`)},
	})
	detailed, err := hubclient.Call(ctx, admin, protocol.ProjectDetailed, &protocol.ProjectQuery{Name: "shop"})
	if err != nil || len(detailed.Repositories) != 1 || len(detailed.Clusters) != 1 || len(detailed.GlobalProjects) != 1 ||
		detailed.Repositories[0].Password != "" || detailed.Clusters[0].Config.BearerToken != "" ||
		strings.Join(detailed.Project.Spec.SourceRepos, " ") != "https://git.example/* https://common.example/*" {
		t.Errorf("got %+v, %v", detailed, err)
	}
	globals, err := hubclient.Call(ctx, admin, protocol.ProjectGlobals, &protocol.ProjectQuery{Name: "shop"})
	if err != nil || len(globals.Items) != 1 || globals.Items[0].Name != "everybody" {
		t.Errorf("got %+v, %v", globals, err)
	}
	// What is the project's own need not be in its lists.
	bounds, err := h.server.bounds(ctx, "shop")
	if err != nil || strings.Join(bounds.Spec.SourceRepos, " ") != "https://git.example/* https://own.example/x https://common.example/*" ||
		len(bounds.Spec.Destinations) != 2 || bounds.Spec.Destinations[1].Server != "https://own:6443" {
		t.Errorf("got %+v, %v", bounds, err)
	}
	if other, err := h.server.bounds(ctx, "default"); err != nil || len(other.Spec.SourceRepos) != 1 {
		t.Errorf("got %+v, %v", other, err)
	}
}

func TestProjectsOverREST(t *testing.T) {
	h := newHub(t)
	for _, c := range []struct {
		verb, path, body string
		status           int
		want             string
	}{
		{"POST", "/api/v1/projects", `{"project":{"metadata":{"name":"new"},"spec":{"roles":[{"name":"ci"}]}}}`, 200, `"name":"new"`},
		{"GET", "/api/v1/projects/new/detailed", "", 200, `"project":{"metadata"`},
		{"GET", "/api/v1/projects/new/globalprojects", "", 200, `{}`},
		{"GET", "/api/v1/projects/new/events", "", 200, `"message":"admin created project"`},
		{"POST", "/api/v1/projects/new/roles/ci/token", `{"id":"one"}`, 200, `{"token":"ey`},
		{"DELETE", "/api/v1/projects/new/roles/ci/token/0?id=one", "", 200, `{}`},
		{"PUT", "/api/v1/projects/new", `{"project":{"spec":{"description":"x"}}}`, 200, `"description":"x"`},
		{"GET", "/api/v1/projects/new/syncwindows", "", 200, `{}`},
		{"DELETE", "/api/v1/projects/default", "", 400, `name 'default' is reserved and cannot be deleted`},
		{"DELETE", "/api/v1/projects/new", "", 200, `{}`},
		{"GET", "/api/v1/projects/new", "", 404, `not found`},
	} {
		status, answer := h.rest("admin", c.verb, c.path, c.body)
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", c.verb, c.path, status, answer, c.status, c.want)
		}
	}
}

// configure sets a key of argocd-cm.
func configure(h *hub, key, value string) {
	h.t.Helper()
	h.configure(settings.ConfigMapName, map[string]string{key: value})
}
