package app

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"fairlead.dev/fairlead/internal/render"
)

// countRenderings shows how often sources were rendered, and how often a rendering served again.
func countRenderings(registry prometheus.Registerer, renderer *render.Renderer) error {
	for outcome, count := range map[string]func() int64{
		"rendered": func() int64 { rendered, _ := renderer.Counts(); return rendered },
		"reused":   func() int64 { _, reused := renderer.Counts(); return reused },
	} {
		counter := prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "fairlead_renderings_total", Help: "Sources rendered, and renderings reused.",
			ConstLabels: prometheus.Labels{"outcome": outcome},
		}, func() float64 { return float64(count()) })
		if err := registry.Register(counter); err != nil {
			return fmt.Errorf("registering metrics of renderings: %w", err)
		}
	}
	return nil
}
