package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/appset/generator"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// memorySets runs the generator of lists.
type memorySets struct{}

func (memorySets) Applications(ctx context.Context, set *argo.ApplicationSet) ([]argo.Application, error) {
	all := (&generator.All{List: generator.NewList()}).WithCombinations()
	found, err := all.Everything(ctx, set)
	if err != nil {
		return nil, err
	}
	return appset.Applications(set, found)
}

func setNamed(t *testing.T, name, project, elements string) *argo.ApplicationSet {
	t.Helper()
	set := &argo.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: name}}
	spec := `{generators: [{list: {elements: [` + elements + `]}}], template: {metadata: {name: '{{name}}'}, spec: {project: ` + project + `, source: {repoURL: u}, destination: {name: prod}}}}`
	if err := yaml.UnmarshalStrict([]byte(spec), &set.Spec); err != nil {
		t.Fatal(err)
	}
	return set
}

func body(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestApplicationSets(t *testing.T) {
	h := newHub(t, func(o *Options) { o.Sets = memorySets{} })
	h.grant("p, role:developer, applicationsets, *, shop/*, allow")
	const at = "/api/v1/applicationsets"
	set := func(name, project, elements string) string { return body(t, setNamed(t, name, project, elements)) }
	broken := setNamed(t, "broken", "shop", "")
	broken.Spec.Generators = append(broken.Spec.Generators, argo.ApplicationSetGenerator{})
	elsewhere := setNamed(t, "elsewhere", "shop", "")
	elsewhere.Spec.Generators[0].List.Template.Spec.Project = "default"
	foreign := setNamed(t, "foreign", "shop", "")
	foreign.Namespace = "kube-system"
	for _, c := range []struct {
		name, user, verb, path, body string
		status                       int
		want                         string
	}{
		{"no right", "stranger", "POST", at, set("s", "shop", "{name: a}"), 403,
			"error checking create permissions for ApplicationSets s : rpc error: code = PermissionDenied desc = permission denied: applicationsets, create, shop/s, sub: stranger"},
		{"another project", "developer", "POST", at, set("s", "default", "{name: a}"), 403, "applicationsets, create, default/s"},
		{"another project by a generator", "developer", "POST", at, body(t, elsewhere), 403, "applicationsets, create, default/elsewhere"},
		{"no project", "admin", "POST", at, set("s", "none", "{name: a}"), 400,
			"error checking create permissions for ApplicationSets s : rpc error: code = InvalidArgument desc = ApplicationSet references project none which does not exist"},
		{"a template for a project", "admin", "POST", at, set("s", "'{{name}}'", "{name: a}"), 500,
			"error validating ApplicationSets: the Argo CD API does not currently support creating ApplicationSets with templated `project` fields"},
		{"an unknown generator", "admin", "POST", at, body(t, broken), 500, "error validating ApplicationSets: ApplicationSet broken contains unrecognized generators"},
		{"a foreign namespace", "admin", "POST", at, body(t, foreign), 403, "namespace 'kube-system' is not permitted"},
		{"nothing", "admin", "POST", at, "null", 500, "error creating ApplicationSets: ApplicationSets is nil in request"},
		{"a dry run", "developer", "POST", at + "?dryRun=true", set("dry", "shop", "{name: a}, {name: b}"), 200, `"resourcesCount":2`},
		{"is not kept", "admin", "GET", at + "/dry", "", 404, `error getting ApplicationSet: applicationset.argoproj.io \"dry\" not found`},
		{"what would be", "developer", "POST", at + "/generate", `{"applicationSet":` + set("dry", "shop", "{name: a}") + `}`, 200, `{"metadata":{"name":"a","finalizers"`},
		{"what would not be", "developer", "POST", at + "/generate", `{"applicationSet":` + set("dry", "shop", "{name: 1}") + `}`, 500,
			"unable to generate Applications of ApplicationSet: error generating applications: error parsing value as string"},
		{"generating without a right", "stranger", "POST", at + "/generate", `{"applicationSet":` + set("dry", "shop", "{name: a}") + `}`, 403, "permission denied"},
		{"new", "developer", "POST", at, set("s", "shop", "{name: a}"), 200, `"name":"s","namespace":"argocd"`},
		{"the same", "developer", "POST", at, set("s", "shop", "{name: a}"), 200, `"name":"s"`},
		{"another", "developer", "POST", at, set("s", "shop", "{name: b}"), 400, "existing ApplicationSet spec is different, use upsert flag to force update"},
		{"another instead", "developer", "POST", at + "?upsert=true", set("s", "shop", "{name: b}"), 200, `"elements":[{"name":"b"}]`},
		{"into a project of others", "developer", "POST", at + "?upsert=true", set("s", "default", "{name: b}"), 403, "create, default/s"},
		{"get", "developer", "GET", at + "/s", "", 200, `"elements":[{"name":"b"}]`},
		{"get without a right", "stranger", "GET", at + "/s", "", 403, `"message":"permission denied"`},
		{"get what isn't there", "developer", "GET", at + "/none", "", 403, `"message":"permission denied"`},
		{"list", "developer", "GET", at, "", 200, `"name":"s"`},
		{"list of a project", "admin", "GET", at + "?projects=default", "", 200, `"items":[]`},
		{"list by labels", "developer", "GET", at + "?selector=a%3Db", "", 200, `"items":[]`},
		{"list without a right", "stranger", "GET", at, "", 200, `"items":[]`},
		{"tree", "developer", "GET", at + "/s/resource-tree", "", 200, `{}`},
		{"events", "developer", "GET", at + "/s/events", "", 200, "developer updated ApplicationSets spec"},
		{"delete without a right", "stranger", "DELETE", at + "/s", "", 403, `"message":"permission denied"`},
		{"delete", "developer", "DELETE", at + "/s", "", 200, "{}"},
		{"delete again", "admin", "DELETE", at + "/s", "", 404, `error getting ApplicationSets: applicationsets.argoproj.io \"s\" not found`},
	} {
		status, answer := h.rest(c.user, c.verb, c.path, c.body)
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %s; want %d and %s", c.name, status, answer, c.status, c.want)
		}
	}
}

func TestTreeOfApplicationSet(t *testing.T) {
	h := newHub(t)
	set := setNamed(t, "s", "shop", "{name: a}")
	set.Namespace, set.UID = hubNamespace, "uid"
	set.Status.Resources = []argo.ResourceStatus{
		{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application", Name: "b"},
		{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application", Name: "a", Health: &argo.HealthStatus{Status: argo.HealthStatusHealthy}},
	}
	if err := h.client.Create(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	status, answer := h.rest("admin", http.MethodGet, "/api/v1/applicationsets/s/resource-tree", "")
	const want = `{"nodes":[{"group":"argoproj.io","version":"v1alpha1","kind":"Application","namespace":"argocd","name":"a",` +
		`"parentRefs":[{"group":"argoproj.io","version":"v1alpha1","kind":"ApplicationSet","namespace":"argocd","name":"s","uid":"uid"}],"health":{"status":"Healthy"}}`
	if status != 200 || !strings.HasPrefix(answer, want) {
		t.Errorf("got %d %s", status, answer)
	}
}

func TestWatchApplicationSets(t *testing.T) {
	h := newHub(t)
	for _, name := range []string{"mine", "other"} {
		project := map[string]string{"mine": "shop", "other": "default"}[name]
		set := setNamed(t, name, project, "{name: a}")
		set.Namespace = hubNamespace
		if err := h.client.Create(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	h.grant("p, role:developer, applicationsets, get, shop/*, allow")
	change := func(name string) {
		t.Helper()
		set := &argo.ApplicationSet{}
		if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: name}, set); err != nil {
			t.Fatal(err)
		}
		set.Labels = map[string]string{"changed": "yes"}
		h.update(set)
	}
	var seen []string
	for event, err := range hubclient.Stream(t.Context(), h.as("developer"), protocol.ApplicationSetWatch, &protocol.ApplicationSetWatchQuery{Name: "mine"}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, event.Type+" "+event.ApplicationSet.Name+" "+event.ApplicationSet.Labels["changed"])
		if len(seen) == 2 {
			break
		}
		change("other")
		change("mine")
	}
	if got := strings.Join(seen, ", "); got != "ADDED mine , MODIFIED mine yes" {
		t.Errorf("seen: %s", got)
	}
}
