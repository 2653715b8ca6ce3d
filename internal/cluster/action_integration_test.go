//go:build integration

package cluster

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/action"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/testkube"
)

// TestActionsOnARealServer makes a Job of a CronJob, after a dry run that leaves nothing.
func TestActionsOnARealServer(t *testing.T) {
	c, _ := connect(t)
	pod := map[string]any{"spec": map[string]any{"restartPolicy": "Never", "containers": []any{map[string]any{"name": "a", "image": "a"}}}}
	cron, err := c.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "batch/v1", "kind": "CronJob", "metadata": map[string]any{"namespace": testkube.Namespace(t), "name": "report"},
		"spec": map[string]any{"schedule": "0 0 1 1 *", "jobTemplate": map[string]any{"spec": map[string]any{"template": pod}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	changes, err := (*action.Catalog)(nil).Run(cron, "create-job", nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	job := changes[0].Object
	for _, dryRun := range []bool{true, false} {
		if err := c.CreateByAction(t.Context(), job.DeepCopy(), dryRun); err != nil {
			t.Fatal(err)
		}
		live, err := c.Get(t.Context(), job.GroupVersionKind(), object.KeyOf(job))
		if err != nil || (live == nil) != dryRun {
			t.Fatalf("dry run %t: got %v, %v", dryRun, live, err)
		}
		if live != nil && (len(live.GetOwnerReferences()) != 1 || live.GetOwnerReferences()[0].UID != cron.GetUID()) {
			t.Errorf("the owner is %v", live.GetOwnerReferences())
		}
	}
	// A kind without a status of its own says so in a way that callers can tell.
	plain, err := c.Create(t.Context(), configMap(cron.GetNamespace(), "plain", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Patch(t.Context(), plain, types.MergePatchType, []byte(`{"status":{"a":1}}`), "status"); !apierrors.IsNotFound(err) {
		t.Errorf("patching the status of a ConfigMap: %v", err)
	}
}
