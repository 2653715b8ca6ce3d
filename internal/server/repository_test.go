package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// secret reads one of the hub's Secrets; nil if there is none.
func (h *hub) secret(name string) *corev1.Secret {
	h.t.Helper()
	secret := &corev1.Secret{}
	err := h.client.Get(context.Background(), client.ObjectKey{Namespace: hubNamespace, Name: name}, secret)
	if client.IgnoreNotFound(err) != nil {
		h.t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return secret
}

// grant gives a user policies, a line each.
func (h *hub) grant(policies ...string) {
	h.t.Helper()
	configMap := &corev1.ConfigMap{}
	if err := h.client.Get(context.Background(), client.ObjectKey{Namespace: hubNamespace, Name: settings.RBACConfigMapName}, configMap); err != nil {
		h.t.Fatal(err)
	}
	configMap.Data["policy.csv"] += "\n" + strings.Join(policies, "\n")
	h.update(configMap)
}

func (h *hub) create(obj client.Object) {
	h.t.Helper()
	if err := h.client.Create(context.Background(), obj); err != nil {
		h.t.Fatal(err)
	}
}

func repo(url string) *protocol.Repository { return &protocol.Repository{Repo: url} }

func TestRepositories(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	list, err := hubclient.Call(ctx, admin, protocol.RepositoryGetList, &protocol.RepoQuery{})
	if err != nil || len(list.Items) != 1 || list.Items[0].Password != "" || list.Items[0].Type != "git" || list.Items[0].ConnectionState.Status != "Successful" {
		t.Fatalf("got %+v, %v", list, err)
	}
	web := &protocol.Repository{Repo: "https://git.example/web.git", Password: "secret", Insecure: true, Depth: 1}
	create := func(upsert bool) (*protocol.Repository, error) {
		return hubclient.Call(ctx, admin, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: web, Upsert: upsert})
	}
	if created, err := create(false); err != nil || *created != (protocol.Repository{Repo: "https://git.example/web.git"}) {
		t.Fatalf("got %+v, %v", created, err)
	}
	if _, err := create(false); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	web.Username, web.Insecure = "ann", false
	_, err = create(false)
	wantCode(t, err, connect.CodeInvalidArgument,
		`existing repository spec is different; use upsert flag to force update; difference in keys "Username,Insecure"`)
	if _, err := create(true); err != nil {
		t.Error(err)
	}
	// The Secret is what upstream makes: its name is a hash of URL and project, switches that were set stay.
	secret := h.secret("repo-3872920669")
	if secret == nil {
		t.Fatal("there is no secret of upstream's name")
	}
	if secret.Annotations["managed-by"] != "argocd.argoproj.io" || secret.Labels[settings.SecretTypeLabel] != "repository" ||
		string(secret.Data["insecure"]) != "false" || string(secret.Data["username"]) != "ann" || string(secret.Data["depth"]) != "1" {
		t.Errorf("got %+v", secret)
	}
	for text, bad := range map[string]*protocol.Repository{
		"error testing repository connectivity: connection refused": repo("https://unreachable.example/x"),
		"unsupported repository type":                               {Repo: "https://git.example/y", Type: "svn"},
	} {
		_, err = hubclient.Call(ctx, admin, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: bad})
		wantCode(t, err, connect.CodeUnknown, text)
	}
	_, err = hubclient.Call(ctx, admin, protocol.RepositoryUpdate, &protocol.RepoUpdateRequest{Repo: repo("https://git.example/none")})
	wantCode(t, err, connect.CodeNotFound, "repo 'https://git.example/none' not found")
	if _, err := hubclient.Call(ctx, admin, protocol.RepositoryDelete, &protocol.RepoQuery{Repo: "https://GIT.example/web"}); err != nil {
		t.Error(err)
	}
	if h.secret("repo-3872920669") != nil {
		t.Error("it is still there")
	}
	_, err = hubclient.Call(ctx, admin, protocol.RepositoryGet, &protocol.RepoQuery{Repo: "https://git.example/web"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	// A Secret that somebody applied only ceases to be a repository's.
	if _, err := hubclient.Call(ctx, admin, protocol.RepositoryDelete, &protocol.RepoQuery{Repo: "https://git.example/deploy"}); err != nil {
		t.Error(err)
	}
	if secret := h.secret("repo-deploy"); secret == nil || secret.Labels[settings.SecretTypeLabel] != "" {
		t.Errorf("got %+v", secret)
	}
}

func TestRepositoriesOfProjects(t *testing.T) {
	h := newHub(t)
	h.grant("p, developer, repositories, *, shop/*, allow")
	developer, admin := h.as("developer"), h.as("admin")
	const url = "https://private.example/x.git"
	add := func(c *hubclient.Client, project string) error {
		_, err := hubclient.Call(ctx, c, protocol.RepositoryCreate, &protocol.RepoCreateRequest{
			Repo: &protocol.Repository{Repo: url, Project: project, Username: project},
		})
		return err
	}
	wantCode(t, add(developer, "default"), connect.CodePermissionDenied, "permission denied: repositories, create, default/"+url)
	wantCode(t, add(developer, ""), connect.CodePermissionDenied, "permission denied: repositories, create, "+url)
	// A project's repository isn't tested before it is added.
	for _, err := range []error{add(developer, "shop"), add(admin, "default")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := hubclient.Call(ctx, developer, protocol.RepositoryGet, &protocol.RepoQuery{Repo: url})
	if err != nil || got.Project != "shop" || got.ConnectionState.Status != "Failed" ||
		got.ConnectionState.Message != "Unable to connect to repository: error testing repository connectivity: authentication required" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = hubclient.Call(ctx, admin, protocol.RepositoryGet, &protocol.RepoQuery{Repo: url})
	wantCode(t, err, connect.CodeUnknown, `repository not found for url "https://private.example/x.git" and project ""`)
	if got, err := hubclient.Call(ctx, admin, protocol.RepositoryGet, &protocol.RepoQuery{Repo: url, AppProject: "default"}); err != nil || got.Username != "default" {
		t.Errorf("got %+v, %v", got, err)
	}
	// Nobody moves a repository into a project, or out of it, without permission there.
	_, err = hubclient.Call(ctx, developer, protocol.RepositoryUpdate, &protocol.RepoUpdateRequest{Repo: &protocol.Repository{Repo: url, Project: "default"}})
	wantCode(t, err, connect.CodePermissionDenied, "repositories, update, default/")
	if refs, err := hubclient.Call(ctx, developer, protocol.RepositoryRefs, &protocol.RepoQuery{Repo: url, AppProject: "shop"}); err != nil || refs.Tags[0] != "as-shop" {
		t.Errorf("got %+v, %v", refs, err)
	}
	_, err = hubclient.Call(ctx, developer, protocol.RepositoryRefs, &protocol.RepoQuery{Repo: url, AppProject: "default"})
	wantCode(t, err, connect.CodePermissionDenied, "repositories, get, default/")
}

func TestCredentialTemplates(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	creds := &protocol.RepoCreds{URL: "https://private.example", Username: "ann", Password: "secret"}
	create := func(upsert bool) error {
		got, err := hubclient.Call(ctx, admin, protocol.RepoCredsCreate, &protocol.RepoCredsCreateRequest{Creds: creds, Upsert: upsert})
		if err == nil && *got != (protocol.RepoCreds{URL: creds.URL}) {
			t.Errorf("got %+v", got)
		}
		return err
	}
	if err := create(false); err != nil {
		t.Fatal(err)
	}
	if secret := h.secret("creds-738831805"); secret == nil || secret.Labels[settings.SecretTypeLabel] != "repo-creds" || string(secret.Data["password"]) != "secret" {
		t.Fatalf("got %+v", secret)
	}
	creds.Username = "bob"
	wantCode(t, create(false), connect.CodeInvalidArgument, `existing repository credentials spec is different; use upsert flag to force update; difference in keys "Username"`)
	if err := create(true); err != nil {
		t.Error(err)
	}
	// The credentials are found when a repository below is tested, added and shown.
	if _, err := hubclient.Call(ctx, admin, protocol.RepositoryValidate, &protocol.RepoAccessQuery{Repo: "https://private.example/x"}); err != nil {
		t.Error(err)
	}
	if _, err := hubclient.Call(ctx, admin, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: repo("https://private.example/x")}); err != nil {
		t.Error(err)
	}
	got, err := hubclient.Call(ctx, admin, protocol.RepositoryGet, &protocol.RepoQuery{Repo: "https://private.example/x"})
	if err != nil || !got.InheritedCreds || got.Username != "bob" || got.Password != "" || got.ConnectionState.Status != "Successful" {
		t.Errorf("got %+v, %v", got, err)
	}
	if secret := h.secret(repositorySecretName("repo", "https://private.example/x", "")); secret == nil || secret.Data["password"] != nil {
		t.Errorf("the repository keeps what it inherits: %+v", secret)
	}
	list, err := hubclient.Call(ctx, admin, protocol.RepoCredsGetList, &protocol.RepoCredsQuery{})
	if err != nil || len(list.Items) != 1 || list.Items[0] != (protocol.RepoCreds{URL: creds.URL, Username: "bob"}) {
		t.Errorf("got %+v, %v", list, err)
	}
	// A longer URL is another template, although this one begins it.
	_, err = hubclient.Call(ctx, admin, protocol.RepoCredsDelete, &protocol.RepoCredsDeleteRequest{URL: "https://private.example/team"})
	wantCode(t, err, connect.CodeNotFound, "repository credentials 'https://private.example/team' not found")
	if _, err := hubclient.Call(ctx, admin, protocol.RepoCredsDelete, &protocol.RepoCredsDeleteRequest{URL: creds.URL}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, admin, protocol.RepositoryValidate, &protocol.RepoAccessQuery{Repo: "https://private.example/x"})
	wantCode(t, err, connect.CodeUnknown, "authentication required")
	_, err = hubclient.Call(ctx, admin, protocol.RepoCredsCreate, &protocol.RepoCredsCreateRequest{Creds: &protocol.RepoCreds{}})
	wantCode(t, err, connect.CodeInvalidArgument, "must specify URL")
}

func TestCredentialsForPushing(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	_, err := hubclient.Call(ctx, admin, protocol.RepositoryCreateWrite, &protocol.RepoCreateRequest{Repo: repo("https://git.example/new")})
	wantCode(t, err, connect.CodeInvalidArgument, "missing credentials in request")
	pushed := &protocol.Repository{Repo: "https://git.example/new", Password: "secret"}
	if _, err := hubclient.Call(ctx, admin, protocol.RepositoryCreateWrite, &protocol.RepoCreateRequest{Repo: pushed}); err != nil {
		t.Fatal(err)
	}
	list, err := hubclient.Call(ctx, admin, protocol.RepositoryWriteList, &protocol.RepoQuery{})
	if err != nil || len(list.Items) != 2 || list.Items[0].Password+list.Items[1].Password != "" {
		t.Errorf("got %+v, %v", list, err)
	}
	// They are none to read with.
	if r, err := h.server.options.Settings.RepositoryFor(ctx, "https://git.example/new", ""); err != nil || r.Password != "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if secret := h.secret(repositorySecretName("repo-write", "https://git.example/new", "")); secret == nil || secret.Labels[settings.SecretTypeLabel] != "repository-write" {
		t.Errorf("got %+v", secret)
	}
	creds := &protocol.RepoCreds{URL: "https://git.example", Password: "secret"}
	if _, err := hubclient.Call(ctx, admin, protocol.RepoCredsCreateWrite, &protocol.RepoCredsCreateRequest{Creds: creds}); err != nil {
		t.Error(err)
	}
	if secret := h.secret(repositorySecretName("creds-write", "https://git.example", "")); secret == nil || secret.Labels[settings.SecretTypeLabel] != "repo-write-creds" {
		t.Errorf("got %+v", secret)
	}
	if _, err := hubclient.Call(ctx, admin, protocol.RepositoryDeleteWrite, &protocol.RepoQuery{Repo: "https://git.example/new"}); err != nil {
		t.Error(err)
	}
	// The switch counts at once.
	parameters := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: settings.CmdParamsConfigMap}}
	h.update(parameters)
	_, err = hubclient.Call(ctx, admin, protocol.RepositoryWriteList, &protocol.RepoQuery{})
	wantCode(t, err, connect.CodeUnimplemented, "hydrator is disabled")
}

func TestWhatIsInRepositories(t *testing.T) {
	h := newHub(t)
	h.grant("p, developer, repositories, get, https://git.example/*, allow")
	developer := h.as("developer")
	charts, err := hubclient.Call(ctx, developer, protocol.RepositoryCharts, &protocol.RepoQuery{Repo: "https://git.example/charts"})
	if err != nil || len(charts.Items) != 1 || charts.Items[0].Versions[0] != "1.0.0" {
		t.Errorf("got %+v, %v", charts, err)
	}
	apps := &protocol.RepoAppsQuery{Repo: "https://git.example/deploy", AppProject: "shop", AppName: "dev"}
	found, err := hubclient.Call(ctx, developer, protocol.RepositoryApps, apps)
	if err != nil || len(found.Items) != 2 || *found.Items[0] != (protocol.AppInfo{Type: "Helm", Path: "a"}) {
		t.Errorf("got %+v, %v", found, err)
	}
	apps.Revision = "missing"
	_, err = hubclient.Call(ctx, developer, protocol.RepositoryApps, apps)
	wantCode(t, err, connect.CodeInvalidArgument, "no such branch")
	apps.AppName = "production" // which the developer may only see
	_, err = hubclient.Call(ctx, developer, protocol.RepositoryApps, apps)
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	apps.AppName, apps.Repo = "dev", "https://git.example.org/other"
	_, err = hubclient.Call(ctx, h.as("admin"), protocol.RepositoryApps, apps)
	wantCode(t, err, connect.CodePermissionDenied, "repository 'https://git.example.org/other' not permitted in project 'shop'")

	source := h.application("production").Spec.Source.DeepCopy()
	query := &protocol.RepoAppDetailsQuery{Source: source, AppProject: "shop", AppName: "production"}
	details, err := hubclient.Call(ctx, developer, protocol.RepositoryDetails, query)
	if err != nil || details.Type != "Helm" || details.Helm.Values != "a: 1" {
		t.Errorf("got %+v, %v", details, err)
	}
	*source = argo.ApplicationSource{RepoURL: "https://git.example/deploy", Path: "prod", TargetRevision: strings.Repeat("1", 40)}
	if _, err := hubclient.Call(ctx, developer, protocol.RepositoryDetails, query); err != nil {
		t.Errorf("the source as it was synced once: %v", err)
	}
	source.Path = "secrets"
	_, err = hubclient.Call(ctx, developer, protocol.RepositoryDetails, query)
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	query.AppName = "unknown"
	_, err = hubclient.Call(ctx, developer, protocol.RepositoryDetails, query)
	wantCode(t, err, connect.CodePermissionDenied, "applications, create, shop/unknown")
}

// TestRepositoriesOverREST has the paths that scripts use: the URL is one segment, escaped.
func TestRepositoriesOverREST(t *testing.T) {
	h := newHub(t)
	const at = "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fnew"
	for _, c := range []struct {
		verb, path, body string
		status           int
		want             string
	}{
		{"POST", "/api/v1/repositories", `{"repo":"https://git.example/new","username":"u","password":"secret"}`, 200, `"repo":"https://git.example/new"`},
		{"POST", "/api/v1/repositories?upsert=true", `{"repo":"https://git.example/new","username":"v","password":"secret"}`, 200, `"repo":"https://git.example/new"`},
		{"GET", at, "", 200, `"username":"v"`},
		{"GET", at + "/refs", "", 200, `{"branches":["main"],"tags":["as-v"]}`},
		{"GET", at + "/oci-tags", "", 200, `{"tags":["1.0.0"]}`},
		{"GET", at + "/helmcharts", "", 200, `"name":"web"`},
		{"GET", at + "/apps?appProject=default&appName=x", "", 200, `{"items":[{"type":"Helm","path":"a"},{"type":"Kustomize","path":"b"}]}`},
		{"POST", at + "/appdetails", `{"source":{"path":"x"},"appProject":"default","appName":"x"}`, 200, `"type":"Helm"`},
		{"POST", at + "/validate", `"https://git.example/new"`, 200, `{}`},
		{"PUT", at, `{"username":"w"}`, 200, `"repo":"https://git.example/new"`},
		{"DELETE", at, "", 200, `{}`},
		{"GET", at, "", 403, "permission denied"},
		{"POST", "/api/v1/repocreds?upsert=true", `{"url":"https://git.example","password":"secret"}`, 200, `{"url":"https://git.example"}`},
		{"GET", "/api/v1/repocreds", "", 200, `"items":[{"url":"https://git.example"}]`},
		{"PUT", "/api/v1/repocreds/https%3A%2F%2Fgit.example", `{"password":"other"}`, 200, `{"url":"https://git.example"}`},
		{"DELETE", "/api/v1/repocreds/https%3A%2F%2Fgit.example", "", 200, `{}`},
		{"GET", "/api/v1/write-repositories/https%3A%2F%2Fgit.example%2Fdeploy", "", 200, `"username":"user"`},
		{"GET", "/api/v1/write-repocreds", "", 200, `"items":[]`},
	} {
		status, answer := h.rest("admin", c.verb, c.path, c.body)
		if status != c.status || !strings.Contains(answer, c.want) || strings.Contains(answer, "secret") {
			t.Errorf("%s %s: %d %s, want %d with %s", c.verb, c.path, status, answer, c.status, c.want)
		}
	}
}

// TestAddressesAreNoWayOut has addresses that programs behind the hub would take for something else.
func TestAddressesAreNoWayOut(t *testing.T) {
	h := newHub(t)
	for _, address := range []string{
		"https://user:hunter2@git.example/x", "https://user:hunter2%@git.example/y", "ssh://user:hunter2@git.example/x",
	} {
		repository := &protocol.Repository{Repo: address, Project: "shop"}
		created, err := hubclient.Call(ctx, h.as("admin"), protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: repository})
		if err != nil || strings.Contains(created.Repo, "hunter2") {
			t.Errorf("%s: %+v, %v", address, created, err)
		}
	}
	for _, path := range []string{"/api/v1/repositories", "/api/v1/repositories/" + "https%3A%2F%2Fuser%3Ahunter2%40unreachable.example%2Fx"} {
		if _, answer := h.rest("admin", http.MethodGet, path, ""); strings.Contains(answer, "hunter2") {
			t.Errorf("%s: %s", path, answer)
		}
	}
	if strings.Contains(h.log.String(), "hunter2") {
		t.Errorf("the log has the password: %s", h.log.String())
	}
}
