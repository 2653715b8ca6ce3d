package applicationset

import (
	"context"
	"errors"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// TestCacheThatLags: a generator fails, works, and fails again, and for the last look the cache has what the first one wrote.
// What is then worked out equals what the cache has, so that nothing would be written, and the set would stay Healthy.
func TestCacheThatLags(t *testing.T) {
	s := newSources()
	scene := newScene(t, s, kinds["git files"].generators, kinds["git files"].name)
	clock := clocktesting.NewFakePassiveClock(time.Now())
	scene.reconciler.clock = clock
	var late *v1alpha1.ApplicationSet
	scene.reconciler.client = interceptor.NewClient(scene.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, o ...client.GetOption) error {
			if set, ok := object.(*v1alpha1.ApplicationSet); ok && late != nil {
				late.DeepCopyInto(set)
				return nil
			}
			return c.Get(ctx, key, object, o...)
		},
	})
	key := client.ObjectKey{Namespace: "argocd", Name: "set"}
	stored := func() *v1alpha1.ApplicationSet {
		var set v1alpha1.ApplicationSet
		if err := scene.client.Get(t.Context(), key, &set); err != nil {
			t.Fatal(err)
		}
		return &set
	}
	look := func(want v1alpha1.HealthStatusCode) time.Duration {
		t.Helper()
		result, err := scene.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: key})
		if err != nil {
			t.Fatal(err)
		}
		if got := stored().Status.Health.Status; got != want {
			t.Fatalf("the set is %s, want %s", got, want)
		}
		return result.RequeueAfter
	}
	away := errors.New("the host is away")

	s.unfetched = away
	look(v1alpha1.HealthStatusDegraded)
	failed := stored()
	s.unfetched = nil
	look(v1alpha1.HealthStatusHealthy)
	s.unfetched, late = away, failed
	if again := look(v1alpha1.HealthStatusHealthy); again != shortly {
		t.Errorf("looks again after %s, want %s", again, shortly)
	}
	late = nil
	look(v1alpha1.HealthStatusDegraded)

	// A store that was restored from a backup stays behind what was written; its sets are looked at nevertheless.
	late = failed
	if again := look(v1alpha1.HealthStatusDegraded); again != shortly {
		t.Errorf("looks again after %s, want %s", again, shortly)
	}
	clock.SetTime(clock.Now().Add(longestLag))
	if again := look(v1alpha1.HealthStatusDegraded); again == shortly {
		t.Error("waits for ever for what the store has lost")
	}
}
