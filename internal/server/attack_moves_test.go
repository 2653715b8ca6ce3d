package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// try makes a call of which only the error counts.
func try[Q, A any](c *hubclient.Client, procedure protocol.Unary[Q, A], request *Q) error {
	_, err := hubclient.Call(ctx, c, procedure, request)
	return err
}

// ownShop lets a developer do everything in project shop, and nothing beside it.
const ownShop = `
p, developer, applications, *, shop/*, allow
p, developer, applicationsets, *, shop/*, allow
p, developer, repositories, *, shop/*, allow
p, developer, clusters, *, shop/*, allow
p, developer, projects, *, shop, allow
p, developer, builds, *, shop/*, allow`

// refusedMoves sees that all attempts were refused, and that nothing has changed.
func (h *hub) refusedMoves(before string, attempts map[string]error) {
	h.t.Helper()
	for name, err := range attempts {
		if err == nil || connect.CodeOf(err) == connect.CodeInternal || strings.Contains(err.Error(), attackSecrets[0]) {
			h.t.Errorf("%s: %v", name, err)
		}
	}
	if h.state() != before {
		h.t.Error("something was done")
	}
	h.discreet()
}

// TestAttackMovesOfApplications takes applications and sets to where the caller may do nothing, or from there.
func TestAttackMovesOfApplications(t *testing.T) {
	h := newHub(t)
	h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": ownShop})
	developer := h.as("developer")
	app := func(project, name, namespace string) *argo.Application {
		a := h.application("dev").DeepCopy()
		a.Spec.Project, a.Name, a.Namespace, a.ResourceVersion = project, name, namespace, ""
		return a
	}
	update := func(a *argo.Application, project string) error {
		return try(developer, protocol.ApplicationUpdate, &protocol.ApplicationUpdateRequest{Application: a, Project: project})
	}
	create := func(a *argo.Application) error {
		return try(developer, protocol.ApplicationCreate, &protocol.ApplicationCreateRequest{Application: a, Upsert: true})
	}
	patch := func(kind, text string) error {
		return try(developer, protocol.ApplicationPatch, &protocol.ApplicationPatchRequest{Name: "dev", PatchType: kind, Patch: text})
	}
	set := func(change func(*argo.ApplicationSet)) *argo.ApplicationSet {
		s := &argo.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "mine"}}
		s.Spec.Generators = []argo.ApplicationSetGenerator{{List: &argo.ListGenerator{}}}
		s.Spec.Template.Name, s.Spec.Template.Spec.Project = "x", "shop"
		change(s)
		return s
	}
	createSet := func(change func(*argo.ApplicationSet)) error {
		return try(developer, protocol.ApplicationSetCreate, &protocol.ApplicationSetCreateRequest{Applicationset: set(change), Upsert: true})
	}
	spec := app("default", "dev", "").Spec
	// Each copy makes the whole twice as long.
	bomb := `[{"op":"add","path":"/metadata/annotations","value":{"a":"` + strings.Repeat("x", 1000) + `"}}`
	for i := range 40 {
		bomb += fmt.Sprintf(`,{"op":"copy","from":"/metadata/annotations","path":"/metadata/labels%d"},{"op":"copy","from":"/metadata","path":"/metadata/annotations/m%d"}`, i, i)
	}
	h.refusedMoves(h.state(), map[string]error{
		"into another project":        update(app("default", "dev", ""), ""),
		"by its spec":                 try(developer, protocol.ApplicationUpdateSpec, &protocol.ApplicationUpdateSpecRequest{Name: "dev", Spec: &spec}),
		"by a patch":                  patch("merge", `{"spec":{"project":"default"}}`),
		"by a patch of its name":      patch("merge", `{"metadata":{"name":"other"}}`),
		"by a patch of its namespace": patch("json", `[{"op":"replace","path":"/metadata/namespace","value":"kube-system"}]`),
		"a patch that grows":          patch("json", bomb+"]"),
		"a patch without end":         patch("json", "["+strings.Repeat(`{"op":"test","path":"/a","value":1},`, maxPatchSteps)+`{}]`),
		"out of another project":      update(app("shop", "other", ""), ""),
		"saying the project":          update(app("shop", "other", ""), "shop"),
		"by creating it again":        create(app("shop", "other", "")),
		"a project that is a path":    create(app("shop/../default", "new", "")),
		"into another namespace":      create(app("shop", "new", "kube-system")),
		"a set of another project":    createSet(func(s *argo.ApplicationSet) { s.Spec.Template.Spec.Project = "default" }),
		"a generator's template":      createSet(func(s *argo.ApplicationSet) { s.Spec.Generators[0].List.Template.Spec.Project = "default" }),
		"a project from a template":   createSet(func(s *argo.ApplicationSet) { s.Spec.Template.Spec.Project = "{{project}}" }),
		"a set in another namespace":  createSet(func(s *argo.ApplicationSet) { s.Namespace = "kube-system" }),
		"a set, tried out": try(developer, protocol.ApplicationSetGenerate, &protocol.ApplicationSetGenerateRequest{
			ApplicationSet: set(func(s *argo.ApplicationSet) { s.Spec.Template.Spec.Project = "default" }),
		}),
	})
	// What was synced is Git's: manifests of one's own take a permission of their own.
	h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": "p, operator, applications, sync, shop/*, allow"})
	err := try(h.as("operator"), protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "production", Manifests: []string{"{}"}})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: applications, override, shop/production")
}

// TestAttackMovesOfSets: whose set spans projects is replaced, and deleted, by who may do so in all of them.
func TestAttackMovesOfSets(t *testing.T) {
	h := newHub(t)
	h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": ownShop})
	set := &argo.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: "both"}}
	set.Spec.Generators = []argo.ApplicationSetGenerator{{List: &argo.ListGenerator{}}}
	set.Spec.Template.Name, set.Spec.Template.Spec.Project = "x", "shop"
	set.Spec.Generators[0].List.Template.Spec.Project = "default"
	h.create(set)
	mine := set.DeepCopy()
	mine.ResourceVersion = ""
	mine.Spec.Generators[0].List.Template.Spec.Project = ""
	h.refusedMoves(h.state(), map[string]error{
		"replacing": try(h.as("developer"), protocol.ApplicationSetCreate, &protocol.ApplicationSetCreateRequest{Applicationset: mine, Upsert: true}),
		"deleting":  try(h.as("developer"), protocol.ApplicationSetDelete, &protocol.ApplicationSetDeleteRequest{Name: "both"}),
	})
}

// TestAttackMovesOfConfiguration gives a project, or everybody, what the caller has no right to give.
func TestAttackMovesOfConfiguration(t *testing.T) {
	h := newHub(t)
	h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": ownShop})
	developer := h.as("developer")
	bounds, err := h.server.project(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	bounds.Spec.Destinations = []argo.ApplicationDestination{{Server: "https://prod:6443", Namespace: "shop-*"}}
	h.update(bounds)
	configure := func(r protocol.Repository) error {
		return try(developer, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: &r, Upsert: true})
	}
	cluster := func(c protocol.Cluster) error {
		return try(developer, protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: &c, Upsert: true})
	}
	project := func(change func(*argo.AppProjectSpec)) error {
		p, err := h.server.project(ctx, "shop")
		if err != nil {
			t.Fatal(err)
		}
		change(&p.Spec)
		again := try(developer, protocol.ProjectCreate, &protocol.ProjectCreateRequest{Project: p.DeepCopy(), Upsert: true})
		if again == nil {
			t.Errorf("created again with %+v", p.Spec)
		}
		return try(developer, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: p})
	}
	destination := func(d argo.ApplicationDestination) error {
		return project(func(s *argo.AppProjectSpec) { s.Destinations = append(s.Destinations, d) })
	}
	withRole := func(policy string, groups ...string) error {
		return project(func(s *argo.AppProjectSpec) { s.Roles = []argo.ProjectRole{role("r", policy, groups...)} })
	}
	program := protocol.ClusterConfig{ExecProviderConfig: &protocol.ExecProviderConfig{Command: "sh", Args: []string{"-c", attackSecrets[0]}}}
	h.refusedMoves(h.state(), map[string]error{
		"a repository for everybody":      configure(protocol.Repository{Repo: "https://evil.example/x"}),
		"one that looks like a project's": configure(protocol.Repository{Repo: "shop/charts", Type: "helm", EnableOCI: true}),
		"a repository of another project": configure(protocol.Repository{Repo: "https://git.example/x", Project: "default"}),
		"a template like a project's":     try(developer, protocol.RepoCredsCreate, &protocol.RepoCredsCreateRequest{Creds: &protocol.RepoCreds{URL: "shop/", Password: attackSecrets[0]}}),
		"everybody's repository":          try(developer, protocol.RepositoryUpdate, &protocol.RepoUpdateRequest{Repo: &protocol.Repository{Repo: "https://git.example/deploy", Project: "shop"}}),
		"a cluster for everybody":         cluster(protocol.Cluster{Server: "https://evil:6443"}),
		"a cluster of another project":    cluster(protocol.Cluster{Server: "https://evil:6443", Project: "default"}),
		"everybody's cluster":             cluster(protocol.Cluster{Server: "https://prod:6443", Project: "shop"}),
		"a program that the hub runs":     cluster(protocol.Cluster{Server: "https://mine:6443", Project: "shop", Config: program}),
		"another project":                 try(developer, protocol.ProjectCreate, &protocol.ProjectCreateRequest{Project: newProject("mine")}),
		"all clusters":                    destination(argo.ApplicationDestination{Server: "*", Namespace: "*"}),
		"a cluster by its name":           destination(argo.ApplicationDestination{Name: "in-cluster", Namespace: "*"}),
		"clusters that may come":          destination(argo.ApplicationDestination{Name: "new-*", Namespace: "*"}),
		"all repositories":                project(func(s *argo.AppProjectSpec) { s.SourceRepos = []string{"*"} }),
		"all kinds": project(func(s *argo.AppProjectSpec) {
			s.ClusterResourceWhitelist = []argo.ClusterResourceRestrictionItem{{Group: "*", Kind: "*"}}
		}),
		"a role with rights elsewhere":      withRole("p, proj:shop:r, applications, *, default/*, allow"),
		"a role with rights on accounts":    withRole("p, proj:shop:r, accounts, update, shop/*, allow"),
		"another's role":                    withRole("p, role:admin, applications, *, shop/*, allow"),
		"a second line in a policy":         withRole("p, proj:shop:r, applications, get, shop/*, allow\ng, developer, role:admin"),
		"a second line in a group":          withRole("p, proj:shop:r, applications, get, shop/*, allow", "x\ng, developer, role:admin\ng, y"),
		"everybody's clusters of a program": cluster(protocol.Cluster{Server: "https://169.254.169.254/", Project: "shop"}),
	})
}

// TestAttackRepositoryAddresses: what is kept with a password in its address is told to nobody, whatever form they ask in.
func TestAttackRepositoryAddresses(t *testing.T) {
	h := newHub(t)
	h.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: "inside", Labels: map[string]string{settings.SecretTypeLabel: settings.SecretTypeRepository}},
		Data:       map[string][]byte{"url": []byte("https://robot:" + attackSecrets[0] + "@git.example/inside"), "type": []byte("git")},
	})
	h.grant("p, developer, repositories, *, https://git.example/*, allow")
	for _, user := range []string{"stranger", "developer", "admin"} {
		c := h.as(user)
		for name, err := range map[string]error{
			"update":   try(c, protocol.RepositoryUpdate, &protocol.RepoUpdateRequest{Repo: repo("https://git.example/inside")}),
			"create":   try(c, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: repo("https://git.example/inside")}),
			"upsert":   try(c, protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: repo("https://git.example/inside"), Upsert: user != "admin"}),
			"get":      try(c, protocol.RepositoryGet, &protocol.RepoQuery{Repo: "https://git.example/inside"}),
			"refs":     try(c, protocol.RepositoryRefs, &protocol.RepoQuery{Repo: "https://git.example/inside"}),
			"validate": try(c, protocol.RepositoryValidate, &protocol.RepoAccessQuery{Repo: "https://robot:" + attackSecrets[0] + "@unreachable.example/x"}),
			"delete":   try(h.as("stranger"), protocol.RepositoryDelete, &protocol.RepoQuery{Repo: "https://git.example/inside"}),
		} {
			if err != nil && strings.Contains(err.Error(), attackSecrets[0]) {
				t.Errorf("%s by %s tells the password: %v", name, user, err)
			}
		}
	}
	for _, address := range []string{"https://169.254.169.254/latest/meta-data", "ext::sh -c id", "--upload-pack=touch /tmp/x", "file:///etc/passwd", "ssh://-oProxyCommand=id/x"} {
		wantCode(t, try(h.as("stranger"), protocol.RepositoryCreate, &protocol.RepoCreateRequest{Repo: repo(address)}), connect.CodePermissionDenied, "permission denied")
	}
	h.discreet()
}

// TestAttackForeignObjects asks for objects that aren't an application's in the name of the application.
func TestAttackForeignObjects(t *testing.T) {
	h := newHub(t)
	h.grant("p, developer, applications, *, shop/production, allow")
	developer := h.as("developer")
	named := func(namespace, name string) protocol.ApplicationResourceRequest {
		return protocol.ApplicationResourceRequest{Name: "production", Namespace: namespace, ResourceName: name, Kind: "Secret", Version: "v1"}
	}
	foreign := named("kube-system", "not-ours")
	for name, err := range map[string]error{
		"get":     try(developer, protocol.ApplicationResource, &foreign),
		"actions": try(developer, protocol.ApplicationActions, &foreign),
		"patch": try(developer, protocol.ApplicationPatchObject, &protocol.ApplicationResourcePatchRequest{
			Name: "production", Namespace: "kube-system", ResourceName: "not-ours", Kind: "Secret", Version: "v1", PatchType: "application/merge-patch+json", Patch: "{}",
		}),
		"delete": try(developer, protocol.ApplicationDeleteObject, &protocol.ApplicationResourceDeleteRequest{
			Name: "production", Namespace: "kube-system", ResourceName: "not-ours", Kind: "Secret", Version: "v1",
		}),
		"events":  try(developer, protocol.ApplicationEvents, &protocol.ApplicationResourceEventsQuery{Name: "production", ResourceNamespace: "kube-system", ResourceName: "not-ours"}),
		"rollout": try(developer, protocol.RolloutGet, &protocol.RolloutQuery{Application: "production", Namespace: "kube-system", Name: "web"}),
	} {
		if err == nil {
			t.Errorf("%s: it was let in", name)
		}
	}
	// A manifest that names an object of somebody else's is not answered with that object.
	answer, err := hubclient.Call(ctx, developer, protocol.ApplicationServerSideDiff, &protocol.ApplicationServerSideDiffQuery{
		AppName: "production", TargetManifests: []string{`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"shop-prod","name":"of-others"}}`},
	})
	if err != nil || len(answer.Items) != 1 {
		t.Fatalf("got %+v, %v", answer, err)
	}
	encoded, err := json.Marshal(answer)
	if err != nil || strings.Contains(string(encoded), "b2xk") || answer.Items[0].LiveState != "null" {
		t.Errorf("it shows %s, %v", encoded, err)
	}
	h.discreet()
}
