package health

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// rollout reads Argo Rollouts' own phase: it is computed where the canary is, in the cluster.
func rollout(u *unstructured.Unstructured) *Status {
	if flag(u, "spec.paused") && text(u, "status.phase") != "Degraded" {
		return suspended("manually paused")
	}
	// status.observedGeneration is a string there; old controllers wrote a hash of the spec, which is no number.
	if seen := text(u, "status.observedGeneration"); seen != "" {
		if generation, err := strconv.ParseInt(seen, 10, 64); err == nil && generation != u.GetGeneration() {
			return progressing("Waiting for rollout spec update to be observed")
		}
	}
	for _, c := range conditions(u) {
		if c.kind == "InvalidSpec" && c.status == "True" {
			return degraded(fmt.Sprintf("%s: %s", c.reason, c.message))
		}
	}
	message := text(u, "status.message")
	switch text(u, "status.phase") {
	case "Healthy":
		return healthy(message)
	case "Degraded":
		return degraded(message)
	case "Paused":
		return suspended(message)
	case "Progressing":
		return progressing(message)
	}
	return progressing("Waiting for rollout to be observed")
}

// phased maps kinds that run once: analysis runs, experiments, workflows.
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

// application hands a child application's own health on.
func application(u *unstructured.Unstructured) *Status {
	if u.GetDeletionTimestamp() != nil {
		return progressing("Pending deletion")
	}
	code := v1alpha1.HealthStatusCode(text(u, "status.health.status"))
	if code == "" {
		return progressing("Waiting for the application to be reconciled")
	}
	return &Status{code, text(u, "status.health.message")}
}
