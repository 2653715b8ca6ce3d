package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/object"
)

// RemoveFinalizer takes a finalizer from an object, and leaves everything else of it alone. An object that is gone, or has
// no such finalizer, is no error; nor is another one of the same name, which stays as it is.
func (c *Cluster) RemoveFinalizer(ctx context.Context, u *unstructured.Unstructured, finalizer string) error {
	ctx, cancel := c.request(ctx)
	defer cancel()
	key := object.KeyOf(u)
	resource, err := c.resource(ctx, u.GroupVersionKind(), u.GetNamespace())
	if err != nil {
		return err
	}
	const attempts = 5 // others may change the list meanwhile
	for attempt := 1; ; attempt++ {
		live, err := resource.Get(ctx, key.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return c.explain("reading", key, err)
		}
		at := slices.Index(live.GetFinalizers(), finalizer)
		if at < 0 || live.GetUID() != u.GetUID() {
			return nil
		}
		path := fmt.Sprintf("/metadata/finalizers/%d", at)
		body, err := json.Marshal([]map[string]any{
			{"op": "test", "path": "/metadata/uid", "value": live.GetUID()},
			{"op": "test", "path": path, "value": finalizer},
			{"op": "remove", "path": path},
		})
		if err != nil {
			return err
		}
		answer, err := resource.Patch(ctx, key.Name, types.JSONPatchType, body, metav1.PatchOptions{})
		switch {
		case err == nil:
			if answer.GetDeletionTimestamp() == nil {
				c.wrote(answer, c.store.putWritten)
			}
			return nil
		case apierrors.IsNotFound(err):
			return nil
		case attempt == attempts || !apierrors.IsInvalid(err) && !apierrors.IsConflict(err):
			return c.explain("letting go of", key, err)
		}
	}
}
