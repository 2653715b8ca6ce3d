package directory

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func manifestOf(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n"
}

func files(contents map[string]string) fstest.MapFS {
	result := fstest.MapFS{}
	for name, content := range contents {
		file := &fstest.MapFile{Data: []byte(content)}
		if strings.HasPrefix(content, "-> ") {
			file = &fstest.MapFile{Data: []byte(content[3:]), Mode: fs.ModeSymlink}
		}
		result[name] = file
	}
	return result
}

func TestRender(t *testing.T) {
	tree := files(map[string]string{
		"app/a.yaml":           manifestOf("a"),
		"app/b.yml":            manifestOf("b1") + "---\n" + manifestOf("b2"),
		"app/c.json":           `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}]}`,
		"app/README.md":        "# not a manifest",
		"app/values.yaml":      "replicas: 1\nimage: x\n",
		"app/skipped.yaml":     "# +argocd:skip-file-rendering\napiVersion: v1\nkind: [\n",
		"app/env/d.yaml":       manifestOf("d"),
		"app/env/deep/e.yaml":  manifestOf("e"),
		"app/link.yaml":        "-> ../shared/f.yaml",
		"shared/f.yaml":        manifestOf("f"),
		"app/.hidden.yaml":     manifestOf("hidden"),
		"app/env/.git/x.yaml":  manifestOf("never"),
		"elsewhere/other.yaml": manifestOf("other"),
	})
	for _, test := range []struct {
		name    string
		options v1alpha1.ApplicationSourceDirectory
		want    string
	}{
		{"one folder", v1alpha1.ApplicationSourceDirectory{}, "hidden a b1 b2 c f"},
		{"with those below", v1alpha1.ApplicationSourceDirectory{Recurse: true}, "hidden a b1 b2 c d e f"},
		{"include", v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: "env/*"}, "d e"},
		{"include one of several", v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: "{a.yaml,*/e.yaml}"}, "a e"},
		{"exclude", v1alpha1.ApplicationSourceDirectory{Recurse: true, Exclude: "{*.json,env/*,.*}"}, "a b1 b2 f"},
		{"exclude wins", v1alpha1.ApplicationSourceDirectory{Include: "*.yaml", Exclude: "*a.yaml"}, "hidden f"},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects, err := Render(context.Background(), tree, "app", test.options)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, u := range objects {
				names = append(names, u.GetName())
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	for _, test := range []struct {
		name, file, content, want string
		options                   v1alpha1.ApplicationSourceDirectory
	}{
		{name: "broken YAML", file: "x.yaml", content: "apiVersion: v1\nkind: A\n  bad: [\n", want: "app/x.yaml: parsing manifests: document 1:"},
		{name: "a misspelt key", file: "x.yaml", content: "apiVersion: v1\nkindd: A\nmetadata: {name: a}\n", want: "app/x.yaml: parsing manifests: document 1:"},
		{name: "no name", file: "x.yaml", content: "apiVersion: v1\nkind: A\nmetadata: {}\n", want: "app/x.yaml: A has no metadata.name"},
		{name: "JSON that is no manifest", file: "x.json", content: `{"a": 1}`, want: "app/x.json: parsing manifests"},
		{name: "Jsonnet", file: "x.jsonnet", content: "{}", want: "app/x.jsonnet: Jsonnet is not supported yet"},
		{name: "a pattern that is none", file: "x.yaml", content: "", want: `directory.include: "[" is not a pattern`, options: v1alpha1.ApplicationSourceDirectory{Include: "["}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := files(map[string]string{"app/" + test.file: test.content})
			if _, err := Render(context.Background(), tree, "app", test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestRenderEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Render(ctx, files(map[string]string{"app/a.yaml": manifestOf("a")}), "app", v1alpha1.ApplicationSourceDirectory{}); err != context.Canceled {
		t.Errorf("error is %v", err)
	}
}

func FuzzLooksLikeManifest(f *testing.F) {
	f.Add([]byte("apiVersion: v1\n---\nkind: x\n"))
	f.Fuzz(func(t *testing.T, data []byte) { looksLikeManifest(data) })
}
