package cluster

import (
	"context"
	"encoding/json"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

// portAttempts bounds how often an object is read again that somebody else was writing meanwhile.
const portAttempts = 5

// patchWithPorts applies a manifest which may have several names of one port; distinct is the same with one of each. What the
// API server would make of that one gets the other names, loses those that the manifest has lost, and is written: in one
// write, for two could mean two rollouts. That the fields are ours by apply alone, as all others, is a second write, to the
// metadata.
func (c *Cluster) patchWithPorts(ctx context.Context, resource dynamic.ResourceInterface, distinct, whole *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	live, _ := c.Live(object.KeyOf(whole))
	if !object.NamesPortsTwice(whole) && (live == nil || !object.NamesPortsTwice(live)) {
		return c.patch(ctx, resource, distinct, o)
	}
	dry := o
	dry.DryRun = true
	for attempt := 1; ; attempt++ {
		answer, err := c.patch(ctx, resource, distinct, dry)
		if err != nil {
			return nil, err
		}
		answer = object.WithPorts(answer, whole)
		if o.DryRun {
			return answer, nil
		}
		answer, err = put(ctx, resource, answer)
		if err == nil {
			answer, err = own(ctx, resource, answer)
		}
		if err == nil || attempt == portAttempts || !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return answer, err
		}
	}
}

// put writes the answer to a dry-run.
func put(ctx context.Context, resource dynamic.ResourceInterface, answer *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if answer.GetResourceVersion() != "" {
		return resource.Update(ctx, answer, metav1.UpdateOptions{FieldManager: diff.Manager})
	}
	for _, field := range []string{"uid", "creationTimestamp", "generation", "selfLink"} {
		unstructured.RemoveNestedField(answer.Object, "metadata", field)
	}
	return resource.Create(ctx, answer, metav1.CreateOptions{FieldManager: diff.Manager})
}

// own has nothing of what was written count as an update of ours: what the manifest says is ours by apply, and goes when the
// manifest loses it, and what the API server filled in is nobody's.
func own(ctx context.Context, resource dynamic.ResourceInterface, written *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	all := written.GetManagedFields()
	kept := slices.DeleteFunc(slices.Clone(all), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == diff.Manager && entry.Operation == metav1.ManagedFieldsOperationUpdate && entry.Subresource == ""
	})
	if len(kept) == len(all) || !slices.ContainsFunc(kept, diff.Ours) {
		return written, nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": written.GetResourceVersion(), "managedFields": kept}})
	if err != nil {
		return nil, err
	}
	return resource.Patch(ctx, written.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: diff.Manager})
}
