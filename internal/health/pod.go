package health

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func pod(u *unstructured.Unstructured) *Status {
	// A pod that always restarts and can't start a container says so only in the container's waiting reason.
	if text(u, "spec.restartPolicy") == "Always" {
		if reasons := waiting(u); len(reasons) > 0 {
			return degraded(strings.Join(reasons, ", "))
		}
	}
	message := text(u, "status.message")
	switch text(u, "status.phase") {
	case "Pending":
		return progressing(message)
	case "Succeeded":
		return healthy(message)
	case "Failed":
		return degraded(podFailure(u, message))
	case "Running":
		return runningPod(u, message)
	}
	return unknown(message)
}

func runningPod(u *unstructured.Unstructured, message string) *Status {
	if text(u, "spec.restartPolicy") != "Always" {
		return progressing(message) // it is expected to end
	}
	for _, c := range conditions(u) {
		if c.kind == "Ready" && c.status == "True" {
			return healthy(message)
		}
	}
	for _, container := range list(u, "status.containerStatuses") {
		if last, ok := container["lastState"].(map[string]any); ok && last["terminated"] != nil {
			return degraded(message)
		}
	}
	return progressing(message)
}

// waiting are the messages of containers that wait for something that doesn't pass by itself.
func waiting(u *unstructured.Unstructured) []string {
	var messages []string
	for _, container := range list(u, "status.containerStatuses") {
		state, _ := container["state"].(map[string]any)
		wait, _ := state["waiting"].(map[string]any)
		reason, _ := wait["reason"].(string)
		if strings.HasPrefix(reason, "Err") || strings.HasSuffix(reason, "Error") || strings.HasSuffix(reason, "BackOff") {
			message, _ := wait["message"].(string)
			messages = append(messages, message)
		}
	}
	return messages
}

func podFailure(u *unstructured.Unstructured, message string) string {
	if message != "" {
		return message
	}
	for _, field := range []string{"status.initContainerStatuses", "status.containerStatuses"} {
		for _, container := range list(u, field) {
			state, _ := container["state"].(map[string]any)
			ended, _ := state["terminated"].(map[string]any)
			if text, _ := ended["message"].(string); text != "" {
				return text
			}
			if reason, _ := ended["reason"].(string); reason == "OOMKilled" {
				return reason
			}
		}
	}
	return ""
}
