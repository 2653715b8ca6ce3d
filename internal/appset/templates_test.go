package appset

import (
	"strings"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func TestText(t *testing.T) {
	plain := map[string]any{"name": "a", "path.basename": "web", "metadata.labels.env": "prod", "number": 3, "odd": "{{name}}"}
	nested := map[string]any{
		"name": "a", "path": map[string]any{"basename": "web", "segments": []string{"apps", "web"}},
		"metadata": map[string]any{"labels": map[string]string{"env": "prod"}}, "many": []any{"x", "y"},
	}
	long := "feat/a_really+long_pull_request_name_to_test_argo_slugification_and_branch_name_shortening_feature"
	word := "feat/areallylongpullrequestnametotestargoslugificationandbranchnameshorteningfeature"
	for _, c := range []struct {
		name, text, want, wrong string
		params                  map[string]any
		spec                    v1alpha1.ApplicationSetSpec
	}{
		{name: "placeholder", text: "x-{{name}}-{{ path.basename }}", params: plain, want: "x-a-web"},
		{name: "dots in names", text: "{{metadata.labels.env}}", params: plain, want: "prod"},
		{name: "unknown stays", text: "{{ nothing }}-{{}}", params: plain, want: "{{ nothing }}-{{}}"},
		{name: "no text stays", text: "{{number}}", params: plain, want: "{{number}}"},
		{name: "values are not rendered again", text: "{{odd}}", params: plain, want: "{{name}}"},
		{name: "open brace on a line of its own", text: "{{name\n}}", params: plain, want: "{{name\n}}"},
		{name: "open brace after a placeholder", text: "{{name}} {{x", params: plain, wrong: "Cannot find end tag"},
		{name: "Go template", text: "{{.name}}-{{.path.basename}}-{{index .path.segments 0}}", params: nested, want: "a-web-apps", spec: goTemplate()},
		{name: "absent label is empty", text: "[{{index .metadata.labels \"no\"}}]", params: nested, want: "[]", spec: goTemplate()},
		{name: "absent key by default", text: "{{.no}}", params: nested, want: "<no value>", spec: goTemplate()},
		{name: "absent key as error", text: "{{.no}}", params: nested, wrong: `map has no entry for key "no"`, spec: goTemplate("missingkey=error")},
		{name: "absent key as error below", text: "{{.path.no}}", params: nested, wrong: `map has no entry for key "no"`, spec: goTemplate("missingkey=error")},
		{name: "unknown option", text: "{{.name}}", params: nested, wrong: "missingkey=maybe", spec: goTemplate("missingkey=maybe")},
		{name: "sprig", text: `{{.name | upper | quote}}`, params: nested, want: `"A"`, spec: goTemplate()},
		{name: "no environment", text: `{{env "HOME"}}`, params: nested, wrong: `function "env" not defined`, spec: goTemplate()},
		{name: "no environment by another way", text: `{{expandenv "$HOME"}}`, params: nested, wrong: "not defined", spec: goTemplate()},
		{name: "no names", text: `{{getHostByName "localhost"}}`, params: nested, wrong: "not defined", spec: goTemplate()},
		{name: "normalize", text: `{{normalize "Feature/Foo_Bar."}}`, params: nested, want: "feature-foo-bar", spec: goTemplate()},
		{name: "slugify", text: `{{slugify .branch}}`, params: map[string]any{"branch": long}, want: "feat-a-really-long-pull-request-name-to-test-argo", spec: goTemplate()},
		{name: "slugify with arguments", text: `{{slugify 50 true .branch}}`, params: map[string]any{"branch": long}, want: "feat-a-really-long-pull-request-name-to-test-argo", spec: goTemplate()},
		{name: "slugify at words", text: `{{slugify 50 true .branch}}`, params: map[string]any{"branch": word}, want: "feat", spec: goTemplate()},
		{name: "slugify in words", text: `{{slugify 50 false .branch}}`, params: map[string]any{"branch": word}, want: "feat-areallylongpullrequestnametotestargoslugifica", spec: goTemplate()},
		{name: "slugify of a number", text: `{{slugify 50 true 7}}`, params: nested, wrong: "argument 3 of slugify", spec: goTemplate()},
		{name: "toYaml", text: `{{toYaml .many}}`, params: nested, want: "- x\n- \"y\"", spec: goTemplate()},
		{name: "fromYaml", text: `{{(fromYaml "a: {b: c}").a.b}}`, params: nested, want: "c", spec: goTemplate()},
		{name: "fromYamlArray", text: `{{index (fromYamlArray "[a, b]") 1}}`, params: nested, want: "b", spec: goTemplate()},
		{name: "tpl", text: `{{tpl "{{.name}}-{{.no}}" .}}`, params: nested, want: "a-", spec: goTemplate()},
		{name: "tpl without end", text: `{{tpl .t .}}`, params: map[string]any{"t": "{{tpl .t .}}"}, wrong: "maximum recursion depth", spec: goTemplate()},
		{name: "broken", text: `{{.name`, params: nested, wrong: "failed to parse template {{.name", spec: goTemplate()},
		{name: "too large", text: `{{range until 1000}}{{repeat 10000 "x"}}{{end}}`, params: nested, wrong: "more than", spec: goTemplate()},
		{name: "too long a list", text: `{{until 2000000000}}`, params: nested, wrong: "is the limit", spec: goTemplate()},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := NewTemplates(&c.spec).Text(c.text, c.params)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("got %q, %v; want an error with %q", got, err, c.wrong)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func goTemplate(options ...string) v1alpha1.ApplicationSetSpec {
	return v1alpha1.ApplicationSetSpec{GoTemplate: true, GoTemplateOptions: options}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"{{name}}", "{{.name}}", "{{ {{", "}}{{", "{{range $i := until 3}}{{$i}}{{end}}", `{{tpl "{{.}}" .name}}`, "{{define \"x\"}}{{template \"x\"}}{{end}}"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, goTemplate bool) {
		templates := NewTemplates(&v1alpha1.ApplicationSetSpec{GoTemplate: goTemplate})
		first, err := templates.Text(text, map[string]any{"name": "n"})
		if len(first) > maxText {
			t.Errorf("%d bytes came of %d", len(first), len(text))
		}
		if err == nil && !strings.Contains(text, "{{") && first != text {
			t.Errorf("%q became %q", text, first)
		}
		if goTemplate || err != nil {
			return
		}
		// Placeholders are put in once, and everything else stays.
		if again, err := templates.Text(text, nil); err != nil || again != text {
			t.Errorf("without parameters %q became %q, %v", text, again, err)
		}
	})
}
