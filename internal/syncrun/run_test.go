package syncrun

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncplan"
)

const manifests = `
{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, namespace: dev, annotations: {argocd.argoproj.io/hook: PreSync}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: dev, annotations: {argocd.argoproj.io/sync-wave: "-1"}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: dev}, spec: {replicas: 1}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: dev, annotations: {argocd.argoproj.io/sync-wave: "1"}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: smoke, namespace: dev, annotations: {argocd.argoproj.io/hook: PostSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: alarm, namespace: dev, annotations: {argocd.argoproj.io/hook: SyncFail}}}
`

var (
	migrate = object.Key{Group: "batch", Kind: "Job", Namespace: "dev", Name: "migrate"}
	smoke   = object.Key{Group: "batch", Kind: "Job", Namespace: "dev", Name: "smoke"}
	alarm   = object.Key{Group: "batch", Kind: "Job", Namespace: "dev", Name: "alarm"}

	web     = object.Key{Group: "apps", Kind: "Deployment", Namespace: "dev", Name: "web"}
	service = object.Key{Kind: "Service", Namespace: "dev", Name: "web"}
	old     = object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "old"}
)

func conditions(kind string) map[string]any {
	return map[string]any{"conditions": []any{map[string]any{"type": kind, "status": "True", "message": "its message"}}}
}

var available = map[string]any{"observedGeneration": int64(1), "replicas": int64(1), "updatedReplicas": int64(1), "availableReplicas": int64(1)}

// newRun plans from what is in the cluster, as the controller does at the beginning and after it was killed.
func newRun(t *testing.T, m *memory, state *v1alpha1.OperationState, id string, record func() error) *Run {
	t.Helper()
	objects, err := object.Parse([]byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	in := syncplan.Input{OperationID: id, LiveHooks: map[object.Key]*unstructured.Unstructured{}, Options: syncplan.Options{Prune: true}}
	for _, u := range objects {
		live, _ := m.Live(object.KeyOf(u))
		if _, hook := object.Hooks(u); hook {
			in.Hooks = append(in.Hooks, u)
		} else {
			in.Items = append(in.Items, syncplan.Item{Target: u, Live: live})
		}
	}
	if live, exists := m.Live(old); exists {
		in.Items = append(in.Items, syncplan.Item{Live: live})
	}
	return &Run{
		Plan: syncplan.Build(in), Cluster: m, State: state, OperationID: id, Now: time.Now,
		Record: func(context.Context) error { return record() },
	}
}

func newState() *v1alpha1.OperationState {
	return &v1alpha1.OperationState{Phase: v1alpha1.OperationRunning, StartedAt: metav1.Now()}
}

func (m *memory) withOld() *memory {
	m.objects[old] = &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "old", "namespace": "dev", "uid": "old"}}}
	return m
}

// world plays the cluster's controllers: each look, one thing that runs comes to its end.
func world(m *memory) bool {
	for _, step := range []struct {
		key    object.Key
		status map[string]any
	}{{migrate, conditions("Complete")}, {web, available}, {smoke, conditions("Complete")}} {
		if u, exists := m.Live(step.key); exists && u.Object["status"] == nil {
			m.set(step.key, step.status)
			return true
		}
	}
	return false
}

var wholeSync = []string{
	"apply batch/Job dev/migrate", "apply ConfigMap dev/settings", "apply apps/Deployment dev/web", "apply Service dev/web",
	"delete ConfigMap dev/old", "apply batch/Job dev/smoke", "delete batch/Job dev/smoke",
}

func TestWholeSync(t *testing.T) {
	m := newMemory().withOld()
	records := 0
	run := newRun(t, m, newState(), "1", func() error { records++; return nil })
	var waits []string
	for {
		outcome, err := run.Advance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if outcome.Phase != v1alpha1.OperationRunning {
			if outcome.Phase != v1alpha1.OperationSucceeded {
				t.Fatalf("%+v", outcome)
			}
			break
		}
		waits = append(waits, outcome.Message)
		if !world(m) {
			t.Fatalf("stuck: %+v", outcome)
		}
	}
	if d := cmp.Diff(wholeSync, m.log); d != "" {
		t.Error(d)
	}
	want := []string{
		"waiting for completion of hook batch/Job/migrate", "waiting for healthy state of apps/Deployment/web",
		"waiting for completion of hook batch/Job/smoke",
	}
	if d := cmp.Diff(want, waits); d != "" {
		t.Error(d)
	}
}

// The hub is killed at each write of its progress in turn, before or after the write got through. The sync arrives all
// the same, and no hook runs twice.
func TestKilledAtEveryPoint(t *testing.T) {
	killed := errors.New("killed")
	for at := range 12 {
		for _, stored := range []bool{false, true} {
			m := newMemory().withOld()
			state := newState()
			saved := state.DeepCopy()
			records := 0
			var run *Run
			record := func() error {
				records++
				if records-1 == at {
					if stored {
						saved = run.State.DeepCopy()
					}
					return killed
				}
				saved = run.State.DeepCopy()
				return nil
			}
			run = newRun(t, m, state, "1", record)
			for looks := 0; ; looks++ {
				if looks > 50 {
					t.Fatalf("killed at write %d: no end", at)
				}
				outcome, err := run.Advance(t.Context())
				if errors.Is(err, killed) {
					run = newRun(t, m, saved.DeepCopy(), "1", record)
					continue
				}
				if outcome.Phase == v1alpha1.OperationSucceeded {
					break
				}
				if outcome.Phase != v1alpha1.OperationRunning || !world(m) {
					t.Fatalf("killed at write %d: %+v", at, outcome)
				}
			}
			count := map[string]int{}
			for _, line := range m.log {
				count[line]++
			}
			for _, hook := range []string{"apply batch/Job dev/migrate", "apply batch/Job dev/smoke"} {
				if count[hook] != 1 {
					t.Errorf("killed at write %d (stored %v): %s happened %d times", at, stored, hook, count[hook])
				}
			}
			if _, exists := m.Live(old); exists {
				t.Errorf("killed at write %d: not pruned", at)
			}
		}
	}
}

func TestFailingHookRunsTheAlarmAndNothingElse(t *testing.T) {
	m := newMemory().withOld()
	run := newRun(t, m, newState(), "1", func() error { return nil })
	advance := func() Outcome {
		t.Helper()
		outcome, err := run.Advance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	advance()
	m.set(migrate, conditions("Failed"))
	if outcome := advance(); outcome.Phase != v1alpha1.OperationRunning || !strings.Contains(outcome.Message, "alarm") {
		t.Fatalf("%+v", outcome)
	}
	m.set(alarm, conditions("Complete"))
	outcome := advance()
	if outcome.Phase != v1alpha1.OperationFailed || !strings.Contains(outcome.Message, "its message") {
		t.Errorf("%+v", outcome)
	}
	if d := cmp.Diff([]string{"apply batch/Job dev/migrate", "apply batch/Job dev/alarm"}, m.log); d != "" {
		t.Error(d)
	}
}

func TestFailureOfTheAlarmIsToldToo(t *testing.T) {
	m := newMemory()
	run := newRun(t, m, newState(), "1", func() error { return nil })
	for _, hook := range []object.Key{migrate, alarm} {
		if outcome, err := run.Advance(t.Context()); err != nil || outcome.Phase != v1alpha1.OperationRunning {
			t.Fatalf("%+v %v", outcome, err)
		}
		m.set(hook, conditions("Failed"))
	}
	outcome, err := run.Advance(t.Context())
	want := "one or more synchronization tasks completed unsuccessfully, reason: its message\none or more SyncFail hooks failed, reason: its message"
	if err != nil || outcome.Phase != v1alpha1.OperationFailed || outcome.Message != want {
		t.Errorf("%+v %v", outcome, err)
	}
}

func TestRefusedManifestStopsEverythingBeforeItBegins(t *testing.T) {
	m := newMemory().withOld()
	m.refuse[service] = errors.New("port 99999 is invalid")
	run := newRun(t, m, newState(), "1", func() error { return nil })
	outcome, err := run.Advance(t.Context())
	if err != nil || outcome.Phase != v1alpha1.OperationFailed || !strings.Contains(outcome.Message, "99999") || len(m.log) > 0 {
		t.Errorf("%+v, %v, did %v", outcome, err, m.log)
	}
}

func TestDegradedWaveStopsTheNext(t *testing.T) {
	m := newMemory().withOld()
	run := newRun(t, m, newState(), "1", func() error { return nil })
	_, _ = run.Advance(t.Context())
	m.set(migrate, conditions("Complete"))
	_, _ = run.Advance(t.Context())
	m.set(web, map[string]any{"conditions": []any{map[string]any{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}}})
	outcome, err := run.Advance(t.Context())
	if err != nil || outcome.Phase == v1alpha1.OperationSucceeded {
		t.Fatalf("%+v %v", outcome, err)
	}
	if _, exists := m.Live(service); exists {
		t.Error("the next wave was applied")
	}
	if _, exists := m.Live(old); !exists {
		t.Error("it pruned after a failure")
	}
}

func TestFormerHookGoesFirst(t *testing.T) {
	m := newMemory()
	first := newRun(t, m, newState(), "1", func() error { return nil })
	_, _ = first.Advance(t.Context())
	m.set(migrate, conditions("Complete"))
	before, _ := m.Live(migrate)
	m.held[migrate] = true
	second := newRun(t, m, newState(), "2", func() error { return nil })
	outcome, err := second.Advance(t.Context())
	if err != nil || !strings.Contains(outcome.Message, "deletion of batch/Job/migrate") {
		t.Fatalf("%+v %v", outcome, err)
	}
	delete(m.objects, migrate)
	if _, err := second.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, exists := m.Live(migrate)
	if !exists || after.GetUID() == before.GetUID() {
		t.Error("the hook didn't run anew")
	}
}

func TestTerminateDeletesRunningHooks(t *testing.T) {
	m := newMemory()
	run := newRun(t, m, newState(), "1", func() error { return nil })
	_, _ = run.Advance(t.Context())
	Terminate(t.Context(), m, run.State)
	if _, exists := m.Live(migrate); exists {
		t.Error("the hook goes on")
	}
}

func TestDryRunDoesNothing(t *testing.T) {
	m := newMemory().withOld()
	run := newRun(t, m, newState(), "1", func() error { return nil })
	run.Plan.DryRun = true
	outcome, err := run.Advance(t.Context())
	if err != nil || outcome.Phase != v1alpha1.OperationSucceeded || len(m.log) > 0 || len(run.State.SyncResult.Resources) == 0 {
		t.Errorf("%+v %v %v", outcome, err, m.log)
	}
}

func TestPruneWaitsForConfirmation(t *testing.T) {
	m := newMemory().withOld()
	m.objects[old].SetAnnotations(map[string]string{object.SyncOptionsAnnotation: "Prune=confirm"})
	run := newRun(t, m, newState(), "1", func() error { return nil })
	var last Outcome
	for range 20 {
		outcome, err := run.Advance(t.Context())
		if err != nil || outcome.Phase != v1alpha1.OperationRunning {
			t.Fatalf("%+v %v", outcome, err)
		}
		last = outcome
		if !world(m) {
			break
		}
	}
	if last.Message != "waiting for pruning confirmation of /ConfigMap/old" || last.Again != 0 {
		t.Fatalf("%+v", last)
	}
	run.Confirmed = true
	if _, err := run.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, exists := m.Live(old); exists {
		t.Error("it wasn't pruned after the confirmation")
	}
}

func TestHookHeldByItsFinalizerTellsHowItEnded(t *testing.T) {
	for condition, want := range map[string]string{"Complete": "apply ConfigMap dev/settings", "Failed": "apply batch/Job dev/alarm", "": "apply batch/Job dev/alarm"} {
		m := newMemory()
		run := newRun(t, m, newState(), "1", func() error { return nil })
		_, _ = run.Advance(t.Context())
		if live, _ := m.Live(migrate); len(live.GetFinalizers()) != 1 {
			t.Fatalf("finalizers %v", live.GetFinalizers())
		}
		if condition != "" {
			m.set(migrate, conditions(condition))
		}
		now := metav1.Now()
		m.objects[migrate].SetDeletionTimestamp(&now) // its time to live is over, or a person deleted it
		if _, err := run.Advance(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(m.log, want) {
			t.Errorf("%q: did %v", condition, m.log)
		}
		if live, exists := m.Live(migrate); exists && len(live.GetFinalizers()) > 0 {
			t.Errorf("%q: the hook can't go: %v", condition, live.GetFinalizers())
		}
	}
}

func TestOneManifestIsAHookOfSeveralPhases(t *testing.T) {
	m := newMemory()
	hook, err := object.Parse([]byte(`{apiVersion: v1, kind: ConfigMap, metadata: {name: note, namespace: dev, annotations: {argocd.argoproj.io/hook: "PreSync,PostSync"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	plan := syncplan.Build(syncplan.Input{OperationID: "1", Hooks: hook})
	run := &Run{Plan: plan, Cluster: m, State: newState(), OperationID: "1", Now: time.Now, Record: func(context.Context) error { return nil }}
	for range 5 {
		if outcome, err := run.Advance(t.Context()); err != nil || outcome.Phase != v1alpha1.OperationRunning {
			break
		}
	}
	if d := cmp.Diff([]string{"apply ConfigMap dev/note", "delete ConfigMap dev/note", "apply ConfigMap dev/note"}, m.log); d != "" {
		t.Error(d)
	}
}

func TestWhatIsSuspendedHoldsTheNextWave(t *testing.T) {
	m := newMemory()
	run := newRun(t, m, newState(), "1", func() error { return nil })
	run.Health = func(u *unstructured.Unstructured) *health.Status {
		if u.GetKind() == "Deployment" {
			return &health.Status{Code: v1alpha1.HealthStatusSuspended}
		}
		return nil
	}
	for range 5 {
		if _, err := run.Advance(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	outcome, err := run.Advance(t.Context())
	if _, exists := m.Live(service); exists || err != nil || outcome.Message != "waiting for healthy state of apps/Deployment/web" {
		t.Errorf("%+v %v, next wave %v", outcome, err, exists)
	}
}
