//go:build integration

package application

import (
	"context"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

// Whose an object is decides who prunes it. In these tests that changes, and no object may be deleted for it.

// synced makes a fleet whose application "a" is synced, with the ConfigMaps a and b.
func synced(t *testing.T, change ...func(*v1alpha1.Application)) (f *fleet, revision string) {
	t.Parallel()
	f = newFleet(t)
	revision = f.commit(twoConfigMaps())
	f.start()
	f.app("a", "a", append([]func(*v1alpha1.Application){automated}, change...)...)
	f.untilSynced("a", revision)
	f.deletions()
	return f, revision
}

func (f *fleet) wantSameObjects(before map[string]string) {
	f.t.Helper()
	if after := f.identities(); !maps.Equal(before, after) {
		f.t.Errorf("objects %v, then %v", before, after)
	}
	if deleted := f.deletions(); deleted != "" {
		f.t.Errorf("deletions: %s", deleted)
	}
}

func (f *fleet) identities() map[string]string {
	all := map[string]string{}
	for name, uid := range f.uids() {
		all[name] = string(uid)
	}
	return all
}

// ownerOf is the application that a ConfigMap names.
func (f *fleet) ownerOf(name string) string {
	cm := &corev1.ConfigMap{}
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.target, Name: name}, cm); err != nil {
		f.t.Fatal(err)
	}
	instance, _, _ := object.ParseTrackingID(cm.Annotations[object.TrackingAnnotation])
	return instance
}

func TestAnotherTrackingMethodAdoptsWhatIsThere(t *testing.T) {
	f, revision := synced(t)
	before := f.identities()
	for _, method := range []object.TrackingMethod{object.TrackByLabel, object.TrackByAnnotationAndLabel, object.TrackByAnnotation} {
		f.stop()
		f.configure(map[string]string{"application.resourceTrackingMethod": string(method)})
		f.start()
		seen := f.reconciles()
		f.sync("a", v1alpha1.SyncOperation{Prune: true})
		f.until("it was compared, and is synced", func(context.Context) bool {
			app := f.get("a")
			return f.reconciles() > seen && app.Operation == nil && !running(app.Status.OperationState) && app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced && len(app.Status.Resources) == 2
		})
		f.untilSynced("a", revision)
		f.wantSameObjects(before)
	}
}

func TestRenamedApplicationKeepsTheObjects(t *testing.T) {
	f, revision := synced(t)
	before := f.identities()
	if err := f.client.Delete(t.Context(), f.get("a")); err != nil {
		t.Fatal(err)
	}
	f.until("the application is gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(f.client.Get(ctx, client.ObjectKey{Namespace: f.hub, Name: f.name("a")}, &v1alpha1.Application{}))
	})
	f.app("renamed", "a", automated)
	f.untilSynced("renamed", revision)
	f.wantSameObjects(before)
	f.until("the new one owns them", func(context.Context) bool {
		return f.ownerOf("a") == f.name("renamed")
	})
}

func TestDeletedTwinTakesNothingAlong(t *testing.T) {
	f, _ := synced(t)
	before := f.identities()
	// The twin has the same folder, isn't automated, and would delete what it owns. It owns nothing.
	f.app("twin", "a", func(app *v1alpha1.Application) { app.Finalizers = []string{v1alpha1.BackgroundResourcesFinalizer} })
	f.untilCondition("twin", v1alpha1.ApplicationConditionSharedResourceWarning, "part of applications")
	if err := f.client.Delete(t.Context(), f.get("twin")); err != nil {
		t.Fatal(err)
	}
	f.until("the twin is gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(f.client.Get(ctx, client.ObjectKey{Namespace: f.hub, Name: f.name("twin")}, &v1alpha1.Application{}))
	})
	f.wantSameObjects(before)
}

func TestNamespacesThatTheClusterNoLongerHasAreLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	other := testkube.Namespace(t)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.hub, Name: "in-cluster", Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"}},
		StringData: map[string]string{"name": "in-cluster", "server": "https://kubernetes.default.svc", "config": "{}", "namespaces": f.target + "," + other},
	}
	f.create(secret)
	revision := f.commit(map[string]string{
		"a/a.yaml": configMap("a", "one"),
		"a/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: " + other + "}\n",
	})
	f.start()
	f.app("a", "a", automated)
	f.untilSynced("a", revision)
	uid := func() string {
		cm := &corev1.ConfigMap{}
		if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: other, Name: "b"}, cm); err != nil {
			t.Fatalf("the object is gone: %v", err)
		}
		return string(cm.UID)
	}
	before := uid()
	f.deletions()
	seen := f.reconciles()
	change := secret.DeepCopy()
	change.StringData = map[string]string{"namespaces": f.target}
	if err := f.client.Patch(t.Context(), change, client.MergeFrom(secret)); err != nil {
		t.Fatal(err)
	}
	f.until("that is seen", func(context.Context) bool { return f.reconciles() > seen })
	f.commit(map[string]string{"a/b.yaml": "", "a/a.yaml": configMap("a", "two")})
	f.until("the rest is applied", func(context.Context) bool { return f.value("a", "key") == "two" })
	f.until("it is synced", func(context.Context) bool { return f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeSynced })
	if uid() != before || f.deletions() != "" {
		t.Error("an object in a namespace that is no longer the hub's was deleted")
	}
}

func TestAnotherDestinationTakesTheObjectsAlongOnlyWithLeave(t *testing.T) {
	f, _ := synced(t, func(app *v1alpha1.Application) { app.Spec.SyncPolicy.Automated.Prune = nil })
	before := f.identities()
	other := testkube.Namespace(t)
	f.patch("a", func(app *v1alpha1.Application) { app.Spec.Destination.Namespace = other })
	f.until("the objects are in the other namespace", func(ctx context.Context) bool {
		return f.client.Get(ctx, client.ObjectKey{Namespace: other, Name: "b"}, &corev1.ConfigMap{}) == nil
	})
	f.until("the old ones show", func(context.Context) bool {
		app := f.get("a")
		return app.Status.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync && len(app.Status.Resources) == 4 && !running(app.Status.OperationState)
	})
	f.wantSameObjects(before)
}

func TestOtherSettingsOfTheClusterInTheMiddleOfASync(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.hub, Name: "in-cluster", Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"}},
		StringData: map[string]string{"name": "in-cluster", "server": "https://kubernetes.default.svc", "config": "{}"},
	}
	f.create(secret)
	revision := f.commit(map[string]string{"a/a.yaml": configMap("a", "one"), "a/job.yaml": jobs})
	f.start()
	f.app("a", "a", automated)
	f.until("the hook runs", func(context.Context) bool {
		s := f.get("a").Status.OperationState
		return s != nil && strings.Contains(s.Message, "completion of hook")
	})
	seen := f.reconciles()
	change := secret.DeepCopy()
	change.StringData = map[string]string{"namespaces": f.target}
	if err := f.client.Patch(t.Context(), change, client.MergeFrom(secret)); err != nil {
		t.Fatal(err)
	}
	f.until("that is seen", func(context.Context) bool { return f.reconciles() > seen })
	f.end("migrate", "Complete")
	f.untilSynced("a", revision)
	if f.value("a", "key") != "one" {
		t.Error("the sync didn't go on")
	}
}

// configure makes argocd-cm have this data.
func (f *fleet) configure(data map[string]string) {
	f.t.Helper()
	key := metav1.ObjectMeta{Name: settings.ConfigMapName, Namespace: f.hub}
	if err := f.client.Delete(f.t.Context(), &corev1.ConfigMap{ObjectMeta: key}); err != nil && !apierrors.IsNotFound(err) {
		f.t.Fatal(err)
	}
	f.create(&corev1.ConfigMap{ObjectMeta: key, Data: data})
}
