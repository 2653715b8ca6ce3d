//go:build integration

package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

func connect(t *testing.T) (*Cluster, chan Change) {
	t.Helper()
	registry, err := NewRegistry(Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	changes := make(chan Change, 1000)
	registry.Subscribe(func(change Change) { changes <- change })
	c, err := registry.Get(t.Context(), settings.Cluster{Name: "test", Server: "https://test", HubConfig: testkube.Config(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c, changes
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) { return so(), nil })
	if err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

func TestKindsAreListedSoon(t *testing.T) {
	c, _ := connect(t)
	for _, gvk := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Namespace"}, {Group: "apps", Version: "v1", Kind: "Deployment"},
		{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, {Group: "batch", Version: "v1", Kind: "Job"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}, {Group: "none", Version: "v1", Kind: "None"},
	} {
		began := time.Now()
		if err := c.Watch(t.Context(), "test", gvk); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", gvk.Kind, time.Since(began))
	}
}

func configMap(namespace, name, instance string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"namespace": namespace, "name": name},
		"data": map[string]any{"key": "value"},
	}}
	if instance != "" {
		object.Track(u, instance, "", object.Tracking{})
	}
	return u
}

var configMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

func TestWritesAreKnownAtOnceAndTold(t *testing.T) {
	c, changes := connect(t)
	namespace := testkube.Namespace(t)
	instance := namespace + "-app"
	if err := c.Watch(t.Context(), "test", configMaps); err != nil {
		t.Fatal(err)
	}
	manifest := configMap(namespace, "a", instance)
	answer, err := c.Apply(t.Context(), manifest, ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live, exists := c.Live(object.KeyOf(manifest))
	if !exists || live == nil || live.GetResourceVersion() != answer.GetResourceVersion() {
		t.Fatalf("the cache doesn't know the answer: %v", live)
	}
	if managed := c.Managed(instance, nil); len(managed) != 1 {
		t.Errorf("%d objects managed", len(managed))
	}
	// An object that nobody manages is known by little more than its name.
	if _, err := c.Apply(t.Context(), configMap(namespace, "free", ""), ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if live, exists := c.Live(object.Key{Kind: "ConfigMap", Namespace: namespace, Name: "free"}); !exists || live != nil {
		t.Errorf("exists %v, %v", exists, live)
	}
	// A change by another hand is told, with the application that it concerns.
	for len(changes) > 0 {
		<-changes
	}
	other := manifest.DeepCopy()
	if _, err := c.Patch(t.Context(), other, "application/merge-patch+json", []byte(`{"data":{"key":"other"}}`)); err != nil {
		t.Fatal(err)
	}
	if change := <-changes; change.Instance != instance {
		t.Errorf("told of %+v", change)
	}
	if err := c.Delete(t.Context(), configMaps, object.KeyOf(manifest), "background", ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deletion is known", func() bool { _, exists := c.Live(object.KeyOf(manifest)); return !exists })
	told := false
	for len(changes) > 0 {
		change := <-changes
		told = told || change.Instance == instance
	}
	if !told {
		t.Error("nobody was told")
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	c, _ := connect(t)
	namespace := testkube.Namespace(t)
	manifest := configMap(namespace, "a", "app")
	if _, err := c.Apply(t.Context(), manifest, ApplyOptions{DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if u, err := c.Get(t.Context(), configMaps, object.KeyOf(manifest)); err != nil || u != nil {
		t.Errorf("%v %v", u, err)
	}
	manifest.Object["dataa"] = "typo"
	if _, err := c.Apply(t.Context(), manifest, ApplyOptions{DryRun: true}); err == nil {
		t.Error("an unknown field was accepted")
	}
}

func TestForceMakesAnew(t *testing.T) {
	testkube.Controllers(t)
	c, _ := connect(t)
	namespace := testkube.Namespace(t)
	manifest := configMap(namespace, "a", "app")
	manifest.Object["immutable"] = true
	first, err := c.Apply(t.Context(), manifest, ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	manifest.Object["data"] = map[string]any{"key": "other"}
	if _, err := c.Apply(t.Context(), manifest, ApplyOptions{}); err == nil {
		t.Fatal("an immutable object changed")
	}
	second, err := c.Apply(t.Context(), manifest, ApplyOptions{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if first.GetUID() == second.GetUID() {
		t.Error("it is the same object")
	}
}

func TestUnknownKind(t *testing.T) {
	c, _ := connect(t)
	for _, asked := range []struct{ apiVersion, kind, served string }{
		{"none/v1", "None", "/, Kind="}, {"apps/v9", "Deployment", "apps/v1, Kind=Deployment"}, {"none/v1", "Deployment", "apps/v1, Kind=Deployment"},
	} {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": asked.apiVersion, "kind": asked.kind, "metadata": map[string]any{"name": "n"}}}
		_, err := c.Apply(t.Context(), u, ApplyOptions{})
		var unknown *UnknownKindError
		if !errors.As(err, &unknown) || unknown.Served.String() != asked.served {
			t.Errorf("%s %s: error %v", asked.apiVersion, asked.kind, err)
		}
	}
}

func TestOutageIsToldSoon(t *testing.T) {
	options := Default()
	options.RetryMin = 10 * time.Millisecond
	registry, err := NewRegistry(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	began := time.Now()
	_, err = registry.Get(t.Context(), settings.Cluster{Name: "dead", Server: "https://127.0.0.1:1"})
	if !errors.Is(err, ErrUnreachable) || time.Since(began) > options.Patience {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}
