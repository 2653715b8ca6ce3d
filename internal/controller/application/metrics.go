package application

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// measures are the controller's metrics, under the names and labels that dashboards for Argo CD use. docs/metrics.md lists
// them.
type measures struct {
	// host is the label hostname of upstream's metrics of kubectl.
	host string

	reconciles     *prometheus.HistogramVec
	syncs          *prometheus.CounterVec
	syncSeconds    *prometheus.CounterVec
	kubeRequests   *prometheus.CounterVec
	execs          *prometheus.CounterVec
	execPending    *prometheus.GaugeVec
	requests       *prometheus.CounterVec
	requestSeconds *prometheus.HistogramVec
	fetchFails     *prometheus.CounterVec
	refsFails      *prometheus.CounterVec
	pending        *prometheus.GaugeVec
	orphans        *prometheus.GaugeVec
	// compared counts applications, not comparisons: it reaches their number when a restart is through.
	compared prometheus.Counter
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func newMeasures(registry prometheus.Registerer, reader client.Reader, options Options) (*measures, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	m := &measures{
		host: host,
		reconciles: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_app_reconcile", Help: "Seconds of an application's reconciliation.",
			Buckets: []float64{.001, .005, .025, .1, .25, .5, 1, 2, 4, 8, 16},
		}, []string{"namespace", "dest_server"}),
		syncs: counters("argocd_app_sync_total", "Syncs by outcome.",
			"namespace", "name", "project", "dest_server", "phase", "dry_run"),
		syncSeconds: counters("argocd_app_sync_duration_seconds_total", "Seconds that successful syncs took.",
			"namespace", "name", "project", "dest_server"),
		kubeRequests: counters("argocd_app_k8s_request_total", "Requests to clusters on behalf of applications; the name is left empty.",
			"namespace", "name", "project", "server", "response_code", "verb", "resource_kind", "resource_namespace", "dry_run"),
		execs: counters("argocd_kubectl_exec_total", "What upstream runs kubectl for; here it is a request.", "hostname", "command"),
		execPending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "argocd_kubectl_exec_pending", Help: "Requests of the kind of argocd_kubectl_exec_total under way.",
		}, []string{"hostname", "command"}),
		requests: counters("argocd_git_request_total", "Questions to repositories.", "repo", "request_type"),
		requestSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_git_request_duration_seconds", Help: "Seconds of questions to repositories.",
			Buckets: []float64{.1, .25, .5, 1, 2, 4, 10, 20},
		}, []string{"repo", "request_type"}),
		fetchFails: counters("argocd_git_fetch_fail_total", "Fetches from repositories that failed.", "repo", "revision"),
		refsFails:  counters("argocd_git_lsremote_fail_total", "Questions for the refs of repositories that failed.", "repo", "revision"),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "argocd_repo_pending_request_total", Help: "Questions to repositories, and renderings, under way.",
		}, []string{"repo"}),
		orphans: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "argocd_app_orphaned_resources_count", Help: "Orphans in the namespaces of applications whose projects monitor them.",
		}, []string{"namespace", "name", "project"}),
		compared: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fairlead_applications_compared_total", Help: "Applications that were compared for the first time since the start.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.reconciles, m.syncs, m.syncSeconds, m.kubeRequests, m.execs, m.execPending, m.requests, m.requestSeconds, m.fetchFails,
		m.refsFails, m.pending, m.orphans, m.compared, newApplications(reader, options.MetricsLabels, options.MetricsConditions),
	} {
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
	state := app.Status.OperationState
	dryRun := state.Operation.Sync != nil && state.Operation.Sync.DryRun
	labels := []string{app.Namespace, app.Name, app.Spec.ProjectName(), app.Spec.Destination.Server}
	m.syncs.WithLabelValues(append(labels, string(state.Phase), strconv.FormatBool(dryRun))...).Inc()
	if state.Phase == v1alpha1.OperationSucceeded && state.FinishedAt != nil {
		m.syncSeconds.WithLabelValues(labels...).Add(max(0, state.FinishedAt.Sub(state.StartedAt.Time).Seconds()))
	}
}

// forget drops the series of an application that is gone.
func (m *measures) forget(namespace, name string) {
	of := prometheus.Labels{"namespace": namespace, "name": name}
	m.syncs.DeletePartialMatch(of)
	m.syncSeconds.DeletePartialMatch(of)
	m.orphans.DeletePartialMatch(of)
}

// ask begins a question to a repository. The end takes the outcome.
func (m *measures) ask(kind, repository, revision string) (end func(error)) {
	repository = event.NormalizeURL(repository) // which leaves credentials out
	pending := m.pending.WithLabelValues(repository)
	pending.Inc()
	began := time.Now()
	return func(err error) {
		pending.Dec()
		m.requests.WithLabelValues(repository, kind).Inc()
		m.requestSeconds.WithLabelValues(repository, kind).Observe(time.Since(began).Seconds())
		switch {
		case err == nil:
		case kind == "fetch":
			m.fetchFails.WithLabelValues(repository, revision).Inc()
		default:
			m.refsFails.WithLabelValues(repository, revision).Inc()
		}
	}
}
