package application

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// measures are the controller's metrics, under the names that dashboards for Argo CD use.
type measures struct {
	reconciles *prometheus.HistogramVec
	syncs      *prometheus.CounterVec
	requests   *prometheus.CounterVec
	// compared counts applications, not comparisons: it reaches their number when a restart is through.
	compared prometheus.Counter
}

func newMeasures(registry prometheus.Registerer, reader client.Reader) (*measures, error) {
	m := &measures{
		reconciles: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_app_reconcile", Help: "Seconds of an application's reconciliation.",
			Buckets: []float64{.001, .005, .025, .1, .25, .5, 1, 2, 4, 8, 16},
		}, []string{"namespace", "dest_server"}),
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_app_sync_total", Help: "Syncs by outcome.",
		}, []string{"namespace", "name", "dest_server", "project", "phase"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_git_request_total", Help: "Questions to Git repositories for their refs.",
		}, []string{"request_type", "failed"}),
		compared: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fairlead_applications_compared_total", Help: "Applications that were compared for the first time since the start.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.reconciles, m.syncs, m.requests, m.compared, appInfo{reader}} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics of applications: %w", err)
		}
	}
	return m, nil
}

func (m *measures) reconciled(v *visit, took time.Duration) {
	m.reconciles.WithLabelValues(v.app.Namespace, v.destination.Server).Observe(took.Seconds())
}

func (m *measures) synced(app *v1alpha1.Application) {
	m.syncs.WithLabelValues(app.Namespace, app.Name, app.Spec.Destination.Server, app.Spec.ProjectName(), string(app.Status.OperationState.Phase)).Inc()
}

func (m *measures) asked(err error) {
	m.requests.WithLabelValues("ls-remote", fmt.Sprint(err != nil)).Inc()
}

// appInfo reads the applications when it is asked, and keeps nothing.
type appInfo struct{ reader client.Reader }

var appInfoDesc = prometheus.NewDesc("argocd_app_info", "Information about an application; the value is 1.",
	[]string{"namespace", "name", "project", "repo", "dest_server", "dest_namespace", "sync_status", "health_status", "operation"}, nil)

// Describe implements prometheus.Collector.
func (a appInfo) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- appInfoDesc }

// Collect implements prometheus.Collector.
func (a appInfo) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var list v1alpha1.ApplicationList
	if err := a.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		metrics <- prometheus.NewInvalidMetric(appInfoDesc, err)
		return
	}
	for i := range list.Items {
		app := &list.Items[i]
		repository := ""
		if sources := app.Spec.AllSources(); len(sources) > 0 {
			repository = sources[0].RepoURL
		}
		operation := ""
		if app.Operation != nil || running(app.Status.OperationState) {
			operation = "sync"
		}
		metrics <- prometheus.MustNewConstMetric(appInfoDesc, prometheus.GaugeValue, 1,
			app.Namespace, app.Name, app.Spec.ProjectName(), repository, app.Spec.Destination.Server, app.Spec.Destination.Namespace,
			string(app.Status.Sync.Status), string(app.Status.Health.Status), operation)
	}
}
