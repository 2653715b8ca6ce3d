package diff

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

func ignoring(t testing.TB, u *unstructured.Unstructured, rule v1alpha1.ResourceIgnoreDifferences) Ignore {
	t.Helper()
	rule.Group, rule.Kind = "*", "*"
	rules, err := Compile([]v1alpha1.ResourceIgnoreDifferences{rule}, Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	return rules.For(u)
}

func TestKeepLeavesIgnoredFieldsToTheCluster(t *testing.T) {
	const manifest, live = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  replicas: 1
  paused: true
  containers: [{name: web, image: "a:1", env: [{name: X, value: git}]}, {name: log, image: "l:1"}]
`, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, labels: {by: webhook}}
spec:
  replicas: 7
  containers: [{name: proxy, image: "p:1"}, {name: log, image: "l:2"}, {name: web, image: "a:2", env: [{name: X, value: live}]}]
theirs: {scaler: {"f:spec": {"f:replicas": {}, "f:paused": {}, "f:containers": {'k:{"name":"web"}': {"f:name": {}, "f:image": {}}}}}}
`
	for name, c := range map[string]struct {
		rule v1alpha1.ResourceIgnoreDifferences
		want string
	}{
		"pointers": {v1alpha1.ResourceIgnoreDifferences{JSONPointers: []string{"/spec/replicas", "/spec/paused", "/spec/none/0", ""}},
			`{replicas: 7, containers: [{name: web, image: "a:1", env: [{name: X, value: git}]}, {name: log, image: "l:1"}]}`},
		"jq into lists in another order": {v1alpha1.ResourceIgnoreDifferences{JQPathExpressions: []string{".spec.containers[].image"}},
			`{replicas: 1, paused: true, containers: [{name: web, image: "a:2", env: [{name: X, value: git}]}, {name: log, image: "l:2"}]}`},
		"jq of a nested list": {v1alpha1.ResourceIgnoreDifferences{JQPathExpressions: []string{`.spec.containers[].env[]? | select(.name == "X").value`}},
			`{replicas: 1, paused: true, containers: [{name: web, image: "a:1", env: [{name: X, value: live}]}, {name: log, image: "l:1"}]}`},
		"jq of an item that is only in the cluster": {v1alpha1.ResourceIgnoreDifferences{JQPathExpressions: []string{`.spec.containers[] | select(.name == "proxy")`}},
			`{replicas: 1, paused: true, containers: [{name: web, image: "a:1", env: [{name: X, value: git}]}, {name: log, image: "l:1"}, {name: proxy, image: "p:1"}]}`},
		"jq of what the cluster doesn't have": {v1alpha1.ResourceIgnoreDifferences{JQPathExpressions: []string{".spec.paused"}},
			`{replicas: 1, containers: [{name: web, image: "a:1", env: [{name: X, value: git}]}, {name: log, image: "l:1"}]}`},
		"managers": {v1alpha1.ResourceIgnoreDifferences{ManagedFieldsManagers: []string{"scaler"}},
			`{replicas: 7, containers: [{name: web, image: "a:2", env: [{name: X, value: git}]}, {name: log, image: "l:1"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			u := read(t, []byte(manifest))
			kept, err := ignoring(t, u, c.rule).Keep(u, read(t, []byte(live)))
			if err != nil {
				t.Fatal(err)
			}
			var want any
			if err := yaml.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			got, err := yaml.Marshal(kept.Object["spec"])
			if err != nil {
				t.Fatal(err)
			}
			text, err := yaml.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(text), string(got)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(read(t, []byte(manifest)).Object, u.Object); d != "" {
				t.Errorf("the manifest itself was changed: %s", d)
			}
			if object.KeyOf(kept) != object.KeyOf(u) {
				t.Error("another object")
			}
		})
	}
}

func TestRulesMatch(t *testing.T) {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "dev"}}}
	for name, c := range map[string]struct {
		rule v1alpha1.ResourceIgnoreDifferences
		want bool
	}{
		"exact":             {v1alpha1.ResourceIgnoreDifferences{Group: "apps", Kind: "Deployment"}, true},
		"glob":              {v1alpha1.ResourceIgnoreDifferences{Group: "app*", Kind: "*"}, true},
		"everything":        {v1alpha1.ResourceIgnoreDifferences{Group: "*", Kind: "*"}, true},
		"core group":        {v1alpha1.ResourceIgnoreDifferences{Kind: "Deployment"}, false},
		"name":              {v1alpha1.ResourceIgnoreDifferences{Group: "apps", Kind: "Deployment", Name: "w?b", Namespace: "d*"}, true},
		"another name":      {v1alpha1.ResourceIgnoreDifferences{Group: "apps", Kind: "Deployment", Name: "api"}, false},
		"another namespace": {v1alpha1.ResourceIgnoreDifferences{Group: "apps", Kind: "Deployment", Namespace: "prod"}, false},
	} {
		c.rule.JSONPointers = []string{"/spec/replicas"}
		rules, err := Compile([]v1alpha1.ResourceIgnoreDifferences{c.rule}, Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		if got := !rules.For(u).Empty(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestDefaults(t *testing.T) {
	withStatus := func(apiVersion, kind string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "status": map[string]any{}, "aggregationRule": map[string]any{}}}
	}
	for name, c := range map[string]struct {
		defaults         Defaults
		crd, other, role string
	}{
		"none set":  {Defaults{}, "/spec/preserveUnknownFields\n/status\n", "/status\n", "/status\n/rules\n"},
		"crd":       {Defaults{Status: IgnoreStatusOfCRDs}, "/spec/preserveUnknownFields\n/status\n", "", "/rules\n"},
		"no status": {Defaults{Status: IgnoreNoStatus, CountAggregatedRules: true}, "", "", ""},
	} {
		rules, err := Compile(nil, c.defaults)
		if err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[*unstructured.Unstructured]string{
			withStatus("apiextensions.k8s.io/v1", "CustomResourceDefinition"): c.crd,
			withStatus("apps/v1", "Deployment"):                               c.other,
			withStatus("rbac.authorization.k8s.io/v1", "ClusterRole"):         c.role,
		} {
			if got := rules.For(kind).String(); got != want {
				t.Errorf("%s: of %s is ignored %q, want %q", name, kind.GetKind(), got, want)
			}
		}
	}
}

func TestBadRulesAreNamed(t *testing.T) {
	for want, rule := range map[string]v1alpha1.ResourceIgnoreDifferences{
		`the jq path expression ".spec["`:      {Group: "apps", Kind: "Deployment", JQPathExpressions: []string{".spec["}},
		`the jq path expression "nosuchthing"`: {Group: "apps", Kind: "Deployment", JQPathExpressions: []string{"nosuchthing"}},
		`the pattern "[a"`:                     {Group: "[a", Kind: "Deployment"},
	} {
		if _, err := Compile([]v1alpha1.ResourceIgnoreDifferences{rule}, Defaults{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestQueriesAreBounded(t *testing.T) {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	for expression, want := range map[string]string{
		`def f: f; .a | f`:              "timed out (100ms)",
		`.a[range(1; 1000000000)]`:      "more than 10000 fields",
		`.a | select(last(range(1e9)))`: "timed out",
	} {
		rules, err := Compile([]v1alpha1.ResourceIgnoreDifferences{{Group: "*", Kind: "*", JQPathExpressions: []string{expression}}}, Defaults{QueryTimeout: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rules.For(u).Keep(u, u); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("/spec/replicas", ".spec.list[] | select(.name == \"a\")")
	f.Add("/spec/list/0/~1~0", ".spec.list[-1], .spec, .")
	f.Add("/", ".spec.list[1:]")
	f.Add("//", ".spec.list |= 3")
	f.Add("/spec/list/-1", "..")
	f.Fuzz(func(t *testing.T, pointer, expression string) {
		live := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "K", "spec": map[string]any{
			"replicas": int64(1), "list": []any{map[string]any{"name": "a", "v": int64(1)}, map[string]any{"name": "b"}, "c"}}}}
		manifest := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "K", "spec": map[string]any{
			"replicas": int64(2), "list": []any{"c", map[string]any{"name": "a", "v": int64(2)}}}}}
		before := manifest.DeepCopy()
		rules, err := Compile([]v1alpha1.ResourceIgnoreDifferences{{Group: "*", Kind: "K", JSONPointers: []string{pointer}, JQPathExpressions: []string{expression}}},
			Defaults{QueryTimeout: 10 * time.Millisecond})
		if err != nil {
			return
		}
		ignore := rules.For(manifest)
		if _, err := ignore.Keep(manifest, live); err != nil {
			return
		}
		view, err := ignore.On(live)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := view.Strip(manifest); err != nil {
			return
		}
		if d := cmp.Diff(before.Object, manifest.Object); d != "" {
			t.Errorf("the manifest was changed: %s", d)
		}
	})
}
