package helm

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// BenchmarkRender is a chart with 200 objects in 50 templates, as large charts have them: named templates for labels, values
// as YAML, and conditions.
func BenchmarkRender(b *testing.B) {
	files := fstest.MapFS{
		"chart/Chart.yaml":  {Data: []byte("apiVersion: v2\nname: shop\nversion: 1.0.0\n")},
		"chart/values.yaml": {Data: []byte("image: {repository: web, tag: v1}\nresources: {limits: {cpu: 1, memory: 1Gi}}\nannotations: {a: b, c: d}\n")},
		"chart/templates/_labels.tpl": {Data: []byte(`{{- define "shop.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
`)},
	}
	for i := range 50 {
		files[fmt.Sprintf("chart/templates/part-%d.yaml", i)] = &fstest.MapFile{Data: []byte(fmt.Sprintf(`{{- range $n := until 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $.Release.Name }}-%d-{{ $n }}
  labels:
    {{- include "shop.labels" $ | nindent 4 }}
  {{- with $.Values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  template:
    spec:
      containers:
      - name: main
        image: "{{ $.Values.image.repository }}:{{ $.Values.image.tag | default $.Chart.AppVersion }}"
        resources:
          {{- toYaml $.Values.resources | nindent 10 }}
{{- end }}
`, i))}
	}
	input := Input{
		Files: files, Root: "chart", Release: "shop", Namespace: "prod", Expand: func(s string) string { return s },
		Options: &v1alpha1.ApplicationSourceHelm{Parameters: []v1alpha1.HelmParameter{{Name: "image.tag", Value: "v2"}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		objects, err := Render(context.Background(), input)
		if err != nil || len(objects) != 200 {
			b.Fatalf("%d objects, %v", len(objects), err)
		}
	}
}

// FuzzValues is what people write into value files and the fields of an Application.
func FuzzValues(f *testing.F) {
	f.Add("a: 1", "b: {c: [1, 2]}", "values.yaml", "a.b", "x")
	f.Add("a: &x [*x]", "- list", "*.yaml", "a[0]", "{1,2}")
	f.Add("", "null", "$other/x", "a[-1]", ",")
	f.Add("a: 1", "", "../../etc/passwd", "a", "$HOME")
	f.Add("a: 1", "", "https://example.com/x", "a.b[9999999]", "v")
	f.Fuzz(func(t *testing.T, file, values, name, parameter, value string) {
		files := fstest.MapFS{
			"chart/Chart.yaml":       {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")},
			"chart/values.yaml":      {Data: []byte(file)},
			"chart/templates/x.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: {{ .Values | toJson | quote }}}\n")},
		}
		objects, err := Render(context.Background(), Input{
			Files: files, Root: "chart", Release: "r", Namespace: "n", Expand: func(s string) string { return s },
			Options: &v1alpha1.ApplicationSourceHelm{
				Values: values, ValueFiles: []string{name}, IgnoreMissingValueFiles: true,
				Parameters: []v1alpha1.HelmParameter{{Name: parameter, Value: value}},
			},
		})
		if err == nil && len(objects) != 1 {
			t.Errorf("%d objects", len(objects))
		}
	})
}

// FuzzDependencies is a Chart.yaml with its lock, from which names of repositories are taken.
func FuzzDependencies(f *testing.F) {
	f.Add("apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- {name: d, version: 1.x, repository: https://example.com}\n", "")
	f.Add("apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- {name: d, version: 1.x, repository: 'file://../../x'}\n", "dependencies:\n- {name: d, version: 1.0.0}\n")
	f.Add("apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- null\n", "dependencies: [null]")
	f.Fuzz(func(t *testing.T, metadata, lock string) {
		files := fstest.MapFS{"chart/Chart.yaml": {Data: []byte(metadata)}}
		if lock != "" {
			files["chart/Chart.lock"] = &fstest.MapFile{Data: []byte(lock)}
		}
		input := Input{Files: files, Root: "chart", Release: "r", Namespace: "n", Expand: func(s string) string { return s }}
		needs, err := input.Needs(context.Background())
		if err != nil {
			return
		}
		if _, err := Render(context.Background(), input); err == nil && len(needs.Charts) > 0 {
			t.Error("a chart without its dependencies was rendered")
		}
	})
}
