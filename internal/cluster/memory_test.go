package cluster

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

// Objects as an API server sends them. What is measured is what is left of them.

func bigConfigMap(i int) *unstructured.Unstructured {
	name := fmt.Sprintf("configuration-of-application-%05d", i)
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": name, "namespace": "applications", "uid": uidOf(1, i), "resourceVersion": fmt.Sprint(1_000_000 + i),
			"creationTimestamp": "2026-01-01T00:00:00Z", "labels": map[string]any{"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench"},
			"managedFields": []any{map[string]any{
				"manager": diff.Manager, "operation": "Apply", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
				"fieldsV1": map[string]any{
					"f:data":     map[string]any{"f:application.properties": map[string]any{}},
					"f:metadata": map[string]any{"f:annotations": map[string]any{"f:argocd.argoproj.io/tracking-id": map[string]any{}}},
				},
			}},
		},
		"data": map[string]any{"application.properties": strings.Repeat("x", 2<<10)},
	}}
	object.Track(u, fmt.Sprintf("application-%05d", i), "", object.Tracking{})
	return u
}

func uidOf(kind, i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, i) }

func childPod(i int) *unstructured.Unstructured {
	set := i / 10
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{
			"name": fmt.Sprintf("storefront-6d4b75cb6d-%05d", i), "namespace": fmt.Sprintf("team-%d", set%50), "uid": uidOf(2, i),
			"resourceVersion": fmt.Sprint(1_000_000 + i), "creationTimestamp": "2026-01-01T00:00:00Z",
			"labels": map[string]any{"app": "storefront", "pod-template-hash": fmt.Sprint("6d4b75cb6d", set)},
			"ownerReferences": []any{map[string]any{
				"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": fmt.Sprint("storefront-", set), "uid": uidOf(3, set), "controller": true,
			}},
		},
		"spec": map[string]any{
			"nodeName": fmt.Sprintf("node-%03d", i%100),
			"containers": []any{map[string]any{
				"name": "c", "image": "registry.example.com/storefront:v1.2.3",
				"resources": map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "128Mi"}},
			}},
		},
		"status": map[string]any{
			"phase": "Running", "conditions": []any{map[string]any{"type": "Ready", "status": "True"}},
			"containerStatuses": []any{map[string]any{"name": "c", "ready": true, "restartCount": int64(0), "state": map[string]any{"running": map[string]any{}}}},
		},
	}}
}

// BenchmarkMemory tells the bytes that the cache keeps of an object.
func BenchmarkMemory(b *testing.B) {
	const objects = 10_000
	for _, kind := range []struct {
		name string
		make func(i int) *unstructured.Unstructured
	}{{"managed 2-KB ConfigMaps", bigConfigMap}, {"Pods as children", childPod}} {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(kept(kind.make, objects), "B/object")
			}
		})
	}
}

// kept is how much the heap grows by an object, all in.
func kept(make func(i int) *unstructured.Unstructured, objects int) float64 {
	var before, after runtime.MemStats
	s := newStore(testMaker, func(telling) {})
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range objects {
		s.put(s.whole(make(i)))
	}
	runtime.GC()
	runtime.GC() // what is shared weakly goes with the second
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(s)
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(objects)
}

// BenchmarkDecode is what it costs to look at an object that is kept encoded.
func BenchmarkDecode(b *testing.B) {
	n := testMaker.whole(bigConfigMap(1))
	for b.Loop() {
		n.object()
	}
}

func TestMemoryOfAnObjectStaysSmall(t *testing.T) {
	if size := kept(bigConfigMap, 10_000); size > 4<<10 {
		t.Errorf("%.0f B for a managed ConfigMap of 2 KB, more than 4 KiB", size)
	}
	if size := kept(childPod, 10_000); size > 600 {
		t.Errorf("%.0f B for a pod as a child, more than 600", size)
	}
}
