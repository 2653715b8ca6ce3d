package kustomize

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

// tree makes a file system of a txtar archive.
func tree(archive *txtar.Archive) fstest.MapFS {
	files := fstest.MapFS{}
	for _, file := range archive.Files {
		files[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	return files
}

func build(files fs.FS, root string, options *v1alpha1.ApplicationSourceKustomize) (string, error) {
	return buildWith(files, root, options, Settings{})
}

func buildWith(files fs.FS, root string, options *v1alpha1.ApplicationSourceKustomize, settings Settings) (string, error) {
	expand := func(s string) string { return strings.ReplaceAll(s, "$ARGOCD_APP_NAME", "guestbook") }
	objects, err := Build(context.Background(), Input{
		Files: files, Root: root, Options: options, Settings: settings, KubeVersion: "v1.31.0", APIVersions: []string{"example.com/v1"}, Expand: expand,
	})
	if err != nil {
		return "", err
	}
	var documents []string
	for _, u := range objects {
		data, err := yaml.Marshal(u.Object)
		if err != nil {
			return "", err
		}
		documents = append(documents, string(data))
	}
	return strings.Join(documents, "---\n"), nil
}

// TestScenarios builds the kustomization in the folder "app" of each archive with the options in "options" and the operator's
// in "argocd-cm", and compares
// with "want", or with the error text in "error". UPDATE rewrites what is wanted.
func TestScenarios(t *testing.T) {
	scenarios, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, scenario := range scenarios {
		t.Run(strings.TrimSuffix(filepath.Base(scenario), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(scenario)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(data)
			take := func(name string) (string, bool) {
				i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
				if i < 0 {
					return "", false
				}
				content := string(archive.Files[i].Data)
				archive.Files = slices.Delete(archive.Files, i, i+1)
				return content, true
			}
			want, _ := take("want")
			wantError, fails := take("error")
			var options *v1alpha1.ApplicationSourceKustomize
			if text, ok := take("options"); ok {
				if err := yaml.UnmarshalStrict([]byte(text), &options); err != nil {
					t.Fatal(err)
				}
			}
			var configMap map[string]string
			if text, ok := take("argocd-cm"); ok {
				if err := yaml.UnmarshalStrict([]byte(text), &configMap); err != nil {
					t.Fatal(err)
				}
			}
			got, err := buildWith(tree(archive), "app", options, SettingsFrom(configMap))
			if fails {
				if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(wantError)) {
					t.Errorf("error is\n%v\nwant\n%s", err, wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestNothingLeavesTheRepository counts requests that Kustomize would make.
func TestNothingLeavesTheRepository(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	defer server.Close()
	outside := filepath.Join(t.TempDir(), "outside.yaml")
	if err := os.WriteFile(outside, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: outside}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, kustomization := range []string{
		"resources: [URL/x.yaml]",
		"resources: ['git::URL/x.git']",
		"resources: [github.com/org/repo]",
		"resources: [GitHub.com/org/repo//path?ref=v1]",
		"resources: [git@example.com:org/repo]",
		"resources: [ssh://git@example.com/org/repo]",
		"resources: ['file:///etc']",
		"bases: [URL/org/repo]",
		"components: [URL/org/repo]",
		"crds: [URL/crd.json]",
		"configurations: [URL/c.yaml]",
		"openapi: {path: URL/schema.json}",
		"generators: [URL/g.yaml]",
		"transformers: [URL/t.yaml]",
		"validators: [URL/t.yaml]",
		"transformers: [plugin.yaml]",
		"generators: [generator.yaml]",
		"transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: x}, path: URL/p.yaml}']",
		"patches: [{path: URL/p.yaml}]",
		"patchesStrategicMerge: [URL/p.yaml]",
		"patchesJson6902: [{path: URL/p.yaml, target: {kind: A, name: a}}]",
		"replacements: [{path: URL/p.yaml}]",
		"configMapGenerator: [{name: x, files: [a=URL/x]}]",
		"configMapGenerator: [{name: x, envs: [URL/x]}]",
		"secretGenerator: [{name: x, env: URL/x}]",
		"anchor: &a [URL/x.yaml]\nresources: *a",
		"helmCharts: [{name: x, repo: URL}]",
		"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nresources: [*g,*g,*g,*g,*g,*g]",
		"resources: [../../../../../../../../" + outside + "]",
		"resources: [" + outside + "]",
		"resources: [../..]",
		"configMapGenerator: [{name: x, files: [../../etc/passwd]}]",
	} {
		kustomization = strings.ReplaceAll(kustomization, "URL", server.URL)
		files := fstest.MapFS{
			"app/kustomization.yaml": {Data: []byte(kustomization)},
			"app/plugin.yaml":        {Data: []byte("apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: " + server.URL)},
			"app/generator.yaml":     {Data: []byte("apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: x}\nfiles: [" + server.URL + "]")},
			"etc/passwd":             {Data: []byte("in the repository")},
		}
		got, err := build(files, "app", nil)
		if err == nil {
			t.Errorf("%s: built\n%s", kustomization, got)
		} else if strings.Contains(err.Error(), mount) {
			t.Errorf("%s: the error shows our mount point: %v", kustomization, err)
		}
	}
	if requests > 0 {
		t.Errorf("%d requests were made", requests)
	}
	if _, err := build(fstest.MapFS{"app/kustomization.yaml": {Data: []byte("nameSuffix: x")}}, "app",
		&v1alpha1.ApplicationSourceKustomize{Components: []string{server.URL}, IgnoreMissingComponents: true}); err == nil || !strings.Contains(err.Error(), "is remote") {
		t.Errorf("a remote component in the options: %v", err)
	}
}

// TestSchemasDontLeak builds with and without an OpenAPI schema of one's own at the same time.
func TestSchemasDontLeak(t *testing.T) {
	data, err := os.ReadFile("testdata/own-schema.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := tree(txtar.Parse(data))
	files["plain/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: [rollout.yaml]\npatches: [{path: patch.yaml}]\n")}
	files["plain/rollout.yaml"] = files["app/rollout.yaml"]
	files["plain/patch.yaml"] = files["app/patch.yaml"]
	with, err := build(files, "app", nil)
	if err != nil {
		t.Fatal(err)
	}
	without, err := build(files, "plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	if with == without {
		t.Fatal("the schema makes no difference, so this test shows nothing")
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			root, want := "app", with
			if i%4 > 0 {
				root, want = "plain", without
			}
			if got, err := build(files, root, nil); err != nil || got != want {
				t.Errorf("%s: %v\n%s", root, err, got)
			}
		})
	}
	all.Wait()
}

func TestBuildOptions(t *testing.T) {
	for text, want := range map[string]string{
		"":              "{helm:false reorder: kubeVersion: apiVersions:[]}",
		"--enable-helm": "{helm:true reorder: kubeVersion: apiVersions:[]}",
		"--load-restrictor LoadRestrictionsNone --enable-helm":                                    "{helm:true reorder: kubeVersion: apiVersions:[]}",
		"--load-restrictor=LoadRestrictionsNone":                                                  "{helm:false reorder: kubeVersion: apiVersions:[]}",
		"--reorder legacy --helm-kube-version 1.30 --helm-api-versions a,b --helm-api-versions=c": "{helm:false reorder:legacy kubeVersion:1.30 apiVersions:[a b c]}",
		"--reorder alphabet":          `kustomize.buildOptions in argocd-cm: --reorder is "alphabet": use legacy or none`,
		"--reorder":                   "kustomize.buildOptions in argocd-cm: --reorder needs a value",
		"--load_restrictor none":      "kustomize.buildOptions in argocd-cm: --load_restrictor is no flag of kustomize build",
		"enable-helm":                 `kustomize.buildOptions in argocd-cm: "enable-helm" is no flag`,
		"--enable-alpha-plugins":      "kustomize.buildOptions in argocd-cm: --enable-alpha-plugins: plugins that are programs are not run: use a config management plugin",
		"--enable-exec --enable-helm": "kustomize.buildOptions in argocd-cm: --enable-exec: functions that are programs are not run: use a config management plugin",
	} {
		options, err := Settings{BuildOptions: text}.options("")
		got := fmt.Sprintf("%+v", options)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestSettingsFrom(t *testing.T) {
	settings := SettingsFrom(map[string]string{
		"kustomize.buildOptions": "--enable-helm", "kustomize.version.v4": "/bin/kustomize4", "kustomize.path.v3": "/bin/kustomize3",
		"kustomize.buildOptions.v3": "--reorder legacy", "resource.exclusions": "",
	})
	for version, want := range map[string]buildOptions{"": {helm: true}, "v4": {helm: true}, "v3": {reorder: "legacy"}} {
		if got, err := settings.options(version); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("version %q: got %+v (%v), want %+v", version, got, err, want)
		}
	}
}

// TestBuildsEnd gives kustomizations that include themselves, or mean far more than they are.
func TestBuildsEnd(t *testing.T) {
	cm := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
	}
	many := fstest.MapFS{"app/kustomization.yaml": {Data: []byte("resources: [../l0, ../l0b]\n")}}
	for i := range 20 {
		text := fmt.Sprintf("resources: [../l%d, ../l%db]\nnameSuffix: a\n", i+1, i+1)
		many[fmt.Sprintf("l%d/kustomization.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
		many[fmt.Sprintf("l%db/kustomization.yaml", i)] = &fstest.MapFile{Data: []byte(text + "namePrefix: b\n")}
	}
	for _, name := range []string{"l20", "l20b"} {
		many[name+"/kustomization.yaml"] = &fstest.MapFile{Data: []byte("namePrefix: x\n")}
	}
	for name, files := range map[string]fstest.MapFS{
		"itself":            {"app/kustomization.yaml": {Data: []byte("resources: [.]\n")}},
		"its parent":        {"app/kustomization.yaml": {Data: []byte("resources: [..]\n")}, "kustomization.yaml": {Data: []byte("resources: [app]\n")}},
		"a circle of bases": {"app/kustomization.yaml": {Data: []byte("resources: [../b]\n")}, "b/kustomization.yaml": {Data: []byte("resources: [../app]\n")}},
		"a component of itself": {
			"app/kustomization.yaml": {Data: []byte("components: [../c]\n")}, "c/kustomization.yaml": {Data: []byte("kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\ncomponents: [../c]\n")},
		},
		"bases that multiply": many,
		"deep YAML":           {"app/kustomization.yaml": {Data: []byte("resources: [a.yaml]\n")}, "app/a.yaml": {Data: []byte(cm + "data: " + strings.Repeat("[", 100000))}},
		"aliases of aliases":  {"app/kustomization.yaml": {Data: []byte("resources: [a.yaml]\n")}, "app/a.yaml": {Data: []byte(cm + laughs)}},
		"aliases in a patch": {
			"app/kustomization.yaml": {Data: []byte("resources: [a.yaml]\npatches:\n- patch: |-\n    " + strings.ReplaceAll(cm+laughs, "\n", "\n    "))}, "app/a.yaml": {Data: []byte(cm)},
		},
		"aliases in a patch's file": {
			"app/kustomization.yaml": {Data: []byte("resources: [a.yaml]\npatches: [{path: p.txt}]\n")}, "app/a.yaml": {Data: []byte(cm)}, "app/p.txt": {Data: []byte(cm + laughs)},
		},
		"an alias of itself": {"app/kustomization.yaml": {Data: []byte("resources: [a.yaml]\n")}, "app/a.yaml": {Data: []byte(cm + "data: &a {b: *a}\n")}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := Build(ctx, Input{Files: files, Root: "app"})
			if err == nil || time.Since(began) > 30*time.Second {
				t.Errorf("error is %v after %s", err, time.Since(began))
			}
		})
	}
}

func TestParseImage(t *testing.T) {
	for text, want := range map[string]string{
		"nginx:1.2":                      "nginx||1.2|",
		"nginx=nginx:1.2":                "nginx||1.2|",
		"nginx=registry:5000/x/nginx":    "nginx|registry:5000/x/nginx||",
		"a/b:old=registry:5000/b:v2":     "a/b|registry:5000/b|v2|",
		"nginx@sha256:abc":               "nginx|||sha256:abc",
		"nginx=other:1@sha256:abc":       "nginx|other|1|sha256:abc",
		"registry:5000/cidemo/echo:v2.1": "registry:5000/cidemo/echo||v2.1|",
		"nginx":                          "error",
		"":                               "error",
		"=x":                             "error",
		"registry:5000/x":                "error",
		"old=registry:5000/x":            "old|registry:5000/x||",
	} {
		image, err := parseImage(text)
		got := strings.Join([]string{image.Name, image.NewName, image.NewTag, image.Digest}, "|")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func FuzzBuild(f *testing.F) {
	for _, seed := range []string{
		"resources: [cm.yaml]\nnamespace: x", "bases: [base]\nimages: [{name: a, newTag: b}]", "configMapGenerator: [{name: a, literals: [a=b]}]",
		"resources: [.]", "resources: ['..']", "components: [../app]", "patches: [{patch: '[{\"op\":\"remove\",\"path\":\"/data\"}]', target: {kind: ConfigMap}}]",
		"a: &a [*a]", "resources: [http://x]", "{", "replicas: [{name: x, count: 3}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, kustomization string) {
		files := fstest.MapFS{
			"app/kustomization.yaml":      {Data: []byte(kustomization)},
			"app/cm.yaml":                 {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n")},
			"app/base/kustomization.yaml": {Data: []byte("resources: [../cm.yaml]\n")},
		}
		build(files, "app", &v1alpha1.ApplicationSourceKustomize{NamePrefix: "x-", Images: v1alpha1.KustomizeImages{"a:b"}})
	})
}
