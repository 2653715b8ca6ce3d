package imageupdate

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics have upstream's names, so that dashboards go on working:
// https://argocd-image-updater.readthedocs.io/en/stable/install/running/.
type metrics struct {
	updated, failed *prometheus.CounterVec
	watched         *prometheus.GaugeVec
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	labels := []string{"application"}
	m := &metrics{
		updated: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "argocd_image_updater_images_updated_total",
			Help: "Number of images updated by Argo CD Image Updater"}, labels),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "argocd_image_updater_images_errors_total",
			Help: "Number of errors reported by Argo CD Image Updater"}, labels),
		watched: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "argocd_image_updater_images_watched_total",
			Help: "Number of images watched by Argo CD Image Updater"}, labels),
	}
	if registerer == nil {
		return m, nil
	}
	for _, collector := range []prometheus.Collector{m.updated, m.failed, m.watched} {
		var already prometheus.AlreadyRegisteredError
		if err := registerer.Register(collector); err != nil && !errors.As(err, &already) {
			return nil, fmt.Errorf("registering the metrics of the image updater: %w", err)
		}
	}
	return m, nil
}

func (r *Reconciler) count(c *candidate) {
	r.metrics.updated.WithLabelValues(c.app.Name).Add(float64(len(c.written())))
	r.metrics.failed.WithLabelValues(c.app.Name).Add(float64(len(c.errs)))
	if c.policy != nil {
		r.metrics.watched.WithLabelValues(c.app.Name).Set(float64(len(c.policy.Images)))
	}
}
