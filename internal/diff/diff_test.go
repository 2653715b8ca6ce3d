package diff

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// A scenario has the files manifest, answer (what the server made of it; its managed fields under "owned"), live (the
// same), optionally ignore (rules); and what comes out: literal (true or false) and differences (a path a line).
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
			parts := map[string][]byte{}
			for _, f := range archive.Files {
				parts[f.Name] = f.Data
			}
			manifest, answer, live := read(t, parts["manifest"]), read(t, parts["answer"]), read(t, parts["live"])
			var rules []v1alpha1.ResourceIgnoreDifferences
			if err := yaml.Unmarshal(parts["ignore"], &rules); err != nil {
				t.Fatal(err)
			}
			compiled, err := Compile(rules, Defaults{})
			if err != nil {
				t.Fatal(err)
			}
			ignore := compiled.For(manifest)
			desired, err := FromApply(answer)
			if err != nil {
				t.Fatal(err)
			}
			paths, err := desired.Compare(live, ignore)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Fields(string(parts["differences"])), paths, cmp.Transformer("empty", func(s []string) string { return strings.Join(s, "\n") })); d != "" {
				t.Errorf("differences:\n%s", d)
			}
			literal := Literal(strip(t, ignore, live, manifest), strip(t, ignore, live, live))
			if want := strings.TrimSpace(string(parts["literal"])) == "true"; literal != want {
				t.Errorf("literal %v, want %v", literal, want)
			}
			if literal && len(paths) > 0 && ignore.Empty() {
				t.Error("literally the same and yet different")
			}
		})
	}
}

func strip(t *testing.T, ignore Ignore, live, u *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	view, err := ignore.On(live)
	if err != nil {
		t.Fatal(err)
	}
	stripped, err := view.Strip(u)
	if err != nil {
		t.Fatal(err)
	}
	return stripped
}

// read parses an object; its top-level "owned" becomes our entry of managedFields, "theirs" another manager's by name.
func read(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &u.Object); err != nil {
		t.Fatal(err)
	}
	var entries []any
	entry := func(manager, operation string, fields any) {
		entries = append(entries, map[string]any{
			"manager": manager, "operation": operation, "apiVersion": u.GetAPIVersion(), "fieldsType": "FieldsV1", "fieldsV1": fields,
		})
	}
	if fields, ok := u.Object["owned"]; ok {
		entry(Manager, "Apply", fields)
	}
	if theirs, ok := u.Object["theirs"].(map[string]any); ok {
		for manager, fields := range theirs {
			entry(manager, "Update", fields)
		}
	}
	delete(u.Object, "owned")
	delete(u.Object, "theirs")
	if entries == nil {
		return u
	}
	if err := unstructured.SetNestedSlice(u.Object, entries, "metadata", "managedFields"); err != nil {
		t.Fatal(err)
	}
	raw, err := u.MarshalJSON() // numbers as an API server's answer has them
	if err != nil {
		t.Fatal(err)
	}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestHideSecrets(t *testing.T) {
	make := func(value string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s",
				"annotations": map[string]any{"kubectl.kubernetes.io/last-applied-configuration": value}},
			"data": map[string]any{"same": "c2FtZQ==", "key": value},
		}}
	}
	old, new := make("b2xk"), make("bmV3")
	hidden := HideSecrets(old, nil, new)
	for _, u := range []*unstructured.Unstructured{hidden[0], hidden[2]} {
		raw, _ := u.MarshalJSON()
		if strings.Contains(string(raw), "b2xk") || strings.Contains(string(raw), "bmV3") || strings.Contains(string(raw), "c2Ft") {
			t.Errorf("the secret shows: %s", raw)
		}
	}
	value := func(i int, key string) string {
		s, _, _ := unstructured.NestedString(hidden[i].Object, "data", key)
		return s
	}
	if value(0, "same") != value(2, "same") || value(0, "key") == value(2, "key") {
		t.Error("it must still show which key changed")
	}
	if s, _, _ := unstructured.NestedString(old.Object, "data", "key"); s != "b2xk" {
		t.Error("the original was changed")
	}
}
