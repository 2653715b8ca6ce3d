package application

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/syncwindow"
)

func TestDecideAutoSync(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	manifest, object := &unstructured.Unstructured{}, &unstructured.Unstructured{}
	changed := compared{target: manifest, live: object, status: v1alpha1.SyncStatusCodeOutOfSync}
	same := compared{target: manifest, live: object, status: v1alpha1.SyncStatusCodeSynced}
	surplus := compared{live: object, status: v1alpha1.SyncStatusCodeOutOfSync}
	source := v1alpha1.ApplicationSource{RepoURL: "https://git/a", Path: "a"}
	synced := func(revision string, phase v1alpha1.OperationPhase, ago time.Duration, heals int64) *v1alpha1.OperationState {
		finished := metav1.NewTime(now.Add(-ago))
		return &v1alpha1.OperationState{
			Phase: phase, FinishedAt: &finished, Message: "some reason",
			Operation:  v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{AutoHealAttemptsCount: heals}},
			SyncResult: &v1alpha1.SyncOperationResult{Revision: revision, Source: source},
		}
	}
	const succeeded, failed, started = v1alpha1.OperationSucceeded, v1alpha1.OperationFailed, v1alpha1.OperationRunning
	on := v1alpha1.SyncPolicyAutomated{}
	prune := v1alpha1.SyncPolicyAutomated{Prune: new(true)}
	heal := v1alpha1.SyncPolicyAutomated{SelfHeal: new(true)}
	off := false
	for name, c := range map[string]struct {
		policy  *v1alpha1.SyncPolicyAutomated
		objects []compared
		last    *v1alpha1.OperationState
		held    bool
		unheard bool
		syncs   bool
		part    int
		wait    time.Duration
		warning string
	}{
		"not automated":                           {objects: []compared{changed}},
		"switched off":                            {policy: &v1alpha1.SyncPolicyAutomated{Enabled: &off}, objects: []compared{changed}},
		"in sync":                                 {policy: &on, objects: []compared{same}},
		"in sync, and nobody heard of it":         {policy: &on, objects: []compared{same}, unheard: true, syncs: true},
		"in sync, and told":                       {policy: &heal, objects: []compared{same}, unheard: true, last: synced("new", succeeded, time.Hour, 0)},
		"never synced":                            {policy: &on, objects: []compared{changed}, syncs: true},
		"held":                                    {policy: &on, objects: []compared{changed}, held: true},
		"another revision":                        {policy: &on, objects: []compared{changed}, last: synced("old", succeeded, time.Hour, 0), syncs: true},
		"another revision after a failure":        {policy: &on, objects: []compared{changed}, last: synced("old", failed, time.Second, 0), syncs: true},
		"running":                                 {policy: &on, objects: []compared{changed}, last: synced("old", started, 0, 0)},
		"failed before":                           {policy: &heal, objects: []compared{changed}, last: synced("new", failed, time.Hour, 0), warning: "Failed last sync attempt to new: some reason"},
		"drift":                                   {policy: &on, objects: []compared{changed}, last: synced("new", succeeded, time.Hour, 0)},
		"drift is healed at once, and only it":    {policy: &heal, objects: []compared{same, changed}, last: synced("new", succeeded, 0, 0), syncs: true, part: 1},
		"drift again waits":                       {policy: &heal, objects: []compared{changed}, last: synced("new", succeeded, 500*time.Millisecond, 1), wait: 1500 * time.Millisecond},
		"drift again and again waits longer":      {policy: &heal, objects: []compared{changed}, last: synced("new", succeeded, time.Second, 3), wait: 17 * time.Second},
		"drift for ever waits five minutes":       {policy: &heal, objects: []compared{changed}, last: synced("new", succeeded, 0, 50), wait: 300 * time.Second},
		"drift after a long calm is healed again": {policy: &heal, objects: []compared{changed}, last: synced("new", succeeded, time.Hour, 50), syncs: true, part: 1},
		"only prunes, without leave to":           {policy: &on, objects: []compared{same, surplus}},
		"only prunes":                             {policy: &prune, objects: []compared{same, surplus}, syncs: true},
		"would wipe everything out":               {policy: &prune, objects: []compared{surplus}, warning: "wipe out all resources"},
		"may wipe everything out":                 {policy: &v1alpha1.SyncPolicyAutomated{Prune: new(true), AllowEmpty: new(true)}, objects: []compared{surplus}, syncs: true},
	} {
		t.Run(name, func(t *testing.T) {
			app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &source, SyncPolicy: &v1alpha1.SyncPolicy{Automated: c.policy}}}
			app.Status.OperationState = c.last
			if c.held {
				app.SetHold(v1alpha1.Hold{})
			}
			status := v1alpha1.SyncStatusCodeSynced
			for _, o := range c.objects {
				if o.status == v1alpha1.SyncStatusCodeOutOfSync {
					status = o.status
				}
			}
			got := decideAutoSync(automation{
				app: app, revisions: []string{"new"}, options: Default(), now: now,
				comparison: &comparison{of: &desired.Manifests{Revisions: []string{"new"}}, objects: c.objects, status: status}, unheard: c.unheard,
			})
			if (got.operation != nil) != c.syncs || got.wait != c.wait || !strings.Contains(got.warning, c.warning) || (got.warning == "") != (c.warning == "") {
				t.Errorf("operation %+v, wait %s, warning %q", got.operation, got.wait, got.warning)
			}
			if c.syncs && len(got.operation.Sync.Resources) != c.part {
				t.Errorf("%d resources", len(got.operation.Sync.Resources))
			}
		})
	}
}

func TestNoComparisonNoSync(t *testing.T) {
	app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{SyncPolicy: &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: new(true), AllowEmpty: new(true)}}}}
	if got := decideAutoSync(automation{app: app, options: Default()}); got.operation != nil {
		t.Error("it would sync, and prune, without knowing anything")
	}
}

func TestRetryWait(t *testing.T) {
	three := int64(3)
	for _, c := range []struct {
		backoff *v1alpha1.Backoff
		want    []time.Duration
	}{
		{nil, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 180 * time.Second}},
		{&v1alpha1.Backoff{Duration: "1", Factor: &three, MaxDuration: "10s"}, []time.Duration{time.Second, 3 * time.Second, 9 * time.Second, 10 * time.Second}},
		{&v1alpha1.Backoff{Duration: "nonsense"}, []time.Duration{5 * time.Second}},
	} {
		for count, want := range c.want {
			if got := retryWait(v1alpha1.RetryStrategy{Backoff: c.backoff}, int64(count)); got != want {
				t.Errorf("%+v: wait %d is %s, want %s", c.backoff, count, got, want)
			}
		}
	}
}

func TestAutomationWaitsForItsWindow(t *testing.T) {
	now := time.Date(2026, 3, 2, 2, 30, 0, 0, time.UTC)
	a := automation{
		app: &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{
			Source: &v1alpha1.ApplicationSource{RepoURL: "r"}, SyncPolicy: &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{SelfHeal: new(true)}},
		}},
		revisions:  []string{"new"},
		comparison: &comparison{of: &desired.Manifests{Revisions: []string{"new"}}, status: v1alpha1.SyncStatusCodeOutOfSync, objects: []compared{{target: &unstructured.Unstructured{}, status: v1alpha1.SyncStatusCodeOutOfSync}}},
		windows:    syncwindow.Windows{{Kind: "allow", Schedule: "0 4 * * *", Duration: "1h"}}, options: Default(), now: now,
	}
	decision := decideAutoSync(a)
	if decision.operation != nil || decision.wait != 90*time.Minute {
		t.Fatalf("%+v", decision)
	}
	a.now = now.Add(decision.wait)
	if decision = decideAutoSync(a); decision.operation == nil {
		t.Errorf("it doesn't sync when the window opens: %+v", decision)
	}
	a.windows[0].Schedule = "nonsense"
	if decision = decideAutoSync(a); decision.operation != nil || !strings.Contains(decision.warning, "nonsense") {
		t.Errorf("%+v", decision)
	}
}
