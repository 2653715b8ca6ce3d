package rollout

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// ArgoState reads the state from an Argo Rollout's status.
func ArgoState(status *v1alpha1.RolloutStatus) State {
	state := State{
		CurrentHash: status.CurrentPodHash,
		StepsHash:   status.CurrentStepHash,
		StableHash:  status.StableRS,
		Step:        ptr.Deref(status.CurrentStepIndex, 0),
		Pausing:     status.ControllerPause,
		Abort:       status.Abort,
		AbortedAt:   timeOf(status.AbortedAt),
		PromoteFull: status.PromoteFull,
		RestartedAt: timeOf(status.RestartedAt),
		Counts: Counts{
			Replicas:  status.Replicas,
			Updated:   status.UpdatedReplicas,
			Ready:     status.ReadyReplicas,
			Available: status.AvailableReplicas,
		},
	}
	for _, pause := range status.PauseConditions {
		state.Pauses = append(state.Pauses, PauseRecord{Reason: string(pause.Reason), Since: pause.StartTime.Time})
	}
	if c := condition(status, v1alpha1.RolloutProgressing); c != nil {
		state.Progress = Progress{
			Reason: c.Reason, Message: c.Message, Updated: c.LastUpdateTime.Time, Changed: c.LastTransitionTime.Time,
		}
	}
	if c := condition(status, v1alpha1.RolloutHealthy); c != nil {
		state.Healthy = ptr.To(c.Status == corev1.ConditionTrue)
	}
	return state
}

// ArgoStatus is the status of ro after a decision on what was seen. Fields that no canary without a router has are empty.
func ArgoStatus(ro *v1alpha1.Rollout, plan Plan, seen Observed, d Decision, now time.Time) v1alpha1.RolloutStatus {
	state := d.State
	status := v1alpha1.RolloutStatus{
		CurrentPodHash:     state.CurrentHash,
		CurrentStepHash:    state.StepsHash,
		StableRS:           state.StableHash,
		ControllerPause:    state.Pausing,
		Abort:              state.Abort,
		AbortedAt:          metaTime(state.AbortedAt),
		PromoteFull:        state.PromoteFull,
		RestartedAt:        metaTime(state.RestartedAt),
		CollisionCount:     ro.Status.CollisionCount,
		ObservedGeneration: strconv.FormatInt(ro.Generation, 10),
		Replicas:           state.Counts.Replicas,
		UpdatedReplicas:    state.Counts.Updated,
		ReadyReplicas:      state.Counts.Ready,
		AvailableReplicas:  state.Counts.Available,
		HPAReplicas:        state.Counts.Replicas,
		Selector:           metav1.FormatLabelSelector(ro.Spec.Selector),
		Conditions:         argoConditions(ro.Status.Conditions, plan, seen, state, now),
	}
	if len(plan.Steps) > 0 {
		status.CurrentStepIndex = ptr.To(state.Step)
	}
	for _, pause := range state.Pauses {
		status.PauseConditions = append(status.PauseConditions, v1alpha1.PauseCondition{
			Reason: v1alpha1.PauseReason(pause.Reason), StartTime: metav1.NewTime(pause.Since),
		})
	}
	status.Phase, status.Message = argoPhase(&ro.Spec, &status)
	return status
}

// ArgoInvalid is the status of a Rollout whose spec can't be carried out. All else stays as it was: what runs keeps running.
func ArgoInvalid(ro *v1alpha1.Rollout, reason error, now time.Time) v1alpha1.RolloutStatus {
	status := *ro.Status.DeepCopy()
	status.ObservedGeneration = strconv.FormatInt(ro.Generation, 10)
	status.Conditions = withInvalid(status.Conditions, ro.Name, reason, now)
	status.Phase, status.Message = argoPhase(&ro.Spec, &status)
	return status
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// metaTime is t to the second, which is what the API server keeps; nil if t is zero.
func metaTime(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return ptr.To(metav1.NewTime(t))
}
