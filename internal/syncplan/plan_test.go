package syncplan

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

var update = flag.Bool("update", false, "write the plans into the scenarios")

// A scenario has manifests, live objects (those that are in sync carry the label in-sync), the sync operation, and the plan
// that comes out.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want string
			var plan *txtar.File
			parts := map[string][]byte{}
			for i, f := range archive.Files {
				parts[f.Name] = f.Data
				if f.Name == "plan" {
					plan, want = &archive.Files[i], string(f.Data)
				}
			}
			got := Build(input(t, parts)).String()
			if *update {
				plan.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("another plan (-want +got):\n%s", d)
			}
		})
	}
}

func input(t *testing.T, parts map[string][]byte) Input {
	t.Helper()
	parse := func(name string) []*unstructured.Unstructured {
		objects, err := object.Parse(parts[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return objects
	}
	in := Input{Namespace: "dev", OperationID: "op1", Revision: "0123456789abcdef", LiveHooks: map[object.Key]*unstructured.Unstructured{}}
	live := map[object.Key]*unstructured.Unstructured{}
	for _, u := range parse("live") {
		if _, hook := object.Hooks(u); hook {
			in.LiveHooks[object.KeyOf(u)] = u
		} else if u.GetKind() == "Namespace" && u.GetName() == "dev" {
			in.NamespaceLive = u
		} else {
			live[object.KeyOf(u)] = u
		}
	}
	for _, u := range parse("manifests") {
		if _, hook := object.Hooks(u); hook {
			in.Hooks = append(in.Hooks, u)
			continue
		}
		l := live[object.KeyOf(u)]
		delete(live, object.KeyOf(u))
		in.Items = append(in.Items, Item{Target: u, Live: l, InSync: l != nil && l.GetLabels()["in-sync"] != "", Exact: true})
	}
	for _, u := range live {
		in.Items = append(in.Items, Item{Live: u})
	}
	var operation v1alpha1.SyncOperation
	if err := yaml.UnmarshalStrict(parts["operation"], &operation); err != nil {
		t.Fatal(err)
	}
	var policy v1alpha1.SyncPolicy
	if err := yaml.UnmarshalStrict(parts["policy"], &policy); err != nil {
		t.Fatal(err)
	}
	in.Options = OptionsOf(operation, &policy)
	return in
}

func TestSelects(t *testing.T) {
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "dev", Name: "web"}
	for name, c := range map[string]struct {
		resources []v1alpha1.SyncOperationResource
		want      bool
	}{
		"everything":           {nil, true},
		"it":                   {[]v1alpha1.SyncOperationResource{{Group: "apps", Kind: "Deployment", Name: "web"}}, true},
		"another":              {[]v1alpha1.SyncOperationResource{{Group: "apps", Kind: "Deployment", Name: "db"}}, false},
		"elsewhere":            {[]v1alpha1.SyncOperationResource{{Group: "apps", Kind: "Deployment", Name: "web", Namespace: "x"}}, false},
		"all but it":           {[]v1alpha1.SyncOperationResource{{Group: "apps", Kind: "Deployment", Name: "web", Exclude: true}}, false},
		"all but another":      {[]v1alpha1.SyncOperationResource{{Group: "apps", Kind: "Deployment", Name: "db", Exclude: true}}, true},
		"all of a kind but it": {[]v1alpha1.SyncOperationResource{{Group: "*", Kind: "Deployment", Name: "*"}, {Group: "*", Kind: "*", Name: "web", Exclude: true}}, false},
	} {
		if got := (Options{Resources: c.resources}).selects(web); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
