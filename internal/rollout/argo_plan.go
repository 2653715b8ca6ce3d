package rollout

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Argo Rollouts' defaults (utils/defaults).
const (
	defaultReplicas = 1
	defaultHistory  = 10
	defaultDeadline = 600
)

var defaultBound = intstr.FromString("25%")

// InvalidSpecError says what of a spec is wrong or not supported, in the words that belong into the condition InvalidSpec.
type InvalidSpecError struct{ Reason error }

func (e *InvalidSpecError) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *InvalidSpecError) Unwrap() error { return e.Reason }

// ArgoPlan translates an Argo Rollout; sets are its ReplicaSets. The error is an *[InvalidSpecError].
func ArgoPlan(ro *v1alpha1.Rollout, sets []appsv1.ReplicaSet) (Plan, error) {
	if err := validateArgo(ro); err != nil {
		return Plan{}, &InvalidSpecError{err}
	}
	canary := ro.Spec.Strategy.Canary
	replicas := ptr.Deref(ro.Spec.Replicas, defaultReplicas)
	surge, slack, err := bounds(canary, replicas)
	if err != nil {
		return Plan{}, &InvalidSpecError{err}
	}
	plan := Plan{
		Name:            ro.Name,
		Hash:            wantedHash(ro, sets),
		Replicas:        replicas,
		MinReadySeconds: ro.Spec.MinReadySeconds,
		Surge:           surge,
		Slack:           slack,
		StepsHash:       StepsHash(canary.Steps),
		Paused:          ro.Spec.Paused,
		Deadline:        time.Duration(ptr.Deref(ro.Spec.ProgressDeadlineSeconds, defaultDeadline)) * time.Second,
		AbortAtDeadline: ro.Spec.ProgressDeadlineAbort,
		History:         ptr.Deref(ro.Spec.RevisionHistoryLimit, defaultHistory),
		StableService:   canary.StableService,
		CanaryService:   canary.CanaryService,
	}
	if ro.Spec.RollbackWindow != nil {
		plan.RollbackWindow = ro.Spec.RollbackWindow.Revisions
	}
	if ro.Spec.RestartAt != nil {
		plan.RestartAt = ro.Spec.RestartAt.Time
	}
	for _, step := range canary.Steps {
		plan.Steps = append(plan.Steps, argoStep(step))
	}
	return plan, nil
}

func argoStep(step v1alpha1.CanaryStep) Step {
	if step.Pause == nil {
		return Step{Weight: step.SetWeight}
	}
	pause := Pause{Duration: time.Duration(step.Pause.DurationSeconds()) * time.Second}
	if step.Pause.Duration != nil {
		pause.Text = step.Pause.Duration.String()
	}
	return Step{Pause: &pause}
}

// bounds resolves maxSurge (rounded up) and maxUnavailable (rounded down). If both come to nothing, one pod may be missing:
// else nothing could ever move.
func bounds(canary *v1alpha1.CanaryStrategy, replicas int32) (surge, slack int32, err error) {
	up, err := intstr.GetScaledValueFromIntOrPercent(ptr.To(ptr.Deref(canary.MaxSurge, defaultBound)), int(replicas), true)
	if err != nil {
		return 0, 0, fmt.Errorf("spec.strategy.canary.maxSurge: %w", err)
	}
	down, err := intstr.GetScaledValueFromIntOrPercent(ptr.To(ptr.Deref(canary.MaxUnavailable, defaultBound)), int(replicas), false)
	if err != nil {
		return 0, 0, fmt.Errorf("spec.strategy.canary.maxUnavailable: %w", err)
	}
	if up == 0 && down == 0 {
		down = 1
	}
	return int32(up), min(int32(down), replicas), nil
}
