package rollout

import (
	"fmt"

	"k8s.io/utils/ptr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// argoPhase sums a status up in a phase and a message, which are what people and Argo CD's health check see. The order of
// the questions and the words are Argo Rollouts' (utils/rollout).
func argoPhase(spec *v1alpha1.RolloutSpec, status *v1alpha1.RolloutStatus) (v1alpha1.RolloutPhase, string) {
	if invalid := condition(status, v1alpha1.RolloutInvalidSpec); invalid != nil {
		return v1alpha1.RolloutPhaseDegraded, fmt.Sprintf("%s: %s", invalid.Type, invalid.Message)
	}
	if progress := condition(status, v1alpha1.RolloutProgressing); progress != nil &&
		(progress.Reason == ReasonAborted || progress.Reason == ReasonDeadlineExceeded) {
		return v1alpha1.RolloutPhaseDegraded, fmt.Sprintf("%s: %s", progress.Reason, progress.Message)
	}
	switch {
	case spec.Paused:
		return v1alpha1.RolloutPhasePaused, "manually paused"
	case len(status.PauseConditions) > 0:
		return v1alpha1.RolloutPhasePaused, string(status.PauseConditions[0].Reason)
	}
	if waitingFor := argoWaitsFor(spec, status); waitingFor != "" {
		return v1alpha1.RolloutPhaseProgressing, waitingFor
	}
	return v1alpha1.RolloutPhaseHealthy, ""
}

// argoWaitsFor is what is missing for the Rollout to be healthy; empty if nothing is.
func argoWaitsFor(spec *v1alpha1.RolloutSpec, status *v1alpha1.RolloutStatus) string {
	switch {
	case spec.RestartAt != nil && (status.RestartedAt == nil || !spec.RestartAt.Equal(status.RestartedAt)):
		return "rollout is restarting"
	case status.UpdatedReplicas < ptr.Deref(spec.Replicas, defaultReplicas):
		return "more replicas need to be updated"
	case status.AvailableReplicas < status.UpdatedReplicas:
		return "updated replicas are still becoming available"
	case status.Replicas > status.UpdatedReplicas:
		return "old replicas are pending termination"
	case status.StableRS == "" || status.StableRS != status.CurrentPodHash:
		return "waiting for all steps to complete"
	default:
		return ""
	}
}
