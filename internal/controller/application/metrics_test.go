package application

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func metricsReader(tb testing.TB, count int) client.Reader {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		tb.Fatal(err)
	}
	builder := fake.NewClientBuilder().WithScheme(scheme)
	for i := range count {
		builder.WithObjects(&v1alpha1.Application{
			ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: fmt.Sprint("app-", i), Labels: map[string]string{"team.example.com/name": "shop"}},
			Spec: v1alpha1.ApplicationSpec{
				Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: "https://user:secret@git.example.com/deploy.git"},
				Destination: v1alpha1.ApplicationDestination{Server: "https://prod", Namespace: "shop"},
				SyncPolicy:  &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}},
			},
			Status: v1alpha1.ApplicationStatus{
				Sync: v1alpha1.SyncStatus{Status: v1alpha1.SyncStatusCodeSynced}, Health: v1alpha1.AppHealthStatus{Status: v1alpha1.HealthStatusHealthy},
				Conditions: []v1alpha1.ApplicationCondition{{Type: "SyncError"}, {Type: "ComparisonError"}},
			},
		})
	}
	return builder.Build()
}

// series are what a collector shows, one line each: name{labels} value.
func series(t *testing.T, collectors ...prometheus.Collector) []string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, family := range families {
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %v", family.GetName(), strings.Join(labels, ","), m.Gauge.GetValue()+m.Counter.GetValue()))
		}
	}
	return lines
}

func TestMetricsOfApplications(t *testing.T) {
	want := []string{
		"argocd_app_condition{condition=SyncError,name=app-0,namespace=argocd,project=default} 1",
		"argocd_app_info{autosync_enabled=true,dest_namespace=shop,dest_server=https://prod,health_status=Healthy,name=app-0," +
			"namespace=argocd,operation=,project=default,repo=git.example.com/deploy,sync_status=Synced} 1",
		"argocd_app_labels{label_team_example_com_name=shop,name=app-0,namespace=argocd,project=default} 1",
	}
	got := series(t, newApplications(metricsReader(t, 1), []string{"team.example.com/name"}, []string{"SyncError"}))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMetricsOfWork(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := newMeasures(registry, metricsReader(t, 0), Options{})
	if err != nil {
		t.Fatal(err)
	}
	end := m.ask("fetch", "https://user:secret@git.example.com/deploy.git", "main")
	if d := cmp.Diff([]string{"argocd_repo_pending_request_total{repo=git.example.com/deploy} 1"}, series(t, m.pending)); d != "" {
		t.Error(d)
	}
	end(errors.New("no route"))
	if d := cmp.Diff([]string{
		"argocd_git_fetch_fail_total{repo=git.example.com/deploy,revision=main} 1",
		"argocd_git_request_total{repo=git.example.com/deploy,request_type=fetch} 1",
		"argocd_repo_pending_request_total{repo=git.example.com/deploy} 0",
	}, series(t, m.pending, m.requests, m.fetchFails)); d != "" {
		t.Error(d)
	}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}}
	finished := metav1.Unix(130, 0)
	app.Status.OperationState = &v1alpha1.OperationState{
		Phase: v1alpha1.OperationSucceeded, StartedAt: metav1.Unix(100, 0), FinishedAt: &finished,
		Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{DryRun: true}},
	}
	m.synced(app)
	if d := cmp.Diff([]string{"argocd_app_sync_duration_seconds_total{dest_server=,name=shop,namespace=argocd,project=default} 30"}, series(t, m.syncSeconds)); d != "" {
		t.Error(d)
	}
	m.forget("argocd", "shop")
	if left := series(t, m.syncs, m.syncSeconds); len(left) != 0 {
		t.Errorf("an application that is gone leaves %q behind", left)
	}
	metrics, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(metrics); strings.Contains(text, "secret") {
		t.Errorf("a password in %s", text)
	}
}
