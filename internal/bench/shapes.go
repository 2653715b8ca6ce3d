package bench

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// chartObjects is how many objects the Helm chart makes.
const chartObjects = 200

// helmChart: one application with many objects, of which a commit changes each.
func helmChart(ctx context.Context, w *world) error {
	files := map[string]string{
		"chart/Chart.yaml":             "apiVersion: v2\nname: many\nversion: 1.0.0\n",
		"chart/values.yaml":            "round: first\n",
		"chart/templates/_names.tpl":   `{{- define "many.name" -}}{{ .Release.Name }}-{{ .index }}{{- end -}}` + "\n",
		"chart/templates/objects.yaml": fmt.Sprintf(chartTemplate, chartObjects),
	}
	if _, err := w.git.push(ctx, files); err != nil {
		return err
	}
	app := w.newApplication(hubNamespace, "chart", "chart")
	began := time.Now()
	if err := w.client.Create(ctx, app); err != nil {
		return fmt.Errorf("creating the application of the chart: %w", err)
	}
	at, err := w.seen.until(ctx, w.options.Patience, "the chart is synced", func() bool { return w.seen.apps["chart"].done() })
	if err != nil {
		return err
	}
	w.table.time("Helm chart of 200 objects: application made → Synced and Healthy", at.Sub(began), 0, limit{}, "")
	before, err := w.hub.settled(ctx)
	if err != nil {
		return err
	}
	pushed, err := w.git.push(ctx, map[string]string{"chart/values.yaml": "round: second\n"})
	if err != nil {
		return err
	}
	at, err = w.seen.until(ctx, w.options.Patience, "the chart's change is applied", func() bool {
		return w.seen.inRound("second") == chartObjects && w.seen.apps["chart"].done()
	})
	if err != nil {
		return err
	}
	after, err := w.hub.settled(ctx)
	if err != nil {
		return err
	}
	bare := time.Duration(float64(w.bare.apply) * chartObjects / 2) // two processors
	w.table.time("  a value changes all: webhook → all applied, Synced", at.Sub(pushed), bare, limit{}, "")
	w.table.exactly("  renderings", after.rendered-before.rendered, 1, "")
	w.table.number("  API requests per object", (after.writes+after.reads-before.writes-before.reads)/chartObjects, "", -1, "")
	return nil
}

const chartTemplate = `{{- range $i := until %d }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "many.name" (dict "Release" $.Release "index" $i) }}
  labels: {chart: {{ $.Chart.Name }}}
data:
  round: {{ $.Values.round }}
{{- end }}
`

// overlays is how many share the Kustomize base.
const overlays = 500

// sharedBase: a change of the base concerns all overlays, one of an overlay only that.
func sharedBase(ctx context.Context, w *world) error {
	overlay := func(i int, round string) string {
		return fmt.Sprintf("resources: [../../base]\nnamePrefix: overlay-%03d-\npatches:\n- target: {kind: ConfigMap}\n  patch: |\n    - {op: add, path: /data/overlay, value: %q}\n", i, round)
	}
	base := func(round string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\ndata: {round: %q}\n", round)
	}
	path := func(i int) string { return fmt.Sprintf("kustomize/overlays/%03d/kustomization.yaml", i) }
	files := map[string]string{
		"kustomize/base/kustomization.yaml": "resources: [configmap.yaml]\n",
		"kustomize/base/configmap.yaml":     base("base one"),
	}
	var apps []client.Object
	for i := range overlays {
		files[path(i)] = overlay(i, "one")
		apps = append(apps, w.newApplication(hubNamespace, fmt.Sprintf("overlay-%03d", i), fmt.Sprintf("kustomize/overlays/%03d", i)))
	}
	if _, err := w.git.push(ctx, files); err != nil {
		return err
	}
	if err := w.createAll(ctx, apps); err != nil {
		return err
	}
	if _, err := w.seen.until(ctx, w.options.Patience, "the overlays are synced", func() bool { return w.seen.inRound("base one") == overlays }); err != nil {
		return err
	}
	took, rendered, err := w.renderings(ctx, map[string]string{"kustomize/base/configmap.yaml": base("base two")}, func() bool {
		return w.seen.inRound("base two") == overlays
	})
	if err != nil {
		return err
	}
	w.table.time("Kustomize base of 500 overlays changes: webhook → all applied", took, w.bareUpdate(overlays), limit{}, "")
	w.table.exactly("  renderings", rendered, overlays, "")
	version := w.seen.versions()["ConfigMap overlay-007-base"]
	took, rendered, err = w.renderings(ctx, map[string]string{path(7): overlay(7, "two")}, func() bool {
		return w.seen.maps["overlay-007-base"].version != version
	})
	if err != nil {
		return err
	}
	w.table.time("  one overlay changes: webhook → applied", took, w.bare.one, limit{most: 500 * time.Millisecond}, "")
	w.table.exactly("  renderings", rendered, 1, "")
	return nil
}

// renderings pushes, waits, and counts.
func (w *world) renderings(ctx context.Context, files map[string]string, so func() bool) (took time.Duration, rendered float64, err error) {
	before, err := w.hub.settled(ctx)
	if err != nil {
		return 0, 0, err
	}
	pushed, err := w.git.push(ctx, files)
	if err != nil {
		return 0, 0, err
	}
	at, err := w.seen.until(ctx, w.options.Patience, "the change is applied", so)
	if err != nil {
		return 0, 0, err
	}
	after, err := w.hub.settled(ctx)
	return at.Sub(pushed), after.rendered - before.rendered, err
}

// bareUpdate is what the bare client takes to change n applications.
func (w *world) bareUpdate(n int) time.Duration {
	return time.Duration(float64(w.bare.update) * float64(n) / float64(w.options.Applications))
}

// inRound counts the ConfigMaps with that field.
func (p *progress) inRound(round string) (count int) {
	for _, m := range p.maps {
		if m.round == round {
			count++
		}
	}
	return count
}
