package health

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// rollout reads Argo Rollouts' own phase: it is computed where the canary is, in the cluster. Controllers before 1.0 wrote
// none; what they say is in conditions and numbers.
func rollout(u *unstructured.Unstructured) *Status {
	if u.Object["status"] == nil || !rolloutObserved(u) {
		return progressing("Waiting for rollout spec update to be observed")
	}
	message := text(u, "status.message")
	switch phase := text(u, "status.phase"); phase {
	case "":
		return oldRollout(u)
	case "Paused":
		return suspended(message)
	case "Healthy", "Degraded", "Progressing":
		return &Status{v1alpha1.HealthStatusCode(phase), message}
	default:
		return unknown(message)
	}
}

// rolloutObserved also takes a hash for observed, which old controllers wrote instead of the generation, and of which some
// are numbers.
func rolloutObserved(u *unstructured.Unstructured) bool {
	seen, err := strconv.ParseInt(text(u, "status.observedGeneration"), 10, 64)
	if err == nil && seen < u.GetGeneration() {
		return false
	}
	_, referred, _ := unstructured.NestedMap(u.Object, "spec", "workloadRef")
	workload := u.GetAnnotations()["rollout.argoproj.io/workload-generation"]
	return !referred || u.GetAnnotations() == nil || workload == text(u, "status.workloadObservedGeneration")
}

func oldRollout(u *unstructured.Unstructured) *Status {
	for _, c := range conditions(u) {
		if c.kind == "InvalidSpec" || c.kind == "Progressing" && (c.reason == "RolloutAborted" || c.reason == "ProgressDeadlineExceeded") {
			return degraded(c.message)
		}
	}
	hash := text(u, "status.currentPodHash")
	updated, _ := number(u, "status.updatedReplicas")
	available, _ := number(u, "status.availableReplicas")
	total, _ := number(u, "status.replicas")
	stable := text(u, "status.stableRS")
	if stable == "" {
		stable = text(u, "status.canary.stableRS")
	}
	_, blueGreen, _ := unstructured.NestedMap(u.Object, "spec", "strategy", "blueGreen")
	switch {
	case len(list(u, "status.pauseConditions")) > 0 || flag(u, "spec.paused"):
		return suspended("Rollout is paused")
	case hash == "":
		return progressing("Waiting for rollout to finish: status has not been reconciled.")
	case updated < replicas(u):
		return progressing("Waiting for roll out to finish: More replicas need to be updated")
	case available < updated:
		return progressing("Waiting for roll out to finish: updated replicas are still becoming available")
	case blueGreen && text(u, "status.blueGreen.activeSelector") != hash:
		return progressing("active service cutover pending")
	case blueGreen && stable != "" && stable != hash:
		return progressing("waiting for analysis to complete")
	case !blueGreen && total > updated:
		return progressing("Waiting for roll out to finish: old replicas are pending termination")
	case !blueGreen && stable != hash:
		return progressing("Waiting for rollout to finish steps")
	}
	return healthy("")
}

// phased maps workflows, which run once.
func phased(u *unstructured.Unstructured) *Status {
	message := text(u, "status.message")
	switch text(u, "status.phase") {
	case "", "Pending", "Running":
		return progressing(message)
	case "Successful", "Succeeded":
		return healthy(message)
	case "Failed", "Error":
		return degraded(message)
	}
	return unknown(message)
}
