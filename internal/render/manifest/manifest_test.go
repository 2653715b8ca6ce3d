package manifest

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"several documents", "apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n---\napiVersion: v1\nkind: B\nmetadata: {generateName: b-}\n", "A B"},
		{"a list", `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}]}`, "A"},
		{"nothing", "# only a comment\n", ""},
		{"no kind", "apiVersion: v1\nmetadata: {name: a}\n", "error: x.yaml: parsing manifests: document 1: "},
		{"no apiVersion", "apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\nkind: B\nmetadata: {name: b}\n", `error: x.yaml: parsing manifests: document 2: B "b" has no apiVersion`},
		{"no name", "apiVersion: v1\nkind: A\nmetadata: {}\n", "error: x.yaml: A has no metadata.name"},
		{"no metadata", "apiVersion: v1\nkind: A\n", "error: x.yaml: A has no metadata.name"},
		{"metadata of a wrong type", "apiVersion: v1\nkind: A\nmetadata: [a]\n", "error: x.yaml: A: metadata is no mapping"},
		{"a number as name", "apiVersion: v1\nkind: A\nmetadata: {name: 5}\n", "error: x.yaml: A: metadata.name is no string"},
		{"a boolean as annotation", "apiVersion: v1\nkind: A\nmetadata: {name: a, annotations: {x: true}}\n", `error: x.yaml: A "a": metadata.annotations must map strings`},
		{"not YAML", "a: [\n", "error: x.yaml: parsing manifests: document 1: "},
		{"a scalar", "hello\n", "error: x.yaml: parsing manifests: document 1: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects, err := Parse("x.yaml", []byte(test.data))
			var got []string
			for _, u := range objects {
				got = append(got, u.GetKind())
			}
			text := strings.Join(got, " ")
			if err != nil {
				text = "error: " + err.Error()
			}
			if want := test.want; text != want && (err == nil || !strings.HasPrefix(text, want)) {
				t.Errorf("got %q, want %q", text, want)
			}
		})
	}
}
