package generator

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// repositories are one tree, and what was asked of them.
type repositories struct {
	tree    fstest.MapFS
	fresh   []bool
	project string
	wrong   error
	unsaid  error
}

func (r *repositories) Files(_ context.Context, project string, _ v1alpha1.ApplicationSource, fresh bool) (fs.FS, string, error) {
	r.fresh, r.project = append(r.fresh, fresh), project
	return r.tree, "0123456789", r.wrong
}

func (r *repositories) Verify(context.Context, string, v1alpha1.ApplicationSource, string) error {
	return r.unsaid
}

func files(names ...string) fstest.MapFS {
	tree := fstest.MapFS{}
	for _, name := range names {
		name, content, _ := strings.Cut(name, "=")
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return tree
}

var repository = &repositories{tree: files(
	"apps/web/config.yaml=name: web\nreplicas: 3\nhost: {zone: a, ports: [80, 443]}", "apps/db/config.json=[{\"name\": \"db-1\"}, {\"name\": \"db-2\"}]",
	"apps/old/config.yaml=name: old", ".github/x/y", "apps/.hidden/config.yaml=name: hidden", "README.md",
)}

func clusterSecret(name, server string, labels, annotations map[string]string) client.Object {
	if labels == nil {
		labels = map[string]string{}
	}
	labels["argocd.argoproj.io/secret-type"] = "cluster"
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "cluster-" + strings.ToLower(name), Labels: labels, Annotations: annotations},
		Data:       map[string][]byte{"name": []byte(name), "server": []byte(server)},
	}
}

func all(t testing.TB, r Repositories, objects ...client.Object) *All {
	t.Helper()
	reader := fake.NewClientBuilder().WithObjects(objects...).Build()
	git := NewRepository(r, RepositoryOptions{Requeue: func() time.Duration { return 3 * time.Minute }, Now: time.Now})
	return (&All{List: NewList(), Clusters: NewClusters(reader, "argocd"), Git: git, OCI: git}).WithCombinations()
}

func setOf(t testing.TB, text string) *v1alpha1.ApplicationSet {
	t.Helper()
	set := &v1alpha1.ApplicationSet{}
	if err := yaml.UnmarshalStrict([]byte(text), &set.Spec); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEverything(t *testing.T) {
	hub := clusterSecret("hub", "https://kubernetes.default.svc", map[string]string{"env": "hub"}, nil)
	prod := clusterSecret("Prod_EU", "https://prod", map[string]string{"env": "prod"}, map[string]string{"note": "some", "argocd.argoproj.io/refresh": "x"})
	for _, c := range []struct {
		name, spec, want, wrong string
		clusters                []client.Object
	}{
		{name: "list", spec: `generators: [{list: {elements: [{a: x, values: {b: z}}]}}]`, want: `[{a: x, values.b: z}]`},
		{name: "list with other than texts", spec: `generators: [{list: {elements: [{a: 1}]}}]`, wrong: `"a" is no string`},
		{name: "list for Go", spec: `{goTemplate: true, generators: [{list: {elements: [{a: {b: 1}}], elementsYaml: "- a: {b: [x]}"}}]}`, want: `[{a: {b: 1}}, {a: {b: [x]}}]`},
		{name: "selector", spec: `generators: [{list: {elements: [{a: x}, {a: z}]}, selector: {matchLabels: {a: z}}}]`, want: `[{a: z}]`},
		{name: "only the hub", spec: `generators: [{clusters: {values: {v: "{{name}}-1"}}}]`,
			want: `[{name: in-cluster, nameNormalized: in-cluster, server: "https://kubernetes.default.svc", project: "", values.v: in-cluster-1}]`},
		{name: "clusters", spec: `generators: [{clusters: {}}]`, clusters: []client.Object{prod},
			want: `[{name: Prod_EU, nameNormalized: prod-eu, server: https://prod, project: "", metadata.labels.env: prod, metadata.labels.argocd.argoproj.io/secret-type: cluster, metadata.annotations.note: some},
			{name: in-cluster, nameNormalized: in-cluster, server: "https://kubernetes.default.svc", project: ""}]`},
		{name: "the hub by a Secret", spec: `{goTemplate: true, generators: [{clusters: {}}]}`, clusters: []client.Object{hub},
			want: `[{name: hub, nameNormalized: hub, server: "https://kubernetes.default.svc", project: "", metadata: {labels: {env: hub, argocd.argoproj.io/secret-type: cluster}}}]`},
		{name: "selected clusters", spec: `generators: [{clusters: {selector: {matchLabels: {env: prod}}}}]`, clusters: []client.Object{hub},
			want: `[]`},
		{name: "flat list", spec: `{goTemplate: true, generators: [{clusters: {flatList: true, selector: {matchLabels: {env: hub}}}}]}`, clusters: []client.Object{hub, prod},
			want: `[{clusters: [{name: hub, nameNormalized: hub, server: "https://kubernetes.default.svc", project: "", metadata: {labels: {env: hub, argocd.argoproj.io/secret-type: cluster}}}]}]`},
		{name: "directories", spec: `generators: [{git: {repoURL: u, revision: HEAD, directories: [{path: apps/*}, {path: apps/old, exclude: true}]}}]`,
			want: `[{path: apps/db, path.basename: db, path.basenameNormalized: db, "path[0]": apps, "path[1]": db}, {path: apps/web, path.basename: web, path.basenameNormalized: web, "path[0]": apps, "path[1]": web}]`},
		{name: "directories for Go", spec: `{goTemplate: true, generators: [{git: {repoURL: u, revision: HEAD, pathParamPrefix: p, directories: [{path: apps/web}], values: {v: "{{.p.path.basename}}"}}}]}`,
			want: `[{p: {path: {path: apps/web, basename: web, basenameNormalized: web, segments: [apps, web]}}, values: {v: web}}]`},
		{name: "files", spec: `generators: [{git: {repoURL: u, revision: HEAD, files: [{path: "apps/*/config.*"}, {path: "apps/old/*", exclude: true}, {path: "apps/.hidden", exclude: true}], values: {v: "{{name}}"}}}]`,
			want: `[{name: db-1, values.v: db-1, path: apps/db, path.basename: db, path.basenameNormalized: db, path.filename: config.json, path.filenameNormalized: config.json, "path[0]": apps, "path[1]": db},
			{name: db-2, values.v: db-2, path: apps/db, path.basename: db, path.basenameNormalized: db, path.filename: config.json, path.filenameNormalized: config.json, "path[0]": apps, "path[1]": db},
			{name: web, values.v: web, replicas: "3", host.zone: a, host.ports.0: "80", host.ports.1: "443", path: apps/web, path.basename: web, path.basenameNormalized: web, path.filename: config.yaml, path.filenameNormalized: config.yaml, "path[0]": apps, "path[1]": web}]`},
		{name: "a file that is no YAML", spec: `generators: [{git: {repoURL: u, revision: HEAD, files: [{path: README.md}, {path: apps/web/config.yaml}]}}]`,
			want: `[{path: ., path.basename: ., path.basenameNormalized: "", path.filename: README.md, path.filenameNormalized: readme.md, "path[0]": .}, {name: web, replicas: "3", host.zone: a, host.ports.0: "80", host.ports.1: "443", path: apps/web, path.basename: web, path.basenameNormalized: web, path.filename: config.yaml, path.filenameNormalized: config.yaml, "path[0]": apps, "path[1]": web}]`},
		{name: "neither directories nor files", spec: `generators: [{git: {repoURL: u, revision: HEAD}}]`, wrong: "ApplicationSet is empty"},
		{name: "matrix", spec: `generators: [{matrix: {generators: [{list: {elements: [{a: x}, {a: z}]}}, {list: {elements: [{b: "1"}, {b: "{{a}}"}]}}]}}]`,
			want: `[{a: x, b: "1"}, {a: x, b: x}, {a: z, b: "1"}, {a: z, b: z}]`},
		{name: "matrix that disagrees", spec: `generators: [{matrix: {generators: [{list: {elements: [{a: x}]}}, {list: {elements: [{a: z}]}}]}}]`,
			wrong: "found duplicate key a with different value, a: x ,b: z"},
		{name: "matrix for Go", spec: `{goTemplate: true, generators: [{matrix: {generators: [{git: {repoURL: u, revision: HEAD, files: [{path: apps/web/config.yaml}]}}, {list: {elementsYaml: "{{ range .host.ports }}- port: {{.}}\n{{end}}", elements: []}, selector: {matchLabels: {port: "80"}}}]}}]}`,
			want: `[{name: web, replicas: 3, port: 80, host: {zone: a, ports: [80, 443]}, path: {path: apps/web, basename: web, basenameNormalized: web, filename: config.yaml, filenameNormalized: config.yaml, segments: [apps, web]}}]`},
		{name: "matrix of one", spec: `generators: [{matrix: {generators: [{list: {elements: []}}]}}]`, wrong: "found less than two generators, Matrix support only two"},
		{name: "matrix of three", spec: `generators: [{matrix: {generators: [{list: {}}, {list: {}}, {list: {}}]}}]`, wrong: "found more than two generators, Matrix support only two"},
		{name: "matrix of nothing", spec: `generators: [{matrix: {generators: [{}, {list: {}}]}}]`, wrong: "child generator generated no parameters"},
		{name: "matrix in matrix", spec: `generators: [{matrix: {generators: [{list: {elements: [{a: x}]}}, {matrix: {generators: [{list: {elements: [{b: "{{a}}-b"}]}}, {list: {elements: [{c: c}]}}]}}]}}]`,
			want: `[{a: x, b: x-b, c: c}]`},
		{name: "merge", spec: `generators: [{merge: {mergeKeys: [k], generators: [{list: {elements: [{k: "1", v: a}, {k: "2", v: b}]}}, {list: {elements: [{k: "2", v: c, w: d}, {k: "3", v: e}]}}]}}]`,
			want: `[{k: "1", v: a}, {k: "2", v: c, w: d}]`},
		{name: "merge for Go", spec: `{goTemplate: true, generators: [{merge: {mergeKeys: [k], generators: [{list: {elements: [{k: "1", v: {a: 1, b: 2}}]}}, {list: {elements: [{k: "1", v: {b: 3}}]}}]}}]}`,
			want: `[{k: "1", v: {a: 1, b: 3}}]`},
		{name: "merge of repeated keys", spec: `generators: [{merge: {mergeKeys: [k], generators: [{list: {elements: [{k: a}, {k: a}]}}, {list: {}}]}}]`,
			wrong: `Duplicate key was {"k":"a"}`},
		{name: "merge without keys", spec: `generators: [{merge: {mergeKeys: [], generators: [{list: {}}, {list: {}}]}}]`, wrong: "no merge keys were specified, Merge requires at least one"},
		{name: "merge of one", spec: `generators: [{merge: {mergeKeys: [k], generators: [{list: {}}]}}]`, wrong: "found less than two generators, Merge requires two or more"},
		{name: "a failing second", spec: `generators: [{list: {elements: [{a: x}]}}, {git: {repoURL: u, revision: HEAD}}]`, wrong: "ApplicationSet is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := setOf(t, c.spec)
			found, err := all(t, repository, c.clusters...).Everything(t.Context(), set)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) || found != nil {
					t.Errorf("got %v, %v; want nothing and an error with %q", found, err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := []Params{}
			for _, f := range found {
				got = append(got, f.Params...)
			}
			var want any
			if err := yaml.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if a, b := text(t, got), text(t, want); a != b {
				t.Errorf("got\n%s\nwant\n%s", a, b)
			}
		})
	}
}

func text(t testing.TB, value any) string {
	t.Helper()
	data, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTemplateOfGenerator(t *testing.T) {
	set := setOf(t, `
template: {metadata: {name: base}, spec: {project: p, destination: {namespace: base}}}
generators: [{list: {elements: [{a: x}], template: {metadata: {name: own}, spec: {project: "", destination: {}}}}}]`)
	found, err := all(t, repository).Everything(t.Context(), set)
	if err != nil || found[0].Template.Name != "own" || found[0].Template.Spec.Destination.Namespace != "base" {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestHostIsAskedWhenDue(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &repositories{tree: files("apps/a/x")}
	git := NewRepository(r, RepositoryOptions{Requeue: func() time.Duration { return 3 * time.Minute }, Now: func() time.Time { return now }})
	set := setOf(t, `{template: {metadata: {}, spec: {project: p, destination: {}}}, generators: [{git: {repoURL: "https://git.example/a.git", revision: HEAD, directories: [{path: "apps/*"}]}}]}`)
	ask := func(want bool, why string) {
		t.Helper()
		if _, err := git.Params(t.Context(), &set.Spec.Generators[0], set); err != nil && r.wrong == nil {
			t.Fatal(err)
		}
		if got := r.fresh[len(r.fresh)-1]; got != want {
			t.Errorf("%s: asked is %v", why, got)
		}
	}
	ask(true, "at first")
	ask(false, "at once again")
	now = now.Add(3 * time.Minute)
	ask(true, "after the interval")
	git.Pushed("git@git.example:a")
	ask(true, "after a push")
	git.Pushed("https://git.example/ab")
	ask(false, "after a push to another")
	set.Annotations = map[string]string{v1alpha1.ApplicationSetRefreshAnnotation: "true"}
	ask(true, "when somebody wants it")
	set.Annotations = nil
	r.wrong = errors.New("no host")
	ask(false, "as long as it is not due")
	ask(true, "after a mistake")
	if r.project != "p" {
		t.Errorf("asked for project %q", r.project)
	}
	set.Spec.Template.Spec.Project = "{{name}}"
	ask(true, "of another project")
	if r.project != "" {
		t.Errorf("asked for project %q, which is only a template", r.project)
	}
}

func TestRequeueAfter(t *testing.T) {
	a := all(t, repository)
	for spec, want := range map[string]time.Duration{
		`generators: [{list: {}}]`:                                   0,
		`generators: [{list: {}}, {git: {repoURL: u, revision: r}}]`: 3 * time.Minute,
		`generators: [{git: {repoURL: u, revision: r, requeueAfterSeconds: 30}}, {git: {repoURL: u, revision: r}}]`:                              30 * time.Second,
		`generators: [{matrix: {generators: [{list: {}}, {matrix: {generators: [{git: {repoURL: u, revision: r, requeueAfterSeconds: 7}}]}}]}}]`: 7 * time.Second,
	} {
		if got := a.RequeueAfter(setOf(t, spec)); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
}

func TestUnsignedIsNothing(t *testing.T) {
	r := &repositories{tree: files("apps/a/x"), unsaid: errors.New("not signed")}
	set := setOf(t, `{template: {metadata: {}, spec: {project: p, destination: {}}}, generators: [{git: {repoURL: u, revision: HEAD, directories: [{path: "apps/*"}]}}]}`)
	if found, err := all(t, r).Everything(t.Context(), set); err == nil || found != nil {
		t.Errorf("got %v, %v", found, err)
	}
}
