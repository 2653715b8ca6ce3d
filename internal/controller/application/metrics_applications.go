package application

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/settings"
)

// applications reads the applications when it is asked, and keeps nothing of them.
type applications struct {
	reader             client.Reader
	labels, conditions []string

	info, labelled, condition *prometheus.Desc
}

// served lists the applications of the namespaces that count.
type served struct {
	client.Reader
	namespaces func(context.Context) settings.Namespaces
}

// List lists them.
func (s served) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	err := s.Reader.List(ctx, list, options...)
	if apps, ok := list.(*v1alpha1.ApplicationList); ok {
		namespaces := s.namespaces(ctx)
		apps.Items = slices.DeleteFunc(apps.Items, func(app v1alpha1.Application) bool { return !namespaces.Has(app.Namespace) })
	}
	return err
}

// notInALabel is what Prometheus doesn't take in a label's name.
var notInALabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// newApplications shows the given labels and types of conditions besides; upstream shows none unless it is asked to.
func newApplications(reader client.Reader, labels, conditions []string) *applications {
	identity := []string{"namespace", "name", "project"}
	a := &applications{reader: reader, labels: labels, conditions: conditions}
	a.info = prometheus.NewDesc("argocd_app_info", "Information about an application; the value is 1.", append(slices.Clone(identity),
		"autosync_enabled", "repo", "dest_server", "dest_namespace", "sync_status", "health_status", "operation"), nil)
	a.condition = prometheus.NewDesc("argocd_app_condition", "How many conditions of a type an application has.",
		append(slices.Clone(identity), "condition"), nil)
	if len(labels) > 0 {
		names := slices.Clone(identity)
		for _, label := range labels {
			names = append(names, "label_"+notInALabel.ReplaceAllString(label, "_"))
		}
		a.labelled = prometheus.NewDesc("argocd_app_labels", "The labels of an application; the value is 1.", names, nil)
	}
	return a
}

// Describe implements prometheus.Collector.
func (a *applications) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- a.info
	descriptions <- a.condition
	if a.labelled != nil {
		descriptions <- a.labelled
	}
}

// Collect implements prometheus.Collector.
func (a *applications) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var list v1alpha1.ApplicationList
	if err := a.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		metrics <- prometheus.NewInvalidMetric(a.info, err)
		return
	}
	for i := range list.Items {
		a.collect(metrics, &list.Items[i])
	}
}

func (a *applications) collect(metrics chan<- prometheus.Metric, app *v1alpha1.Application) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		labels = append([]string{app.Namespace, app.Name, app.Spec.ProjectName()}, labels...)
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	repository, operation := "", ""
	if sources := app.Spec.AllSources(); len(sources) > 0 {
		repository = event.NormalizeURL(sources[0].RepoURL)
	}
	switch {
	case app.DeletionTimestamp != nil:
		operation = "delete"
	case app.Operation != nil || running(app.Status.OperationState):
		operation = "sync"
	}
	sync, health := string(app.Status.Sync.Status), string(app.Status.Health.Status)
	if sync == "" {
		sync = string(v1alpha1.SyncStatusCodeUnknown)
	}
	if health == "" {
		health = string(v1alpha1.HealthStatusUnknown)
	}
	automated := app.Spec.SyncPolicy != nil && app.Spec.SyncPolicy.Automated != nil
	gauge(a.info, 1, strconv.FormatBool(automated), repository, app.Spec.Destination.Server, app.Spec.Destination.Namespace, sync, health, operation)
	if a.labelled != nil {
		values := make([]string, len(a.labels))
		for i, label := range a.labels {
			values[i] = app.Labels[label]
		}
		gauge(a.labelled, 1, values...)
	}
	if len(a.conditions) == 0 {
		return
	}
	counts := map[string]int{}
	for _, c := range app.Status.Conditions {
		if slices.Contains(a.conditions, string(c.Type)) {
			counts[string(c.Type)]++
		}
	}
	for kind, count := range counts {
		gauge(a.condition, float64(count), kind)
	}
}
