package render

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// overlays is how many applications share a base in the monorepo.
const overlays = 500

// monorepo has a base and overlays over it.
func monorepo() map[string]string {
	files := map[string]string{"base/kustomization.yaml": "resources: [cm.yaml]\n", "base/cm.yaml": configMap("base")}
	for i := range overlays {
		files[fmt.Sprintf("overlays/%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../../base]\nnamePrefix: o%d-\n", i)
	}
	return files
}

func renderOverlays(t testing.TB, renderer *Renderer, tree Tree) (rendered int64) {
	t.Helper()
	before, _ := renderer.Counts()
	for i := range overlays {
		_, err := renderer.Render(t.Context(), Request{
			Tree: tree, Source: v1alpha1.ApplicationSource{RepoURL: "https://git/x", Path: fmt.Sprintf("overlays/%d", i)}, AppName: fmt.Sprint("app-", i),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	after, _ := renderer.Counts()
	return after - before
}

// TestSharedBase: a change of the base renders all overlays, one of an overlay renders that, one elsewhere renders nothing.
func TestSharedBase(t *testing.T) {
	o := newOrigin(t)
	renderer := newRenderer(t)
	for _, step := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"everything is new", monorepo(), overlays},
		{"nothing", nil, 0},
		{"one overlay", map[string]string{"overlays/7/kustomization.yaml": "resources: [../../base]\nnamePrefix: new-\n"}, 1},
		{"the base", map[string]string{"base/cm.yaml": configMap("other")}, overlays},
		{"beside the base", map[string]string{"base/README.md": "x"}, 0},
		{"elsewhere", map[string]string{"docs/x": "x"}, 0},
	} {
		if got := renderOverlays(t, renderer, o.commit(step.files)); got != step.want {
			t.Errorf("after a change of %s: %d renderings, want %d", step.name, got, step.want)
		}
	}
}

// BenchmarkSharedBase commits a change of the base, or of one overlay, and renders all applications.
func BenchmarkSharedBase(b *testing.B) {
	for _, change := range []struct {
		name string
		file func(i int) map[string]string
	}{
		{"base", func(i int) map[string]string { return map[string]string{"base/cm.yaml": configMap(fmt.Sprint("v", i))} }},
		{"overlay", func(i int) map[string]string {
			return map[string]string{"overlays/7/kustomization.yaml": fmt.Sprintf("resources: [../../base]\nnamePrefix: v%d-\n", i)}
		}},
	} {
		b.Run(change.name, func(b *testing.B) {
			o := newOrigin(b)
			renderer := newRenderer(b)
			renderOverlays(b, renderer, o.commit(monorepo()))
			var renderings int64
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				tree := o.commit(change.file(i))
				b.StartTimer()
				renderings += renderOverlays(b, renderer, tree)
			}
			b.ReportMetric(float64(renderings)/float64(b.N), "renderings/op")
		})
	}
}
