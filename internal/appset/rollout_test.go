package appset

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// play is a set with its applications, which the test moves as the application controller would.
type play struct {
	t         *testing.T
	set       *v1alpha1.ApplicationSet
	live      []*v1alpha1.Application
	generated []v1alpha1.Application
	now       time.Time
}

const rolling = `
goTemplate: true
generators: []
template: {metadata: {name: x}, spec: {project: p, destination: {}}}
strategy:
  type: RollingSync
  rollingSync:
    steps:
    - {matchExpressions: [{key: env, operator: In, values: [dev]}]}
    - {matchExpressions: [{key: env, operator: NotIn, values: [dev]}], maxUpdate: %s}
`

// newPlay has dev-1, prod-1 and prod-2 in sync at revision "one", all healthy.
func newPlay(t *testing.T, maxUpdate string) *play {
	p := &play{t: t, set: setOf(t, fmt.Sprintf(rolling, maxUpdate)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, name := range []string{"dev-1", "prod-1", "prod-2"} {
		env, _, _ := strings.Cut(name, "-")
		app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"env": env}}}
		app.Spec.Project, app.Spec.SyncPolicy = "p", &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: new(true)}}
		p.generated = append(p.generated, app)
		p.live = append(p.live, WithoutAutomation(&app))
		p.report(name, "one", v1alpha1.SyncStatusCodeSynced, v1alpha1.HealthStatusHealthy)
	}
	return p
}

func (p *play) app(name string) *v1alpha1.Application {
	for _, app := range p.live {
		if app.Name == name {
			return app
		}
	}
	p.t.Fatalf("there is no application %s", name)
	return nil
}

// report is the application controller's comparison of an application.
func (p *play) report(name, revision string, sync v1alpha1.SyncStatusCode, health v1alpha1.HealthStatusCode) {
	now := metav1.NewTime(p.now)
	status := &p.app(name).Status
	status.Sync.Revision, status.Sync.Status, status.Health.Status, status.ReconciledAt = revision, sync, health, &now
}

// synced is the application controller's sync of an application that was asked for.
func (p *play) synced(name, revision string, health v1alpha1.HealthStatusCode) {
	p.report(name, revision, v1alpha1.SyncStatusCodeSynced, health)
	p.app(name).Status.OperationState = &v1alpha1.OperationState{
		Phase: v1alpha1.OperationSucceeded, StartedAt: metav1.NewTime(p.now), Operation: v1alpha1.Operation{InitiatedBy: v1alpha1.OperationInitiator{Username: Initiator}},
	}
}

// advance takes a step, a second later, and compares what each application's state is and which are asked to sync.
func (p *play) advance(want string) Rollout {
	p.t.Helper()
	p.now = p.now.Add(time.Second)
	r, err := Advance(p.set, p.live, p.generated, metav1.NewTime(p.now), 0)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set.Status.ApplicationStatus = r.Statuses
	got := []string{}
	for _, status := range r.Statuses {
		word := status.Application + "(" + status.Step + ") " + string(status.Status)
		if r.Sync[status.Application] {
			word += " sync"
		}
		got = append(got, word)
	}
	if len(r.Refresh) > 0 {
		got = append(got, fmt.Sprintf("%d to refresh", len(r.Refresh)))
	}
	if text := strings.Join(got, ", "); text != want {
		p.t.Errorf("it is\n%s\nwant\n%s", text, want)
	}
	return r
}

func (p *play) push(revision string) {
	for _, app := range p.live {
		p.report(app.Name, revision, v1alpha1.SyncStatusCodeOutOfSync, v1alpha1.HealthStatusHealthy)
	}
}

func TestRollingChange(t *testing.T) {
	p := newPlay(t, "1")
	r := p.advance("dev-1(1) Healthy, prod-1(2) Healthy, prod-2(2) Healthy")
	if c := r.Conditions; c[0].Message != "Rolling Sync Configured correctly" || c[1].Message != "ApplicationSet Rollout has completed" || c[1].Status != "False" {
		t.Errorf("conditions are %+v", c)
	}
	// A new commit: all are compared before any is synced, then one step after the other.
	p.push("two")
	p.advance("dev-1(1) Waiting, prod-1(2) Waiting, prod-2(2) Waiting, 3 to refresh")
	p.push("two")
	r = p.advance("dev-1(1) Pending sync, prod-1(2) Waiting, prod-2(2) Waiting")
	if c := r.Conditions[1]; c.Status != "True" || c.Message != "ApplicationSet is performing rollout of step 1" || c.Reason != "ApplicationSetModified" {
		t.Errorf("the condition is %+v", c)
	}
	apps := r.Rolling(p.generated)
	if o := apps[0].Operation; o == nil || o.Sync.Revision != "two" || !o.Sync.Prune || o.InitiatedBy.Username != Initiator || o.Retry.Limit != 5 {
		t.Errorf("the operation is %+v", o)
	}
	if apps[1].Operation != nil || *apps[1].Spec.SyncPolicy.Automated.Enabled {
		t.Errorf("an application that waits is %+v", apps[1])
	}
	p.advance("dev-1(1) Pending sync, prod-1(2) Waiting, prod-2(2) Waiting") // nobody has begun: it is asked again
	p.synced("dev-1", "two", v1alpha1.HealthStatusProgressing)
	p.advance("dev-1(1) Progressing, prod-1(2) Waiting, prod-2(2) Waiting")
	p.report("dev-1", "two", v1alpha1.SyncStatusCodeSynced, v1alpha1.HealthStatusDegraded)
	p.advance("dev-1(1) Progressing, prod-1(2) Waiting, prod-2(2) Waiting") // production is not reached
	p.report("dev-1", "two", v1alpha1.SyncStatusCodeSynced, v1alpha1.HealthStatusHealthy)
	p.advance("dev-1(1) Healthy, prod-1(2) Pending sync, prod-2(2) Waiting") // one at a time
	p.synced("prod-1", "two", v1alpha1.HealthStatusHealthy)
	p.advance("dev-1(1) Healthy, prod-1(2) Progressing, prod-2(2) Waiting")
	p.advance("dev-1(1) Healthy, prod-1(2) Healthy, prod-2(2) Pending sync")
	p.synced("prod-2", "two", v1alpha1.HealthStatusHealthy)
	p.advance("dev-1(1) Healthy, prod-1(2) Healthy, prod-2(2) Progressing")
	if r = p.advance("dev-1(1) Healthy, prod-1(2) Healthy, prod-2(2) Healthy"); r.Conditions[1].Status != "False" {
		t.Errorf("the condition is %+v", r.Conditions[1])
	}
}

func TestRollingLimits(t *testing.T) {
	for limit, want := range map[string]string{
		"'0%'": "prod-1(2) Waiting, prod-2(2) Waiting", "0": "prod-1(2) Waiting, prod-2(2) Waiting",
		"'1%'": "prod-1(2) Pending sync, prod-2(2) Waiting", "'100%'": "prod-1(2) Pending sync, prod-2(2) Pending sync", "2": "prod-1(2) Pending sync, prod-2(2) Pending sync",
	} {
		p := newPlay(t, limit)
		p.advance("dev-1(1) Healthy, prod-1(2) Healthy, prod-2(2) Healthy")
		for _, name := range []string{"prod-1", "prod-2"} {
			p.report(name, "two", v1alpha1.SyncStatusCodeOutOfSync, v1alpha1.HealthStatusHealthy)
		}
		p.advance("dev-1(1) Healthy, prod-1(2) Waiting, prod-2(2) Waiting, 3 to refresh")
		for _, app := range p.live {
			p.report(app.Name, app.Status.Sync.Revision, app.Status.Sync.Status, app.Status.Health.Status)
		}
		p.advance("dev-1(1) Healthy, " + want)
	}
}

func TestWrongSteps(t *testing.T) {
	for from, want := range map[[2]string]string{
		{"operator: In,", "operator: Like,"}:                      "Step 1 has invalid matchExpression operators: Like. Supported Operators are 'In' and 'NotIn'",
		{"key: env, operator: NotIn", "key: no, operator: NotIn"}: "Application 'dev-1' is selected by multiple steps: (1-2)",
		{"values: [dev]}]}\n", "values: [qa]}]}\n"}:               "Steps [1] have no applications matching their criteria",
		{"maxUpdate: 1", "maxUpdate: many"}:                       "Step 2 has an invalid maxUpdate value: many",
	} {
		p := newPlay(t, "1")
		text := fmt.Sprintf(rolling, "1")
		if !strings.Contains(text, from[0]) {
			t.Fatalf("there is no %q", from[0])
		}
		p.set = setOf(t, strings.Replace(text, from[0], from[1], 1))
		var last Rollout
		for range 2 {
			p.now = p.now.Add(time.Second)
			for _, app := range p.live {
				p.report(app.Name, "two", v1alpha1.SyncStatusCodeOutOfSync, v1alpha1.HealthStatusHealthy)
			}
			p.report("dev-1", "two", v1alpha1.SyncStatusCodeSynced, v1alpha1.HealthStatusHealthy)
			var err error
			if last, err = Advance(p.set, p.live, p.generated, metav1.NewTime(p.now), 0); err != nil {
				t.Fatal(err)
			}
			p.set.Status.ApplicationStatus = last.Statuses
		}
		if c := last.Conditions; len(c) == 0 || c[0].Status != "True" || c[0].Message != want {
			t.Errorf("%s: got %+v", from[1], c)
		}
	}
}

func TestOperator(t *testing.T) {
	for policy, want := range map[string][2]bool{"": {true, true}, "sync": {true, true}, "create-only": {false, false}, "create-update": {true, false}, "create-delete": {false, true}, "nonsense": {false, false}} {
		o, err := OperatorFrom(map[string]string{"applicationsetcontroller.policy": policy})
		updates, deletes := o.PolicyOf(&v1alpha1.ApplicationSet{})
		if updates != want[0] || deletes != want[1] || (err != nil) != (policy == "nonsense") {
			t.Errorf("%q: updates %v, deletes %v, %v", policy, updates, deletes, err)
		}
	}
}

// TestOwnersAreRespected: what another controller owns is neither changed nor deleted.
func TestOwnersAreRespected(t *testing.T) {
	set := setOf(t, "{generators: [], template: {metadata: {}, spec: {project: p, destination: {}}}}")
	set.UID = "own"
	other := set.DeepCopy()
	other.Name, other.UID = "other", "other"
	generated := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: v1alpha1.ApplicationSpec{Project: "p"}}
	theirs := Created(other, &generated)
	plan, err := Operator{}.Plan(set, []v1alpha1.Application{generated}, nil, map[string]*v1alpha1.Application{"a": theirs})
	if err != nil || len(plan.Create)+len(plan.Update)+len(plan.Delete) > 0 || !strings.Contains(plan.Wrong.String(), "already owned by another ApplicationSet controller other") {
		t.Errorf("got %+v, %v", plan, err)
	}
	plan, err = Operator{}.Plan(set, nil, nil, map[string]*v1alpha1.Application{"a": theirs, "b": Created(set, &generated)})
	if err != nil || len(plan.Delete) != 1 || !Owns(set, plan.Delete[0]) {
		t.Errorf("got %+v, %v", plan, err)
	}
	// A set of the same name that was made anew owns nothing of the one before.
	again := set.DeepCopy()
	again.UID = "again"
	plan, err = Operator{}.Plan(again, nil, nil, map[string]*v1alpha1.Application{"b": Created(set, &generated)})
	if err != nil || len(plan.Delete) != 0 {
		t.Errorf("got %+v, %v", plan, err)
	}
}
