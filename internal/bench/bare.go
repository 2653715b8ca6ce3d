package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	corev1 "k8s.io/api/core/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// bareTimes is what the API server takes for what the hub writes and reads.
type bareTimes struct {
	// create and update are for all: an apply and a status each.
	create, update time.Duration
	// one is an apply and a status, alone; apply an apply alone.
	one, apply time.Duration
	// made and changed are for the applications of a set, without statuses.
	made, changed time.Duration
	// list is for all applications and ConfigMaps.
	list time.Duration
}

// bareWriter makes requests and throws the answers away.
type bareWriter struct {
	client *rest.RESTClient
}

func newBareWriter(config *rest.Config) (*bareWriter, error) {
	c := dynamic.ConfigFor(config)
	c.GroupVersion = &v1alpha1.GroupVersion
	c.APIPath = "/if-you-see-this-search-for-the-break"
	client, err := rest.RESTClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("making the bare client: %w", err)
	}
	return &bareWriter{client}, nil
}

func (b *bareWriter) apply(ctx context.Context, name, round string) error {
	body, err := yaml.YAMLToJSON([]byte(manifest(name, round)))
	if err != nil {
		return err
	}
	_, err = b.client.Patch(types.ApplyPatchType).AbsPath("/api/v1/namespaces/"+bareNamespace+"/configmaps/"+name).
		Param("fieldManager", "bare").Param("force", "true").Body(body).DoRaw(ctx)
	return err
}

// status writes one of the size that the hub's has.
func (b *bareWriter) status(ctx context.Context, name, round string) error {
	now := metav1.Now()
	result := &v1alpha1.ResourceResult{
		Version: "v1", Kind: "ConfigMap", Namespace: bareNamespace, Name: name, Status: v1alpha1.ResultCodeSynced,
		Message: "configmap/" + name + " serverside-applied", HookPhase: v1alpha1.OperationRunning, SyncPhase: v1alpha1.SyncPhaseSync,
	}
	source := v1alpha1.ApplicationSource{RepoURL: "http://127.0.0.1:3000/bench/mono.git", Path: "apps/" + name, TargetRevision: "main"}
	revision := strings.Repeat("0", 40-len(round)) + round
	status := v1alpha1.ApplicationStatus{
		Resources:    []v1alpha1.ResourceStatus{{Version: "v1", Kind: "ConfigMap", Namespace: bareNamespace, Name: name, Status: v1alpha1.SyncStatusCodeSynced}},
		Sync:         v1alpha1.SyncStatus{Status: v1alpha1.SyncStatusCodeSynced, Revision: revision, ComparedTo: v1alpha1.ComparedTo{Source: source}},
		Health:       v1alpha1.AppHealthStatus{Status: v1alpha1.HealthStatusHealthy, LastTransitionTime: &now},
		History:      v1alpha1.RevisionHistories{{Revision: revision, DeployedAt: now, Source: source}},
		ReconciledAt: &now, SourceType: v1alpha1.ApplicationSourceTypeDirectory,
		OperationState: &v1alpha1.OperationState{
			Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: revision, Prune: true}}, Phase: v1alpha1.OperationSucceeded,
			Message: "successfully synced (all tasks run)", StartedAt: now, FinishedAt: &now,
			SyncResult: &v1alpha1.SyncOperationResult{Resources: v1alpha1.ResourceResults{result}, Revision: revision, Source: source},
		},
	}
	body, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = b.client.Patch(types.MergePatchType).
		AbsPath("/apis/argoproj.io/v1alpha1/namespaces/" + bareNamespace + "/applications/" + name).Body(body).DoRaw(ctx)
	return err
}

func (b *bareWriter) both(ctx context.Context, name, round string) error {
	if err := b.apply(ctx, name, round); err != nil {
		return err
	}
	return b.status(ctx, name, round)
}

func (b *bareWriter) all(ctx context.Context, n int, round string) (time.Duration, error) {
	began := time.Now()
	err := forEach(ctx, concurrency, n, func(ctx context.Context, i int) error { return b.both(ctx, appName(i), round) })
	return time.Since(began), err
}

// bareClient measures what the API server takes.
func bareClient(ctx context.Context, w *world) error {
	n := w.options.Applications
	b, err := newBareWriter(w.config)
	if err != nil {
		return err
	}
	var apps []client.Object
	for i := range n {
		apps = append(apps, w.newApplication(bareNamespace, appName(i), "apps/"+appName(i)))
	}
	if err := w.createAll(ctx, apps); err != nil {
		return err
	}
	if w.bare.create, err = b.all(ctx, n, "1"); err != nil {
		return err
	}
	if w.bare.update, err = b.all(ctx, n, "2"); err != nil {
		return err
	}
	if err := b.alone(ctx, &w.bare, max(w.options.Rounds, 20)); err != nil {
		return err
	}
	if err := b.list(ctx, &w.bare); err != nil {
		return err
	}
	for _, kind := range []client.Object{&v1alpha1.Application{}, &corev1.ConfigMap{}} {
		if err := w.client.DeleteAllOf(ctx, kind, client.InNamespace(bareNamespace)); err != nil {
			return fmt.Errorf("tidying up behind the bare client: %w", err)
		}
	}
	return nil
}

// alone measures single writes one after another.
func (b *bareWriter) alone(ctx context.Context, times *bareTimes, rounds int) error {
	var applies, boths []time.Duration
	for i := range rounds {
		began := time.Now()
		if err := b.apply(ctx, appName(0), fmt.Sprint("alone ", i)); err != nil {
			return err
		}
		applies = append(applies, time.Since(began))
		if err := b.status(ctx, appName(0), fmt.Sprint(i)); err != nil {
			return err
		}
		boths = append(boths, time.Since(began))
	}
	times.apply, _ = spread(applies)
	times.one, _ = spread(boths)
	return nil
}

func (b *bareWriter) list(ctx context.Context, times *bareTimes) error {
	began := time.Now()
	for _, path := range []string{"/apis/argoproj.io/v1alpha1/namespaces/" + bareNamespace + "/applications", "/api/v1/namespaces/" + bareNamespace + "/configmaps"} {
		if _, err := b.client.Get().AbsPath(path).DoRaw(ctx); err != nil {
			return err
		}
	}
	times.list = time.Since(began)
	return nil
}
