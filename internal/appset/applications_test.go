package appset

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// setOf reads an ApplicationSet's spec.
func setOf(t testing.TB, text string) *v1alpha1.ApplicationSet {
	t.Helper()
	set := &v1alpha1.ApplicationSet{}
	set.Name, set.Namespace = "set", "argocd"
	if err := yaml.UnmarshalStrict([]byte(text), &set.Spec); err != nil {
		t.Fatal(err)
	}
	return set
}

const sample = `
template:
  metadata: {name: '{{name}}-app', labels: {'{{name}}': x, env: '{{env}}'}, annotations: {a: b}}
  spec:
    project: default
    source: {repoURL: 'https://git.example/{{name}}', path: '{{name}}', targetRevision: HEAD, helm: {valuesObject: {n: 5, big: 12345678901234567890, '{{name}}': ['{{env}}', null], gone: null}}}
    destination: {server: https://kubernetes.default.svc, namespace: '{{name}}'}
`

func TestApplications(t *testing.T) {
	for _, c := range []struct {
		name, spec, params, want, wrong string
	}{
		{name: "plain", spec: sample, params: "{name: a, env: dev}", want: `
metadata: {name: a-app, namespace: argocd, labels: {a: x, env: dev}, annotations: {a: b}, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source: {repoURL: https://git.example/a, path: a, targetRevision: HEAD, helm: {valuesObject: {n: 5, big: 12345678901234567890, a: [dev, null]}}}
  destination: {server: https://kubernetes.default.svc, namespace: a}
`},
		{name: "finalizers of its own", spec: `{template: {metadata: {name: '{{name}}', finalizers: [x/y]}, spec: {project: p, destination: {}}}}`,
			params: "{name: a}", want: "{metadata: {name: a, namespace: argocd, finalizers: [x/y]}, spec: {project: p, destination: {}}}"},
		{name: "preserves resources", spec: `{syncPolicy: {preserveResourcesOnDeletion: true}, template: {metadata: {name: '{{name}}'}, spec: {project: p, destination: {}}}}`,
			params: "{name: a}", want: "{metadata: {name: a, namespace: argocd}, spec: {project: p, destination: {}}}"},
		{name: "the namespace is that of the set", spec: `{template: {metadata: {name: '{{name}}', namespace: kube-system}, spec: {project: p, destination: {}}}}`,
			params: "{name: a}", want: "{metadata: {name: a, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}, spec: {project: p, destination: {}}}"},
		{name: "templatePatch", spec: `
goTemplate: true
template: {metadata: {name: '{{.name}}'}, spec: {project: p, destination: {namespace: n}, source: {repoURL: u, helm: {values: old}}}}
templatePatch: |
  metadata: {annotations: {env: '{{.env}}'}, namespace: elsewhere}
  spec:
    project: stolen
    {{- if .auto}}
    syncPolicy: {automated: {prune: {{.prune}}}}
    {{- end}}
    source: {helm: {values: new}}
`, params: "{name: a, env: dev, auto: true, prune: true}", want: `
metadata: {name: a, namespace: argocd, annotations: {env: dev}, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec: {project: p, destination: {namespace: n}, source: {repoURL: u, helm: {values: new}}, syncPolicy: {automated: {prune: true}}}
`},
		{name: "broken templatePatch", spec: `{templatePatch: '[', template: {metadata: {name: a}, spec: {project: p, destination: {}}}}`, params: "{x: y}", wrong: "error while converting template to json"},
		{name: "templatePatch of another form", spec: `{templatePatch: 'spec: [1]', template: {metadata: {name: a}, spec: {project: p, destination: {}}}}`, params: "{x: y}", wrong: "invalid templatePatch"},
		{name: "missing parameter", spec: `{goTemplate: true, goTemplateOptions: [missingkey=error], template: {metadata: {name: '{{.no}}'}, spec: {project: p, destination: {}}}}`,
			params: "{name: a}", wrong: `failed to execute go template {{.no}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, params := setOf(t, c.spec), map[string]any{}
			if err := yaml.Unmarshal([]byte(c.params), &params); err != nil {
				t.Fatal(err)
			}
			got, err := Applications(set, []Found{{Template: set.Spec.Template, Params: []map[string]any{params}}})
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) || got != nil {
					t.Errorf("got %v, %v; want nothing and an error with %q", got, err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := v1alpha1.Application{}
			if err := yaml.UnmarshalStrict([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if a, b := text(t, got[0]), text(t, want); a != b {
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

func TestMergeTemplate(t *testing.T) {
	base := setOf(t, `{template: {metadata: {name: base, labels: {a: base, b: base}}, spec: {project: p, destination: {server: s, namespace: n}, source: {repoURL: u, path: p}}}}`).Spec.Template
	own := setOf(t, `{template: {metadata: {labels: {a: own}}, spec: {project: "", destination: {namespace: own}, source: {repoURL: "", path: own}}}}`).Spec.Template
	merged, err := MergeTemplate(own, base)
	if err != nil {
		t.Fatal(err)
	}
	want := setOf(t, `{template: {metadata: {name: base, labels: {a: own, b: base}}, spec: {project: p, destination: {server: s, namespace: own}, source: {repoURL: u, path: own}}}}`).Spec.Template
	if a, b := text(t, merged), text(t, want); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
	if base.Labels["a"] != "base" {
		t.Error("merging has changed the set's template")
	}
}

func TestInterpolate(t *testing.T) {
	set := setOf(t, "{goTemplate: true, goTemplateOptions: [missingkey=error], template: {metadata: {}, spec: {project: p, destination: {}}}}")
	g := v1alpha1.ApplicationSetGenerator{}
	if err := yaml.UnmarshalStrict([]byte(`
matrix:
  generators:
  - git: {repoURL: 'https://{{.host}}', revision: main, directories: [{path: '{{.dir}}/*'}], values: {early: '{{.host}}', late: '{{.path.basename}}'}}
  - list: {elements: [{values: {x: '{{.host}}'}}]}
`), &g); err != nil {
		t.Fatal(err)
	}
	got, err := Interpolate(&g, map[string]any{"host": "git.example", "dir": "apps"}, set)
	if err != nil {
		t.Fatal(err)
	}
	git := got.Matrix.Generators[0].Git
	if git.RepoURL != "https://git.example" || git.Directories[0].Path != "apps/*" || git.Values["early"] != "git.example" || git.Values["late"] != "{{.path.basename}}" {
		t.Errorf("got %+v", git)
	}
	if raw := string(got.Matrix.Generators[1].List.Elements[0].Raw); raw != `{"values":{"x":"git.example"}}` {
		t.Errorf("got elements %s", raw)
	}
	g.Matrix.Generators[0].Git.Revision = "{{.no}}"
	if _, err := Interpolate(&g, map[string]any{"host": "h", "dir": "d"}, set); err == nil || !strings.Contains(err.Error(), "failed to replace parameters in generator") {
		t.Errorf("a parameter that is not there is no error: %v", err)
	}
}

func TestSelector(t *testing.T) {
	g := v1alpha1.ApplicationSetGenerator{}
	params := map[string]any{"env": "dev", "values": map[string]string{"a": "a value with spaces"}, "path": map[string]any{"n": 3}}
	for selector, want := range map[string]bool{
		"{}":                        true,
		"{matchLabels: {env: dev}}": true,
		"{matchLabels: {env: qa}}":  false,
		"{matchLabels: {values.a: a value with spaces}}":                   true,
		"{matchExpressions: [{key: path.n, operator: In, values: ['3']}]}": true,
		"{matchExpressions: [{key: no, operator: NotIn, values: [a]}]}":    true,
		"{matchExpressions: [{key: env, operator: DoesNotExist}]}":         false,
		"{matchExpressions: [{key: env, operator: Exists}]}":               true,
	} {
		if err := yaml.UnmarshalStrict([]byte("selector: "+selector), &g); err != nil {
			t.Fatal(err)
		}
		s, err := NewSelector(g.Selector)
		if err != nil || s.Matches(params) != want {
			t.Errorf("%s: %v, %v", selector, !want, err)
		}
		g = v1alpha1.ApplicationSetGenerator{}
	}
	if err := yaml.UnmarshalStrict([]byte("selector: {matchExpressions: [{key: env, operator: Like}]}"), &g); err != nil {
		t.Fatal(err)
	}
	if _, err := NewSelector(g.Selector); err == nil || !strings.Contains(err.Error(), `"Like" is not a valid pod selector operator`) {
		t.Errorf("got %v", err)
	}
}

func TestAddValues(t *testing.T) {
	params := map[string]any{"name": "a"}
	if err := AddValues(params, map[string]string{"x": "{{name}}-1", "y": "{{values.x}}"}, setOf(t, "{template: {metadata: {}, spec: {project: p, destination: {}}}}")); err != nil {
		t.Fatal(err)
	}
	if params["values.x"] != "a-1" || params["values.y"] != "{{values.x}}" {
		t.Errorf("got %v", params)
	}
	params = map[string]any{"name": "a"}
	if err := AddValues(params, map[string]string{"x": "{{.name}}-1"}, setOf(t, "{goTemplate: true, template: {metadata: {}, spec: {project: p, destination: {}}}}")); err != nil {
		t.Fatal(err)
	}
	if params["values"].(map[string]string)["x"] != "a-1" {
		t.Errorf("got %v", params)
	}
}

func BenchmarkApplications(b *testing.B) {
	set := setOf(b, sample)
	var params []map[string]any
	for range 2000 {
		params = append(params, map[string]any{"name": "a", "env": "dev"})
	}
	for b.Loop() {
		if _, err := Applications(set, []Found{{Template: set.Spec.Template, Params: params}}); err != nil {
			b.Fatal(err)
		}
	}
}
