package action

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The icons are names of Font Awesome, which the UI draws.
const (
	iconPause       = "fa fa-fw fa-pause"
	iconPlay        = "fa fa-fw fa-play"
	iconPauseCircle = "fa fa-fw fa-pause-circle"
	iconPlayCircle  = "fa fa-fw fa-play-circle"
	iconRestart     = "fa fa-fw fa-redo"
	iconScale       = "fa fa-fw fa-plus-circle"
	iconCreate      = "fa fa-fw fa-plus"
	iconReload      = "fa fa-fw fa-rotate-right"
)

var (
	restartPods = builtin{name: "restart", icon: iconRestart, change: stamp("", time.RFC3339,
		"spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt")}
	scale = builtin{name: "scale", icon: iconScale, params: []string{"replicas"}, change: scaled}

	suspended = is(true, "spec", "suspend")
	suspend   = set(true, "spec", "suspend")
	resume    = lower("spec", "suspend")
)

// kubernetes are the actions of workloads of Kubernetes itself.
var kubernetes = map[string][]builtin{
	"apps/DaemonSet":   {restartPods},
	"apps/StatefulSet": {restartPods, scale},
	"apps/Deployment": {
		restartPods,
		{name: "pause", icon: iconPauseCircle, offer: disabledIf(is(true, "spec", "paused")), change: set(true, "spec", "paused")},
		{name: "resume", icon: iconPlayCircle, offer: disabledIf(not(is(true, "spec", "paused"))), change: unset("spec", "paused")},
		scale,
	},
	"batch/CronJob": {
		{name: "create-job", display: "Create Job", icon: iconCreate, create: jobOf},
		{name: "resume", icon: iconPlay, offer: onlyIf(suspended), change: resume},
		{name: "suspend", icon: iconPause, offer: onlyIf(not(suspended)), change: suspend},
	},
	"batch/Job": {
		{name: "resume", icon: iconPlay, offer: onlyIf(func(o map[string]any) bool { return !ended(o) && suspended(o) }), change: resume},
		{name: "suspend", icon: iconPause, offer: onlyIf(not(either(ended, suspended))), change: suspend},
		{name: "terminate", icon: "fa fa-fw fa-stop", offer: onlyIf(func(o map[string]any) bool { return !ended(o) && has(o, "status") }), change: terminate},
	},
}

func scaled(o map[string]any, in input) error {
	replicas, err := strconv.ParseInt(strings.TrimSpace(in.params["replicas"]), 10, 32)
	if err != nil {
		return fmt.Errorf("invalid number: %s", in.params["replicas"])
	}
	return unstructured.SetNestedField(o, replicas, "spec", "replicas")
}

// jobOf is what kubectl create job --from makes of a CronJob.
func jobOf(source *unstructured.Unstructured, now time.Time) map[string]any {
	job := owned(source, "batch/v1", "Job", now.UTC().Format("0601021504"))
	metadata := job["metadata"].(map[string]any)
	template, _, _ := unstructured.NestedMap(source.Object, "spec", "jobTemplate")
	own, _ := template["metadata"].(map[string]any)
	own = maps.Clone(own)
	if own == nil {
		own = map[string]any{}
	}
	delete(own, "creationTimestamp")
	maps.Copy(own, metadata)
	annotations, _ := own["annotations"].(map[string]any)
	if annotations = maps.Clone(annotations); annotations == nil {
		annotations = map[string]any{}
	}
	annotations["cronjob.kubernetes.io/instantiate"] = "manual"
	own["annotations"] = annotations
	owner := own["ownerReferences"].([]any)[0].(map[string]any)
	owner["blockOwnerDeletion"], owner["controller"] = true, true
	job["metadata"], job["spec"] = own, template["spec"]
	return job
}

// ended tells whether a Job has an outcome.
func ended(o map[string]any) bool {
	for _, item := range list(o, "status", "conditions") {
		condition, _ := item.(map[string]any)
		switch condition["type"] {
		case "Complete", "Failed", "FailureTarget", "SuccessCriteriaMet":
			if condition["status"] == "True" {
				return true
			}
		}
	}
	return false
}

// terminate lets the Job's controller end it as failed.
func terminate(o map[string]any, in input) error {
	if !has(o, "status") || ended(o) {
		return nil
	}
	return unstructured.SetNestedSlice(o, append(list(o, "status", "conditions"), map[string]any{
		"type": "FailureTarget", "status": "True", "reason": "ManuallyTerminated",
		"message":            "Job was terminated explicitly through Argo CD", // monitoring may look for it
		"lastTransitionTime": in.now.UTC().Format(time.RFC3339),
	}), "status", "conditions")
}
