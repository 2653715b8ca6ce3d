package applicationset

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// TestManyAreMadeBeforeOneIsLookedAt: applications wait while their set makes more than it writes at once, and all are woken then.
func TestManyAreMadeBeforeOneIsLookedAt(t *testing.T) {
	for generators, want := range map[string]int{
		"[{list: {elements: [{name: a}, {name: b}, {name: c}]}}]":            0, // as many as are written at once
		"[{list: {elements: [{name: a}, {name: b}, {name: c}, {name: d}]}}]": 2,
	} {
		scene := newScene(t, newSources(), generators, "name")
		making := &Making{}
		scene.reconciler.making = making
		set := types.NamespacedName{Namespace: "argocd", Name: "set"}
		waiting, woken := 0, 0
		scene.reconciler.client = interceptor.NewClient(scene.client.(client.WithWatch), interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, object client.Object, o ...client.CreateOption) error {
				if making.Wait(set, client.ObjectKeyFromObject(object), func() { woken++ }) {
					waiting++
				}
				return c.Create(ctx, object, o...)
			},
		})
		scene.reconcile()
		if waiting != want || woken != want {
			t.Errorf("%s: %d wait and %d are woken, want %d", generators, waiting, woken, want)
		}
		if making.Wait(set, types.NamespacedName{Namespace: "argocd", Name: "a"}, func() {}) {
			t.Errorf("%s: something still has to wait", generators)
		}
	}
}
