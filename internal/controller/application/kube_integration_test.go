//go:build integration

package application

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func TestNothingIsPrunedByMistake(t *testing.T) {
	f := newFleet(t)
	f.commit(map[string]string{"a/cm.yaml": configMap("a", "one"), "README": "x\n"})
	stop := f.start()
	f.app("a", "a", automated)
	f.until("it is applied", func(context.Context) bool { return f.value("a", "key") == "one" })
	uid := func() string {
		var cm corev1.ConfigMap
		if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: f.target, Name: "a"}, &cm); err != nil {
			t.Fatalf("the object is gone: %v", err)
		}
		return string(cm.UID)
	}
	before := uid()

	f.commit(map[string]string{"a/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [\n"})
	f.untilCondition("a", v1alpha1.ApplicationConditionComparisonError, "cm.yaml")
	f.commit(map[string]string{"a/cm.yaml": "", "b/x.yaml": configMap("x", "y")})
	f.untilCondition("a", v1alpha1.ApplicationConditionComparisonError, "a")
	f.until("the state is unknown", func(context.Context) bool { return f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown })
	stop()
	f.start() // and with nothing in memory
	f.commit(map[string]string{"a/README.md": "nothing to deploy\n"})
	f.untilCondition("a", v1alpha1.ApplicationConditionSyncError, "wipe out all resources")
	if uid() != before {
		t.Error("the object was pruned and made again")
	}
	f.commit(map[string]string{"a/cm.yaml": configMap("a", "two")})
	f.until("it recovers", func(context.Context) bool { return f.value("a", "key") == "two" })
	if uid() != before {
		t.Error("the object was pruned and made again")
	}
	f.until("no condition is left", func(context.Context) bool { return len(f.get("a").Status.Conditions) == 0 })
}

const jobs = `
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {argocd.argoproj.io/hook: PreSync}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: m, image: none}]}}
`

// end plays the Job controller.
func (f *fleet) end(name, condition string) {
	f.t.Helper()
	var job batchv1.Job
	key := client.ObjectKey{Namespace: f.target, Name: name}
	f.until("the hook "+name+" runs", func(ctx context.Context) bool { return f.client.Get(ctx, key, &job) == nil })
	now := metav1.Now()
	before := job.DeepCopy()
	job.Status.StartTime = &now
	if condition == "Complete" {
		job.Status.CompletionTime = &now
		job.Status.Succeeded = 1
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}, {Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	} else {
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue}, {Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Message: "no such table"}}
	}
	if err := f.client.Status().Patch(f.t.Context(), &job, client.MergeFrom(before)); err != nil {
		f.t.Fatal(err)
	}
}

func TestHookSurvivesTheDeathOfTheHub(t *testing.T) {
	f := newFleet(t)
	revision := f.commit(map[string]string{"a/cm.yaml": configMap("a", "one"), "a/job.yaml": jobs})
	stop := f.start()
	f.app("a", "a", automated)
	var job batchv1.Job
	key := client.ObjectKey{Namespace: f.target, Name: "migrate"}
	f.until("the hook runs", func(ctx context.Context) bool { return f.client.Get(ctx, key, &job) == nil })
	stop()
	if f.value("a", "key") != "" {
		t.Fatal("the sync didn't wait for its PreSync hook")
	}
	f.start()
	f.until("the operation waits for the hook", func(context.Context) bool {
		s := f.get("a").Status.OperationState
		return s != nil && s.Phase == v1alpha1.OperationRunning
	})
	f.end("migrate", "Complete")
	f.until("the rest is applied", func(context.Context) bool { return f.value("a", "key") == "one" })
	f.untilSynced("a", revision)
	var after batchv1.Job
	if err := f.client.Get(t.Context(), key, &after); err != nil || after.UID != job.UID {
		t.Errorf("the hook ran again: %v, %s then %s", err, job.UID, after.UID)
	}
}

func TestInvalidManifestChangesNothing(t *testing.T) {
	f := newFleet(t)
	f.commit(map[string]string{
		"a/cm.yaml":      configMap("a", "one"),
		"a/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 99999}]}\n",
	})
	f.start()
	f.app("a", "a", automated, func(app *v1alpha1.Application) { app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{} })
	f.until("the sync fails", func(context.Context) bool {
		s := f.get("a").Status.OperationState
		return s != nil && s.Phase == v1alpha1.OperationFailed && strings.Contains(s.Message, "99999")
	})
	f.untilCondition("a", v1alpha1.ApplicationConditionSyncError, "Failed last sync attempt")
	if f.value("a", "key") != "" {
		t.Error("half of it was applied")
	}
	revision := f.commit(map[string]string{"a/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n"})
	f.untilSynced("a", revision)
}

func TestUnreachableClusterConcernsItsOwnApplications(t *testing.T) {
	f := newFleet(t)
	revision := f.commit(map[string]string{"a/cm.yaml": configMap("a", "one")})
	f.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.hub, Name: "far", Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"}},
		StringData: map[string]string{"name": "far", "server": "https://127.0.0.1:1", "config": "{}"},
	})
	f.start()
	f.app("far", "a", automated, func(app *v1alpha1.Application) {
		app.Spec.Destination.Server, app.Spec.Destination.Name = "", "far"
	})
	f.app("near", "a", automated)
	f.app("nowhere", "a", automated, func(app *v1alpha1.Application) { app.Spec.Destination.Server = "https://unknown" })
	f.untilSynced("near", revision)
	f.untilCondition("far", v1alpha1.ApplicationConditionComparisonError, `reaching cluster "far"`)
	f.untilCondition("nowhere", v1alpha1.ApplicationConditionInvalidSpecError, "register it")
}

func TestNothingIsWrittenAtARestart(t *testing.T) {
	f := newFleet(t)
	revision := f.commit(map[string]string{"a/cm.yaml": configMap("a", "one"), "b/deploy.yaml": deployment})
	stop := f.start()
	f.app("a", "a", automated)
	f.app("b", "b", automated)
	f.untilSynced("a", revision)
	f.untilSynced("b", revision)
	stop()
	f.commit(map[string]string{"elsewhere/cm.yaml": configMap("x", "y")})
	a, b := f.get("a").ResourceVersion, f.get("b").ResourceVersion
	f.start()
	f.until("both have been compared", func(context.Context) bool { return f.reconciles() >= 2 })
	if f.get("a").ResourceVersion != a || f.get("b").ResourceVersion != b {
		t.Errorf("a restart wrote: %+v %+v", f.get("a").Status, f.get("b").Status)
	}
}

// deployment has what the API server writes otherwise: a quantity, a port without protocol, and a list of one's own order.
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example/web:1
        env: [{name: A, value: a}, {name: B, value: "$(A)"}]
        ports: [{containerPort: 80}]
        resources: {limits: {cpu: 1000m, memory: 0.5Gi}}
      - {name: side, image: example/side:1}
`

func TestDiffByTheServersOwnUnderstanding(t *testing.T) {
	f := newFleet(t)
	revision := f.commit(map[string]string{"b/deploy.yaml": deployment})
	stop := f.start()
	f.app("b", "b", func(app *v1alpha1.Application) { automated(app); app.Spec.SyncPolicy.Automated.SelfHeal = nil })
	f.untilSynced("b", revision)
	stop()
	f.start() // nothing is known but what the cluster says
	live := func() *appsv1.Deployment {
		d := &appsv1.Deployment{}
		if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: f.target, Name: "web"}, d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	change := func(edit func(*appsv1.Deployment)) {
		t.Helper()
		d := live()
		before := d.DeepCopy()
		edit(d)
		if err := f.client.Patch(t.Context(), d, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
	status := func(want v1alpha1.SyncStatusCode, what string) {
		t.Helper()
		f.until(what, func(context.Context) bool { return f.get("b").Status.Sync.Status == want })
	}
	change(func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "example/web:2" })
	status(v1alpha1.SyncStatusCodeOutOfSync, "another image shows")
	change(func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "example/web:1" })
	status(v1alpha1.SyncStatusCodeSynced, "the former image is in sync")
	seen := f.reconciles()
	change(func(d *appsv1.Deployment) {
		d.Labels = map[string]string{"theirs": "x"}
		d.Spec.Template.Spec.PriorityClassName = ""
		d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: "injected", Image: "x"})
	})
	f.until("the addition was seen", func(context.Context) bool { return f.reconciles() > seen })
	status(v1alpha1.SyncStatusCodeSynced, "additions by others don't count")
}

func TestAdoptionOfWhatKubectlApplied(t *testing.T) {
	f := newFleet(t)
	manifest := filepath.Join(t.TempDir(), "cm.yaml")
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: " + f.target + "}\ndata: {key: old, removed: x}\n"
	if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var cm corev1.ConfigMap
	if err := yaml.Unmarshal([]byte(text), &cm); err != nil {
		t.Fatal(err)
	}
	cm.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}"}
	if err := f.client.Create(t.Context(), &cm, client.FieldOwner("kubectl-client-side-apply")); err != nil {
		t.Fatal(err)
	}
	revision := f.commit(map[string]string{"a/cm.yaml": configMap("a", "new")})
	f.start()
	f.app("a", "a", automated)
	f.untilSynced("a", revision)
	if f.value("a", "key") != "new" || f.value("a", "removed") != "" {
		t.Errorf("key %q, removed %q", f.value("a", "key"), f.value("a", "removed"))
	}
}

func TestCustomKindsInOneCommit(t *testing.T) {
	f := newFleet(t)
	group := f.target + ".example.com"
	revision := f.commit(map[string]string{"a/all.yaml": `
apiVersion: ` + group + `/v1
kind: Thing
metadata: {name: t}
spec: {size: 3}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.` + group + `}
spec:
  group: ` + group + `
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: ` + f.target + `-new}
---
apiVersion: v1
kind: Namespace
metadata: {name: ` + f.target + `-new}
`})
	f.start()
	f.app("a", "a", automated, func(app *v1alpha1.Application) {
		// The garbage collector learns of new kinds only every half minute, and foreground deletion waits for it.
		app.Spec.SyncPolicy.SyncOptions = v1alpha1.SyncOptions{"PrunePropagationPolicy=background"}
	})
	f.untilSynced("a", revision)
	if status := f.get("a").Status; status.Health.Status != v1alpha1.HealthStatusHealthy || len(status.Resources) != 4 {
		t.Errorf("%+v", status)
	}
	revision = f.commit(map[string]string{"a/all.yaml": configMap("a", "one")})
	f.untilSynced("a", revision)
}
