//go:build integration

package application

import (
	"context"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// claim is unhealthy (Pending) for as long as no volume is bound to it; the test plays the cluster.
const claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: NAME}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`

func (f *fleet) dependsOn(dependencies ...v1alpha1.ApplicationDependency) func(*v1alpha1.Application) {
	return func(app *v1alpha1.Application) {
		for _, d := range dependencies {
			d.Name = f.name(d.Name)
			app.Spec.DependsOn = append(app.Spec.DependsOn, d)
		}
	}
}

// bind makes a claim healthy.
func (f *fleet) bind(name string) {
	f.t.Helper()
	pvc := &corev1.PersistentVolumeClaim{}
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.target, Name: name}, pvc); err != nil {
		f.t.Fatal(err)
	}
	pvc.Status.Phase = corev1.ClaimBound
	if err := f.client.Status().Update(f.t.Context(), pvc); err != nil {
		f.t.Fatal(err)
	}
}

func TestDependenciesAreSyncedFirst(t *testing.T) {
	f := newFleet(t)
	f.commit(map[string]string{
		"web/cm.yaml": configMap("web", "one"), "db/pvc.yaml": strings.ReplaceAll(claim, "NAME", "db"), "db/cm.yaml": configMap("db", "one"),
	})
	f.start()
	f.app("web", "web", automated, f.dependsOn(v1alpha1.ApplicationDependency{Name: "db"}))
	f.untilCondition("web", v1alpha1.ApplicationConditionWaitingForDependencies, "which does not exist")
	f.app("db", "db", automated)
	f.untilCondition("web", v1alpha1.ApplicationConditionWaitingForDependencies, "db, which is Synced and Progressing")
	if f.value("web", "key") != "" {
		t.Error("web was synced before db was healthy")
	}
	f.bind("db")
	f.until("web is synced", func(context.Context) bool { return f.value("web", "key") == "one" })
	f.until("web no longer waits", func(context.Context) bool { return len(f.get("web").Status.Conditions) == 0 })

	// One commit touches both: db comes first, although it was Synced and Healthy when the commit came.
	f.commit(map[string]string{
		"web/cm.yaml": configMap("web", "two"), "db/cm.yaml": configMap("db", "two"), "db/more.yaml": strings.ReplaceAll(claim, "NAME", "more"),
	})
	f.until("db is synced", func(context.Context) bool { return f.value("db", "key") == "two" })
	f.untilCondition("web", v1alpha1.ApplicationConditionWaitingForDependencies, "db, which is Synced and Progressing")
	if f.value("web", "key") != "one" {
		t.Error("web was synced before db was healthy")
	}

	// A person's sync waits too, and says for what; unless the person insists.
	f.sync("web", v1alpha1.SyncOperation{})
	f.until("the operation waits", func(context.Context) bool {
		state := f.get("web").Status.OperationState
		return state.Phase == v1alpha1.OperationRunning && strings.Contains(state.Message, "waiting for application "+f.name("db"))
	})
	f.patch("web", func(app *v1alpha1.Application) { app.Status.OperationState.Phase = v1alpha1.OperationTerminating })
	f.until("it is terminated", func(context.Context) bool {
		return f.get("web").Status.OperationState.Phase == v1alpha1.OperationFailed
	})
	f.sync("web", v1alpha1.SyncOperation{SyncOptions: v1alpha1.SyncOptions{skipDependencies}})
	f.until("web is synced", func(context.Context) bool { return f.value("web", "key") == "two" })
}

func TestCyclesAreRefusedByName(t *testing.T) {
	f := newFleet(t)
	f.commit(map[string]string{"a/cm.yaml": configMap("a", "one"), "b/cm.yaml": configMap("b", "one"), "c/cm.yaml": configMap("c", "one")})
	f.start()
	f.app("a", "a", automated, f.dependsOn(v1alpha1.ApplicationDependency{Name: "b"}))
	f.app("b", "b", automated, f.dependsOn(v1alpha1.ApplicationDependency{Name: "a"}))
	f.app("c", "c", automated, f.dependsOn(v1alpha1.ApplicationDependency{Name: "a", Gate: v1alpha1.DependencySynced}))
	cycle := f.name("a") + " → " + f.name("b") + " → " + f.name("a")
	f.untilCondition("a", v1alpha1.ApplicationConditionInvalidSpecError, "spec.dependsOn makes a cycle: "+cycle)
	f.untilCondition("b", v1alpha1.ApplicationConditionInvalidSpecError, "makes a cycle")
	f.untilCondition("c", v1alpha1.ApplicationConditionWaitingForDependencies, f.name("a"))
	if f.value("a", "key")+f.value("b", "key")+f.value("c", "key") != "" {
		t.Error("an application of a cycle was synced")
	}
	f.patch("b", func(app *v1alpha1.Application) { app.Spec.DependsOn = nil })
	for _, name := range []string{"a", "b", "c"} {
		f.until(name+" is synced", func(context.Context) bool { return f.value(name, "key") == "one" })
	}
}

func TestWhatDependsGoesFirst(t *testing.T) {
	f := newFleet(t)
	revision := f.commit(map[string]string{"web/cm.yaml": configMap("web", "one"), "db/cm.yaml": configMap("db", "one")})
	f.start()
	cascade := func(app *v1alpha1.Application) { app.Finalizers = []string{v1alpha1.ResourcesFinalizer} }
	f.app("db", "db", automated, cascade)
	f.app("web", "web", automated, cascade, f.dependsOn(v1alpha1.ApplicationDependency{Name: "db"}))
	f.untilSynced("web", revision)
	// Something else holds an object of web.
	hold := func(finalizers ...string) {
		cm := &corev1.ConfigMap{}
		if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: f.target, Name: "web"}, cm); err != nil {
			t.Fatal(err)
		}
		patch := client.MergeFrom(cm.DeepCopy())
		cm.Finalizers = finalizers
		if err := f.client.Patch(t.Context(), cm, patch); err != nil {
			t.Fatal(err)
		}
	}
	hold("example.com/hold")
	for _, name := range []string{"web", "db"} {
		if err := f.client.Delete(t.Context(), f.get(name)); err != nil {
			t.Fatal(err)
		}
	}
	f.until("web's object is on its way out", func(ctx context.Context) bool {
		cm := &corev1.ConfigMap{}
		return f.client.Get(ctx, client.ObjectKey{Namespace: f.target, Name: "web"}, cm) == nil && cm.DeletionTimestamp != nil
	})
	if f.value("db", "key") != "one" {
		t.Error("db went before web")
	}
	hold()
	for _, name := range []string{"web", "db"} {
		f.until(name+" is gone", func(ctx context.Context) bool {
			err := f.client.Get(ctx, client.ObjectKey{Namespace: f.hub, Name: f.name(name)}, &v1alpha1.Application{})
			return apierrors.IsNotFound(err) && f.value(name, "key") == ""
		})
	}
}
