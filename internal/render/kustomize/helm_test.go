package kustomize

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// TestChartNamespaces has what kustomize 5.8.1 makes of the same files with --enable-helm: a chart is released into the namespace
// of the kustomization, or of the one that took it as a base, and what it makes is in the namespaces that it says itself.
func TestChartNamespaces(t *testing.T) {
	chart := "\nhelmGlobals: {chartHome: ../charts}\nhelmCharts: [{name: web, releaseName: web}]\n"
	files := map[string]string{
		"charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"charts/web/templates/c.yaml": configMap + "plain, annotations: {release: '{{ .Release.Namespace }}'}}\n---\n" +
			configMap + "placed, namespace: '{{ .Release.Namespace }}'}\n---\n" + configMap + "fixed, namespace: chart}\n",
		"none/kustomization.yaml":   chart,
		"own/kustomization.yaml":    "namespace: own\nresources: [c.yaml]" + chart,
		"own/c.yaml":                configMap + "beside}\n",
		"named/kustomization.yaml":  "namespace: own" + strings.Replace(chart, "releaseName: web", "releaseName: web, namespace: named", 1),
		"over/kustomization.yaml":   "namespace: over\nresources: [../middle]\n",
		"middle/kustomization.yaml": "resources: [../none]\n",
		"twice/kustomization.yaml":  "resources: [../a, ../b]\n",
		"a/kustomization.yaml":      "namespace: a\nnamePrefix: a-\nresources: [../none]\n",
		"b/kustomization.yaml":      "namespace: b\nnamePrefix: b-\nresources: [../none]\n",
	}
	for root, want := range map[string]string{
		"none":  "/plain(default) chart/fixed default/placed",
		"own":   "/plain(own) chart/fixed own/beside own/placed",
		"named": "/plain(named) chart/fixed named/placed",
		"over":  "/plain(over) chart/fixed over/placed",
		"twice": "/a-plain(a) /b-plain(b) a/a-placed b/b-placed chart/a-fixed chart/b-fixed",
	} {
		objects, err := Build(context.Background(), Input{Files: text(files), Root: root, Settings: Settings{BuildOptions: "--enable-helm"}})
		if err != nil {
			t.Errorf("%s: %v", root, err)
			continue
		}
		var got []string
		for _, u := range objects {
			shown := u.GetNamespace() + "/" + u.GetName()
			for name, value := range u.GetAnnotations() {
				if shown += "(" + value + ")"; name != "release" {
					t.Errorf("%s: %s has annotation %s", root, shown, name)
				}
			}
			got = append(got, shown)
		}
		slices.Sort(got)
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", root, got, want)
		}
	}
}
