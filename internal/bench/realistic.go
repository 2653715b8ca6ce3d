package bench

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// What a realistic application has: objects that it manages, and deployments that it remembers.
const resources, deployments = 10, 10

// teams share the repositories; each has a project.
const teams, repositories = policies, 10

func teamOf(i int) string { return fmt.Sprintf("team-%03d", i%teams) }

func repositoryOf(i int) string {
	return fmt.Sprintf("https://git.example.com/platform/deploy-%d.git", i%repositories)
}

// realistic is an application as it looks after a year in use: a Helm chart with some values, synced, with what its status
// then holds. The hub is told not to reconcile it, for there is nothing behind it.
func realistic(i int) *v1alpha1.Application {
	name, at := appName(i), metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	source := v1alpha1.ApplicationSource{
		RepoURL: repositoryOf(i), Path: "charts/" + name, TargetRevision: "main",
		Helm: &v1alpha1.ApplicationSourceHelm{
			ValueFiles: []string{"values.yaml", "values-production.yaml"},
			Parameters: []v1alpha1.HelmParameter{{Name: "image.tag", Value: fmt.Sprintf("1.%d.0", i)}, {Name: "replicas", Value: "3"}},
		},
	}
	app := &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: hubNamespace, Finalizers: []string{v1alpha1.ResourcesFinalizer},
			Labels:      map[string]string{"team": teamOf(i), "stage": "production", "app.kubernetes.io/part-of": "shop"},
			Annotations: map[string]string{v1alpha1.SkipReconcileAnnotation: "true", "contact": teamOf(i) + "@example.com"},
		},
		Spec: v1alpha1.ApplicationSpec{
			Project: teamOf(i), Source: &source,
			Destination: v1alpha1.ApplicationDestination{Server: "https://production.example.com:6443", Namespace: name},
			SyncPolicy: &v1alpha1.SyncPolicy{
				Automated: &v1alpha1.SyncPolicyAutomated{Prune: new(true), SelfHeal: new(true)}, SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"},
			},
		},
		Status: v1alpha1.ApplicationStatus{
			Sync: v1alpha1.SyncStatus{
				Status: v1alpha1.SyncStatusCodeSynced, Revision: revision(i),
			},
			Health:       v1alpha1.AppHealthStatus{Status: v1alpha1.HealthStatusHealthy, LastTransitionTime: &at},
			ReconciledAt: &at, SourceType: "Helm", ControllerNamespace: hubNamespace,
			Summary: v1alpha1.ApplicationSummary{
				Images: []string{"registry.example.com/shop/" + name + ":1.0.0"}, ExternalURLs: []string{"https://" + name + ".example.com/"},
			},
		},
	}
	app.Status.Sync.ComparedTo.Source, app.Status.Sync.ComparedTo.Destination = source, app.Spec.Destination
	for n := range deployments {
		app.Status.History = append(app.Status.History, v1alpha1.RevisionHistory{
			ID: int64(n), Revision: revision(i + n), DeployedAt: at, DeployStartedAt: &at, Source: source,
			InitiatedBy: v1alpha1.OperationInitiator{Automated: true},
		})
	}
	app.Status.Resources, app.Status.OperationState = managed(name), synced(name, source, revision(i), at)
	return app
}

// kinds are those of the objects of an application.
var kinds = []metav1.GroupVersionKind{
	{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Secret"}, {Version: "v1", Kind: "Service"}, {Version: "v1", Kind: "ServiceAccount"},
	{Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
}

func managed(name string) []v1alpha1.ResourceStatus {
	var all []v1alpha1.ResourceStatus
	for n := range resources {
		kind := kinds[n%len(kinds)]
		all = append(all, v1alpha1.ResourceStatus{
			Group: kind.Group, Version: kind.Version, Kind: kind.Kind, Namespace: name, Name: fmt.Sprintf("%s-%d", name, n),
			Status: v1alpha1.SyncStatusCodeSynced, Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusHealthy},
		})
	}
	return all
}

// synced is the last operation: a sync that went well.
func synced(name string, source v1alpha1.ApplicationSource, revision string, at metav1.Time) *v1alpha1.OperationState {
	state := &v1alpha1.OperationState{
		Operation: v1alpha1.Operation{
			Sync:        &v1alpha1.SyncOperation{Revision: revision, Prune: true, SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"}},
			InitiatedBy: v1alpha1.OperationInitiator{Automated: true}, Retry: v1alpha1.RetryStrategy{Limit: 5},
		},
		Phase: v1alpha1.OperationSucceeded, Message: "successfully synced (all tasks run)", StartedAt: at, FinishedAt: &at,
		SyncResult: &v1alpha1.SyncOperationResult{Revision: revision, Source: source},
	}
	for n := range resources {
		kind := kinds[n%len(kinds)]
		state.SyncResult.Resources = append(state.SyncResult.Resources, &v1alpha1.ResourceResult{
			Group: kind.Group, Version: kind.Version, Kind: kind.Kind, Namespace: name, Name: fmt.Sprintf("%s-%d", name, n),
			Status: v1alpha1.ResultCodeSynced, Message: strings.ToLower(kind.Kind) + "/" + name + " serverside-applied",
			HookPhase: v1alpha1.OperationRunning, SyncPhase: v1alpha1.SyncPhaseSync,
		})
	}
	return state
}

func revision(i int) string { return fmt.Sprintf("%040x", i+1) }
