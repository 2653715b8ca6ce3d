package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics has the names that Argo CD's API server gives its own.
type metrics struct {
	handled *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	logins  *prometheus.CounterVec
	invalid prometheus.Gauge
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grpc_server_handled_total", Help: "Calls of the API that were answered, by procedure and code.",
		}, []string{"grpc_service", "grpc_method", "grpc_code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "grpc_server_handling_seconds", Help: "How long calls of the API took that are no streams.",
			Buckets: []float64{.001, .01, .1, 1, 10},
		}, []string{"grpc_service", "grpc_method"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_login_request_total", Help: "Logins by outcome.",
		}, []string{"status"}),
		invalid: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fairlead_rbac_policy_invalid", Help: "1 while the configured RBAC policy is malformed and an older one in force.",
		}),
	}
	if registerer == nil {
		return m, nil
	}
	for _, collector := range []prometheus.Collector{m.handled, m.seconds, m.logins, m.invalid} {
		if err := registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("registering the API's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) observe(r *row, code string, took time.Duration) {
	service, method := r.service()
	m.handled.WithLabelValues(service, method, code).Inc()
	if !r.streams {
		m.seconds.WithLabelValues(service, method).Observe(took.Seconds())
	}
}

func (m *metrics) policyInvalid(invalid bool) {
	value := 0.
	if invalid {
		value = 1
	}
	m.invalid.Set(value)
}

// splitProcedure takes /package.Service/Method apart.
func splitProcedure(procedure string) (service, method string) {
	service, method, _ = strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	return service, method
}
