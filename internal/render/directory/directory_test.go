package directory

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/manifest"
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
		"app/a.yaml":             manifestOf("a"),
		"app/b.yml":              manifestOf("b1") + "---\n" + manifestOf("b2"),
		"app/c.json":             `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}]}`,
		"app/README.md":          "# not a manifest",
		"app/values.yaml":        "replicas: 1\nimage: x\n",
		"app/skipped.yaml":       "# +argocd:skip-file-rendering\napiVersion: v1\nkind: [\n",
		"app/env/d.yaml":         manifestOf("d"),
		"app/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
		"app/env/deep/e.yaml":    manifestOf("e"),
		"app/link.yaml":          "-> ../shared/f.yaml",
		"shared/f.yaml":          manifestOf("f"),
		"app/.hidden.yaml":       manifestOf("hidden"),
		"app/env/.git/x.yaml":    manifestOf("never"),
		"elsewhere/other.yaml":   manifestOf("other"),
		"app/folder.yaml":        "-> ../elsewhere",
		"app/nowhere":            "-> ../nothing",
		"app/s.yaml.sealed":      manifestOf("sealed"),
		"app/g.jsonnet":          `local cm = import "../shared/cm.libsonnet"; [cm("g"), {apiVersion: "v1", kind: "List", items: [cm("h")]}]`,
		"shared/cm.libsonnet":    `function(name) {apiVersion: "v1", kind: "ConfigMap", metadata: {name: name + std.extVar("suffix")}}`,
	})
	for _, test := range []struct {
		name    string
		options v1alpha1.ApplicationSourceDirectory
		want    string
	}{
		{"one folder", v1alpha1.ApplicationSourceDirectory{}, "hidden a b1 b2 c g-x h-x f"},
		{"with those below", v1alpha1.ApplicationSourceDirectory{Recurse: true}, "hidden a b1 b2 c d e g-x h-x f"},
		{"include", v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: "env/*"}, "d e"},
		{"include one of several", v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: "{a.yaml,*/e.yaml}"}, "a e"},
		{"exclude", v1alpha1.ApplicationSourceDirectory{Recurse: true, Exclude: "{*.json,env/*,.*}"}, "a b1 b2 g-x h-x f"},
		{"any name", v1alpha1.ApplicationSourceDirectory{DisableExtensionFilter: true, Include: "*.sealed"}, "sealed"},
		{"exclude wins", v1alpha1.ApplicationSourceDirectory{Include: "*.yaml", Exclude: "*a.yaml"}, "hidden f"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.options.Jsonnet.ExtVars = []v1alpha1.JsonnetVar{{Name: "suffix", Value: "-x"}}
			objects, err := Render(context.Background(), tree, "app", Options{ApplicationSourceDirectory: test.options}, nil)
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
		{name: "broken YAML in braces", file: "x.yaml", content: "{apiVersion: v1, kind: A, metadata: {name: [}}\n", want: "app/x.yaml: parsing manifests: document 1:"},
		{name: "hardly a manifest", file: "x.yaml", content: "kind: [\n", want: "app/x.yaml: parsing manifests: document 1:"},
		{name: "a misspelt key", file: "x.yaml", content: "apiVersion: v1\nkindd: A\nmetadata: {name: a}\n", want: "app/x.yaml: parsing manifests: document 1:"},
		{name: "no name", file: "x.yaml", content: "apiVersion: v1\nkind: A\nmetadata: {}\n", want: "app/x.yaml: A has no metadata.name"},
		{name: "JSON that is no manifest", file: "x.json", content: `{"a": 1}`, want: "app/x.json: parsing manifests"},
		{name: "Jsonnet that is none", file: "x.jsonnet", content: "{\n", want: "evaluating Jsonnet app/x.jsonnet: app/x.jsonnet:2:1"},
		{name: "Jsonnet that is no manifest", file: "x.jsonnet", content: "{a: 1}", want: "app/x.jsonnet: parsing manifests: document 1:"},
		{name: "a library of Jsonnet outside", file: "x.jsonnet", content: "{}", want: "leads out of the repository",
			options: v1alpha1.ApplicationSourceDirectory{Jsonnet: v1alpha1.ApplicationSourceJsonnet{Libs: []string{".."}}}},
		{name: "a link to nowhere", file: "x.yaml", content: "-> y", want: "app/x.yaml: file does not exist"},
		{name: "a pattern that is none", file: "x.yaml", content: "", want: `directory.include: "[" is not a pattern`, options: v1alpha1.ApplicationSourceDirectory{Include: "["}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := files(map[string]string{"app/" + test.file: test.content})
			if _, err := Render(context.Background(), tree, "app", Options{ApplicationSourceDirectory: test.options}, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestBombs reads manifests that mean far more than they are.
func TestBombs(t *testing.T) {
	laughs := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nl0: &l0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		laughs += fmt.Sprintf("l%d: &l%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d,", i), 10), ","))
	}
	head := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: "
	for name, content := range map[string]string{
		"aliases of aliases": laughs,
		"deep YAML":          head + strings.Repeat("[", 200000),
		"deep closed YAML":   head + strings.Repeat("[", 200000) + strings.Repeat("]", 200000),
		"deep blocks":        head + strings.Repeat("- ", 200000) + "x",
		"deep mappings":      head + strings.Repeat("{a: ", 200000),
		"an alias of itself": head + "&a [*a]",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if _, err := Render(ctx, files(map[string]string{"app/x.yaml": content}), "app", Options{}, nil); err == nil {
				t.Error("it was read")
			}
		})
	}
	huge := strings.Repeat("# nothing but comments\n", maxBytes/3/20)
	if _, err := Render(t.Context(), files(map[string]string{"app/a.yaml": huge, "app/b.yaml": huge, "app/c.yaml": huge, "app/d.yaml": huge, "app/e.yaml": huge}), "app",
		Options{ApplicationSourceDirectory: v1alpha1.ApplicationSourceDirectory{Exclude: "a.yaml"}}, nil); err == nil || !strings.Contains(err.Error(), "bytes together") {
		t.Errorf("huge manifests: %v", err)
	}
}

func TestRenderEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Render(ctx, files(map[string]string{"app/a.yaml": manifestOf("a")}), "app", Options{}, nil); err != context.Canceled {
		t.Errorf("error is %v", err)
	}
}

// FuzzRender reads any file of any name that counts.
func FuzzRender(f *testing.F) {
	for _, seed := range []struct{ name, content string }{
		{"x.yaml", manifestOf("a")}, {"x.json", `{"apiVersion":"v1","kind":"List","items":[null]}`}, {"x.jsonnet", `[null]`},
		{"x.yaml", "a: &a [*a]"}, {"x.yaml", "apiVersion: v1\nkind: List\nitems: [{}]"}, {"x.yaml", "kind: x\nmetadata: 1\napiVersion: 2"},
	} {
		f.Add(seed.name, seed.content, "*", "{x,y}")
	}
	f.Fuzz(func(t *testing.T, name, content, include, exclude string) {
		if !fs.ValidPath(name) || strings.Contains(name, "/") {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		objects, err := Render(ctx, files(map[string]string{"app/" + name: content}), "app", Options{ApplicationSourceDirectory: v1alpha1.ApplicationSourceDirectory{Include: include, Exclude: exclude}}, nil)
		if err != nil {
			return
		}
		for _, u := range objects {
			if err := manifest.Check(u); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzLooksLikeManifest(f *testing.F) {
	f.Add([]byte("apiVersion: v1\n---\nkind: x\n"))
	f.Fuzz(func(t *testing.T, data []byte) { looksLikeManifest(data) })
}
