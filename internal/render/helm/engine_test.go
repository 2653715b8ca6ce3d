package helm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestHostileTemplates would take all memory, all stack, or all time.
func TestHostileTemplates(t *testing.T) {
	for name, test := range map[string]struct {
		template, values, want string
		limit                  time.Duration
	}{
		"tpl calls itself":        {`{{ tpl .Values.t . }}`, `t: "{{ tpl .Values.t . }}"`, "nested more than 1000 deep", time.Minute},
		"template calls itself":   {`{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}`, "", "nested more than 1000 deep", time.Minute},
		"include calls itself":    {`{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}`, "", "nested more than 1000 deep", time.Minute},
		"tpl and template":        {`{{ define "x" }}{{ tpl .Values.t . }}{{ end }}{{ template "x" . }}`, `t: '{{ template "x" . }}'`, "nested more than 1000 deep", time.Minute},
		"definition within tpl":   {`{{ tpl .Values.t . }}`, `t: '{{ define "y" }}{{ template "y" . }}{{ end }}{{ template "y" . }}'`, "nested more than 1000 deep", time.Minute},
		"a text that doubles":     {`{{ $x := "0123456789" }}{{ range until 60 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`, "", "the result is too large", time.Minute},
		"a list that doubles":     {`{{ $x := list 1 2 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}`, "", "the result is too large", time.Minute},
		"a loop without end":      {`{{ range until 1000000 }}{{ range until 1000000 }}{{ end }}{{ end }}`, "", "context deadline exceeded", 300 * time.Millisecond},
		"a loop without end, tpl": {`{{ tpl .Values.t . }}`, `t: '{{ range until 1000000 }}{{ range until 1000000 }}{{ end }}{{ end }}'`, "context deadline exceeded", 300 * time.Millisecond},
		"output without end":      {`{{ range until 1000000 }}{{ repeat 10000 "x" }}{{ end }}`, "", "more than 67108864 bytes of output", time.Minute},
		"replacing nothing":       {`{{ $x := repeat 10000000 "x" }}{{ replace "" $x $x }}`, "", "the result is too large", time.Minute},
		"a shared text, joined":   {`{{ $x := repeat 10000000 "x" }}{{ $l := list }}{{ range until 100 }}{{ $l = append $l $x }}{{ end }}{{ join "," $l }}`, "", "the result is too large", time.Minute},
		"the same as YAML":        {`{{ $x := repeat 10000000 "x" }}{{ $l := list }}{{ range until 100 }}{{ $l = append $l $x }}{{ end }}{{ toYaml $l }}`, "", "the result is too large", time.Minute},
		"a wide indent":           {`{{ indent 1000000000 "x" }}`, "", "the result is too large", time.Minute},
		"many random letters":     {`{{ randAlphaNum 1000000000 }}`, "", "the result is too large", time.Minute},
		"a wide number":           {`{{ printf "%999999d" 1 }}{{ printf "%*d" 1000000 1 }}`, "", "the result is too large", time.Minute},
		"numbers without end":     {`{{ until 100000000000 }}`, "", "the result is too large", time.Minute},
		"a sequence without end":  {`{{ seq 1 100000000000 }}`, "", "the result is too large", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), test.limit)
			defer cancel()
			files := fstest.MapFS{
				"chart/Chart.yaml":       {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")},
				"chart/values.yaml":      {Data: []byte(test.values)},
				"chart/templates/x.yaml": {Data: []byte(test.template)},
			}
			_, err := Render(ctx, Input{Files: files, Root: "chart", Release: "r", Namespace: "n", Expand: func(s string) string { return s }})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, want %q", err, test.want)
			}
			if len(err.Error()) > 2000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if strings.Contains(test.want, "deadline") && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error is %v, not that of the context", err)
			}
		})
	}
}

// TestTemplateLanguage tries what charts use, one line each.
func TestTemplateLanguage(t *testing.T) {
	values := `
m: {b: 1, a: x}
l: [1, two]
nested: '{{ .Values.m.a }}-{{ include "name" . }}'
own: '{{ define "local" }}L{{ end }}{{ template "local" }}'
`
	for template, want := range map[string]string{
		`{{ toYaml .Values.m }}`:                                     "a: x\nb: 1",
		`{{ toJson .Values.l }}`:                                     `[1,"two"]`,
		`{{ (fromYaml "a: 5").a }}{{ (fromJson "{").Error }}`:        "5unexpected end of JSON input",
		`{{ fromYamlArray "[a, b]" | join "+" }}`:                    "a+b",
		`{{ fromJsonArray "[" }}`:                                    "[unexpected end of JSON input]",
		`{{ toToml .Values.m }}`:                                     "a = \"x\"\nb = 1.0\n",
		`{{ (fromToml "a = 7").a }}`:                                 "7",
		`{{ tpl .Values.nested . }}`:                                 "x-N",
		`{{ tpl .Values.own . }}`:                                    "L",
		`{{ include "name" . | upper | quote }}`:                     `"N"`,
		`{{ .Values.m.b | int | add 1 }}`:                            "2",
		`{{ range $i, $x := .Values.l }}{{ $i }}={{ $x }};{{ end }}`: "0=1;1=two;",
		`{{ range .Values.none }}x{{ else }}empty{{ end }}`:          "empty",
		`{{ range until 5 }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ if eq . 4 }}{{ break }}{{ end }}{{ . }}{{ end }}`: "013",
		`{{ with .Values.m }}{{ .a }}{{ end }}`:                                     "x",
		`{{ .Files.Get "config/a.txt" }}`:                                           "A1\nA2\n",
		`{{ .Files.Lines "config/a.txt" | join "," }}`:                              "A1,A2",
		`{{ (.Files.Glob "config/*").AsConfig }}`:                                   "a.txt: |\n  A1\n  A2",
		`{{ (.Files.Glob "config/*").AsSecrets }}`:                                  "a.txt: QTEKQTIK",
		`{{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.IsRoot }}`:                "c 1.0.0 true",
		`{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Service }}`:       "r n Helm",
		`{{ .Template.Name }} {{ .Template.BasePath }}`:                             "c/templates/x.yaml c/templates",
		`{{ .Subcharts.sub.Values.s }} {{ .Values.sub.s }}`:                         "S S",
		`{{ include "sub.name" .Subcharts.sub }}`:                                   "sub-S",
		`{{ required "needed" .Values.m.a }}`:                                       "x",
		`{{ lookup "v1" "Pod" "" "" | len }}{{ getHostByName "localhost" }}`:        "0",
		`{{ default "d" .Values.nothing }}{{ ternary "a" "b" true }}`:               "da",
		`{{ printf "%s-%d" "a" 5 }}{{ print "x" 1 }}`:                               "a-5x1",
		`{{ seq 5 }}|{{ seq 3 1 }}|{{ seq 0 2 6 }}|{{ untilStep 0 6 2 }}`:           "1 2 3 4 5|3 2 1|0 2 4 6|[0 2 4]",
		`{{ dict "a" (list 1 2) | toJson }}{{ (dict "x" 1).x }}`:                    `{"a":[1,2]}1`,
		`{{- /* comment */ -}} {{ "a\"b" | squote }}{{ "x" | b64enc }}`:             `'a"b'eA==`,
		`{{ semverCompare ">=1.19-0" .Capabilities.KubeVersion.Version }}`:          "true",
		`{{ .Capabilities.KubeVersion }}{{ .Capabilities.KubeVersion.GitVersion }}`: "v1.33.0v1.33.0",
	} {
		files := fstest.MapFS{
			"chart/Chart.yaml":                {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")},
			"chart/values.yaml":               {Data: []byte(values)},
			"chart/config/a.txt":              {Data: []byte("A1\nA2\n")},
			"chart/templates/_names.tpl":      {Data: []byte(`{{ define "name" }}N{{ end }}`)},
			"chart/templates/x.yaml":          {Data: []byte(template)},
			"chart/charts/sub/Chart.yaml":     {Data: []byte("apiVersion: v2\nname: sub\nversion: 1.0.0\n")},
			"chart/charts/sub/values.yaml":    {Data: []byte("s: S\n")},
			"chart/charts/sub/templates/_x.t": {Data: []byte(`{{ define "sub.name" }}{{ .Chart.Name }}-{{ .Values.s }}{{ end }}{{ define "name" }}of the subchart{{ end }}`)},
		}
		got, err := renderOne(files)
		if err != nil || got != want {
			t.Errorf("%s\ngives %q, %v\nwant  %q", template, got, err, want)
		}
	}
}

// renderOne renders the chart and returns what templates/x.yaml printed.
func renderOne(files fstest.MapFS) (string, error) {
	// A ConfigMap whose data is the output, so that any text is a manifest.
	template := string(files["chart/templates/x.yaml"].Data)
	files["chart/templates/x.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  out: {{ include \"out\" . | toJson }}\n" +
		`{{ define "out" }}` + template + "{{ end }}")}
	objects, err := Render(context.Background(), Input{Files: files, Root: "chart", Release: "r", Namespace: "n", KubeVersion: "1.33.0", Expand: func(s string) string { return s }})
	if err != nil {
		return "", err
	}
	if len(objects) != 1 {
		return "", fmt.Errorf("%d objects", len(objects))
	}
	return objects[0].Object["data"].(map[string]any)["out"].(string), nil
}
