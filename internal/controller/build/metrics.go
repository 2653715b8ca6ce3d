package build

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// buildMetrics count what becomes of builds.
type buildMetrics struct {
	finished *prometheus.CounterVec
	duration prometheus.Histogram
	running  prometheus.Gauge
}

// newBuildMetrics registers the metrics; the second hub in a process counts on with those of the first.
func newBuildMetrics(registerer prometheus.Registerer) (*buildMetrics, error) {
	m := &buildMetrics{
		finished: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fairlead_builds_total", Help: "Builds that ended, by phase: Succeeded, Failed, Cancelled.",
		}, []string{"phase"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fairlead_build_duration_seconds", Help: "Time of successful builds from their begin to the pushed image.",
			Buckets: []float64{1, 2, 5, 10, 20, 60, 120, 300, 600, 1200},
		}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fairlead_builds_running", Help: "Builds that run in this hub.",
		}),
	}
	if registerer == nil {
		return m, nil
	}
	var err error
	if m.finished, err = register(registerer, m.finished); err != nil {
		return nil, err
	}
	if m.duration, err = register(registerer, m.duration); err != nil {
		return nil, err
	}
	m.running, err = register(registerer, m.running)
	return m, err
}

func register[C prometheus.Collector](registerer prometheus.Registerer, collector C) (C, error) {
	err := registerer.Register(collector)
	var twice prometheus.AlreadyRegisteredError
	if errors.As(err, &twice) {
		if known, ok := twice.ExistingCollector.(C); ok {
			return known, nil
		}
	}
	if err != nil {
		return collector, fmt.Errorf("registering the metrics of builds: %w", err)
	}
	return collector, nil
}

// end counts a build whose end was recorded.
func (m *buildMetrics) end(status v1alpha1.BuildStatus) {
	if !status.Phase.Completed() {
		return
	}
	m.finished.WithLabelValues(string(status.Phase)).Inc()
	if status.Phase == v1alpha1.BuildSucceeded && status.StartedAt != nil && status.FinishedAt != nil {
		m.duration.Observe(status.FinishedAt.Sub(status.StartedAt.Time).Seconds())
	}
}
