package appset

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Initiator is who asks for the syncs of a rolling change.
const Initiator = "applicationset-controller"

// Rolls tells whether a set's changes reach its applications step by step.
func Rolls(set *v1alpha1.ApplicationSet) bool {
	s := set.Spec.Strategy
	return s != nil && s.Type == "RollingSync" && s.RollingSync != nil
}

// DeletesInReverse tells whether the applications of the last step go first when the set is deleted.
func DeletesInReverse(set *v1alpha1.ApplicationSet) bool {
	return Rolls(set) && len(set.Spec.Strategy.RollingSync.Steps) > 0 && strings.EqualFold(set.Spec.Strategy.DeletionOrder, "Reverse")
}

// What an application waits with, when something of it has changed.
const (
	bothChanged     = "Application has pending changes (revision and spec differ), setting status to Waiting"
	revisionChanged = "Application has pending changes, setting status to Waiting"
	specChanged     = "Application has pending changes (spec differs), setting status to Waiting"
)

// Rollout is where a rolling change stands, and what is to be done next.
type Rollout struct {
	Statuses []v1alpha1.ApplicationSetApplicationStatus
	// Sync are the applications that are asked to sync now.
	Sync map[string]bool
	// Refresh are applications to compare with Git before anything goes on: some changed, and others might have.
	Refresh    []*v1alpha1.Application
	Conditions []v1alpha1.ApplicationSetCondition
	// Retry is when to look again although no event comes; 0 means never.
	Retry time.Duration
}

// Advance takes a rolling change one step further, from what the status says and how the live applications are. Grace is how
// long applications may take to see a new commit before they are asked to look; 0 asks at once.
func Advance(set *v1alpha1.ApplicationSet, live []*v1alpha1.Application, generated []v1alpha1.Application, now metav1.Time, grace time.Duration) (Rollout, error) {
	ignored, err := NewIgnored(set.Spec.IgnoreApplicationDifferences)
	if err != nil {
		return Rollout{}, err
	}
	a := advance{
		set: set, live: live, now: metav1.NewTime(now.Truncate(time.Second)), ignored: ignored,
		wanted: map[string]*v1alpha1.Application{}, steps: stepsOf(set, generated),
	}
	for i := range generated {
		a.wanted[generated[i].Name] = &generated[i]
	}
	waitsSince := latestChange(set.Status.ApplicationStatus)
	statuses, err := a.observe()
	if err != nil {
		return Rollout{}, err
	}
	if waitsSince == nil {
		waitsSince = latestChange(statuses)
	}
	r := Rollout{Statuses: statuses, Sync: map[string]bool{}}
	if waitsSince != nil {
		if rest := grace - now.Sub(waitsSince.Time); rest > 0 {
			r.Retry = rest
			return r, nil
		}
		if r.Refresh = notReconciled(live, *waitsSince); len(r.Refresh) > 0 {
			return r, nil
		}
	}
	a.start(&r)
	r.Conditions = a.conditions(r.Statuses)
	return r, nil
}

type advance struct {
	set     *v1alpha1.ApplicationSet
	live    []*v1alpha1.Application
	wanted  map[string]*v1alpha1.Application
	steps   *steps
	now     metav1.Time
	ignored Ignored
}

// observe sees how far each application is.
func (a *advance) observe() ([]v1alpha1.ApplicationSetApplicationStatus, error) {
	before := map[string]v1alpha1.ApplicationSetApplicationStatus{}
	for _, status := range a.set.Status.ApplicationStatus {
		before[status.Application] = status
	}
	statuses := []v1alpha1.ApplicationSetApplicationStatus{}
	for _, app := range a.live {
		status, known := before[app.Name]
		if !known {
			status = v1alpha1.ApplicationSetApplicationStatus{Application: app.Name, TargetRevisions: revisions(app)}
			a.move(&status, v1alpha1.ProgressiveSyncWaiting, "No Application status found, defaulting status to Waiting")
		}
		was := status
		status.Step = strconv.Itoa(a.steps.of(app.Name))
		changed, err := a.changed(app, &status)
		if err != nil {
			return nil, err
		}
		a.follow(app, &status, was, changed)
		statuses = append(statuses, status)
	}
	slices.SortFunc(statuses, func(x, y v1alpha1.ApplicationSetApplicationStatus) int {
		in := func(s v1alpha1.ApplicationSetApplicationStatus) uint { return uint(a.steps.of(s.Application)) } // -1, of none, is last
		return cmp.Or(cmp.Compare(in(x), in(y)), strings.Compare(x.Application, y.Application))
	})
	return statuses, nil
}

func (a *advance) move(status *v1alpha1.ApplicationSetApplicationStatus, to v1alpha1.ProgressiveSyncStatusCode, message string) {
	now := a.now
	status.Status, status.Message, status.LastTransitionTime = to, message, &now
}

// changed puts an application whose commit or spec isn't the one that it had back to waiting.
func (a *advance) changed(app *v1alpha1.Application, status *v1alpha1.ApplicationSetApplicationStatus) (bool, error) {
	newRevision, newSpec := !slices.Equal(status.TargetRevisions, revisions(app)), false
	if wanted := a.wanted[app.Name]; wanted != nil {
		var err error
		if newSpec, err = a.ignored.Differs(app, WithoutAutomation(wanted)); err != nil {
			return false, err
		}
	}
	switch {
	case newRevision && newSpec:
		a.move(status, v1alpha1.ProgressiveSyncWaiting, bothChanged)
	case newRevision:
		a.move(status, v1alpha1.ProgressiveSyncWaiting, revisionChanged)
	case newSpec:
		a.move(status, v1alpha1.ProgressiveSyncWaiting, specChanged)
	default:
		return false, nil
	}
	status.TargetRevisions = revisions(app)
	return true, nil
}

// follow moves the status on as the application itself does.
func (a *advance) follow(app *v1alpha1.Application, status *v1alpha1.ApplicationSetApplicationStatus, was v1alpha1.ApplicationSetApplicationStatus, changed bool) {
	synced, healthy := app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced, app.Status.Health.Status == v1alpha1.HealthStatusHealthy
	if status.Status == v1alpha1.ProgressiveSyncWaiting {
		switch {
		case !synced:
		case healthy:
			a.move(status, v1alpha1.ProgressiveSyncHealthy, "Application resource has synced, updating status to Healthy")
		default:
			a.move(status, v1alpha1.ProgressiveSyncProgressing, "Application resource has synced, updating status to Progressing")
		}
		return
	}
	switch {
	case was.Status == v1alpha1.ProgressiveSyncPending && (app.Status.ReconciledAt == nil || !app.Status.ReconciledAt.Before(was.LastTransitionTime)):
		if message := begun(app, was.LastTransitionTime); message != "" {
			a.move(status, v1alpha1.ProgressiveSyncProgressing, message)
		}
	case was.Status == v1alpha1.ProgressiveSyncProgressing && healthy && synced:
		a.move(status, v1alpha1.ProgressiveSyncHealthy, "Application resource became Healthy, updating status from Progressing to Healthy")
	}
}

// begun says what became of the sync that a pending application was asked for; empty if nothing did. Times are stored in
// seconds, so an operation of the same second counts if it is ours.
func begun(app *v1alpha1.Application, since *metav1.Time) string {
	if state := app.Status.OperationState; state != nil && since != nil && (state.StartedAt.After(since.Time) ||
		state.StartedAt.Equal(since) && state.Operation.InitiatedBy.Username == Initiator) {
		switch {
		case state.Phase == v1alpha1.OperationSucceeded:
			return "Application resource completed a sync successfully, updating status from Pending to Progressing"
		case state.Phase.Completed():
			return "Application resource completed a sync, updating status from Pending to Progressing"
		}
		return "Application resource became Progressing, updating status from Pending to Progressing"
	}
	for _, c := range app.Status.Conditions {
		if c.Type == v1alpha1.ApplicationConditionInvalidSpecError || c.Type == v1alpha1.ApplicationConditionUnknownError {
			return "Application resource has error and cannot sync, updating status to Progressing"
		}
	}
	return ""
}

// start lets the applications of the steps that have been reached sync, as many at once as each step allows.
func (a *advance) start(r *Rollout) {
	reached := a.reached(r.Statuses)
	count := len(a.steps.applications)
	total, moving := make([]int, count), make([]int, count)
	for _, status := range r.Statuses {
		if step := a.steps.of(status.Application) - 1; step >= 0 {
			total[step]++
			if status.Status == v1alpha1.ProgressiveSyncPending || status.Status == v1alpha1.ProgressiveSyncProgressing {
				moving[step]++
			}
		}
	}
	for i := range r.Statuses {
		status := &r.Statuses[i]
		step := a.steps.of(status.Application) - 1
		if step < 0 || !reached[status.Application] {
			continue
		}
		if status.Status == v1alpha1.ProgressiveSyncWaiting && a.allows(step, moving[step], total[step]) {
			a.move(status, v1alpha1.ProgressiveSyncPending, "Application moved to Pending status, watching for the Application resource to start Progressing")
			moving[step]++
		}
		if status.Status == v1alpha1.ProgressiveSyncPending {
			r.Sync[status.Application] = true
		}
	}
}

// reached are the applications of all steps up to the first that isn't done.
func (a *advance) reached(statuses []v1alpha1.ApplicationSetApplicationStatus) map[string]bool {
	healthy, there := map[string]bool{}, map[string]bool{}
	for _, status := range statuses {
		healthy[status.Application] = status.Status == v1alpha1.ProgressiveSyncHealthy
	}
	for _, app := range a.live {
		there[app.Name] = true
	}
	reached := map[string]bool{}
	for _, step := range a.steps.applications {
		done := true
		for _, name := range step {
			reached[name] = true
			done = done && there[name] && healthy[name]
		}
		if !done {
			break
		}
	}
	return reached
}

// allows tells whether one more of a step's applications may move.
func (a *advance) allows(step, moving, total int) bool {
	limit := a.set.Spec.Strategy.RollingSync.Steps[step].MaxUpdate
	if limit == nil {
		return true
	}
	most, err := intstr.GetScaledValueFromIntOrPercent(limit, total, false)
	if err != nil {
		a.steps.wrongLimits = append(a.steps.wrongLimits, step)
		most = 0
	}
	if limit.Type == intstr.String && limit.StrVal != "0%" && most < 1 {
		most = 1 // a percentage of few is at least one of them
	}
	return moving < most
}

// latestChange is when the last application began to wait with a change; nil if none does.
func latestChange(statuses []v1alpha1.ApplicationSetApplicationStatus) *metav1.Time {
	var latest *metav1.Time
	for i := range statuses {
		s := &statuses[i]
		pending := s.Message == bothChanged || s.Message == revisionChanged || s.Message == specChanged
		if s.Status == v1alpha1.ProgressiveSyncWaiting && pending && s.LastTransitionTime != nil && (latest == nil || s.LastTransitionTime.After(latest.Time)) {
			latest = s.LastTransitionTime
		}
	}
	return latest
}

// notReconciled are applications that have not been compared since.
func notReconciled(live []*v1alpha1.Application, since metav1.Time) []*v1alpha1.Application {
	var late []*v1alpha1.Application
	for _, app := range live {
		if app.Status.ReconciledAt == nil || app.Status.ReconciledAt.Before(&since) {
			late = append(late, app)
		}
	}
	return late
}

func revisions(app *v1alpha1.Application) []string {
	switch sync := app.Status.Sync; {
	case len(sync.Revisions) > 0:
		return sync.Revisions
	case sync.Revision != "":
		return []string{sync.Revision}
	}
	return []string{}
}

// WithoutAutomation is an application that syncs only when it is asked to, as those of a rolling change do.
func WithoutAutomation(app *v1alpha1.Application) *v1alpha1.Application {
	off := app.DeepCopy()
	if off.Spec.SyncPolicy != nil && off.Spec.SyncPolicy.Automated != nil {
		no := false
		off.Spec.SyncPolicy.Automated.Enabled = &no
	}
	return off
}

// Rolling are the applications as a rolling change makes them: without automation, and with a sync of those whose turn it is.
func (r Rollout) Rolling(generated []v1alpha1.Application) []v1alpha1.Application {
	targets := map[string][]string{}
	for _, status := range r.Statuses {
		targets[status.Application] = status.TargetRevisions
	}
	rolling := make([]v1alpha1.Application, len(generated))
	for i := range generated {
		rolling[i] = *WithoutAutomation(&generated[i])
		if r.Sync[generated[i].Name] {
			automation := generated[i].Spec.Automation()
			rolling[i].Operation = operation(&rolling[i], automation.Prunes(), targets[generated[i].Name])
		}
	}
	return rolling
}

func operation(app *v1alpha1.Application, prune bool, targets []string) *v1alpha1.Operation {
	o := &v1alpha1.Operation{
		InitiatedBy: v1alpha1.OperationInitiator{Username: Initiator, Automated: true},
		Info:        []*v1alpha1.Info{{Name: "Reason", Value: "ApplicationSet RollingSync triggered a sync of this Application resource"}},
		Sync:        &v1alpha1.SyncOperation{},
		Retry:       v1alpha1.RetryStrategy{Limit: 5},
	}
	if app.Spec.HasSeveralSources() {
		o.Sync.Revisions = targets
	} else if len(targets) > 0 {
		o.Sync.Revision = targets[0]
	}
	if policy := app.Spec.SyncPolicy; policy != nil {
		if policy.Retry != nil {
			o.Retry = *policy.Retry
		}
		o.Sync.SyncOptions, o.Sync.Prune = policy.SyncOptions, prune
	}
	return o
}
