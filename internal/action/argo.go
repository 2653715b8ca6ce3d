package action

import (
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/internal/protocol"
)

// argo are the actions of the Argo projects' kinds.
var argo = map[string][]builtin{
	"argoproj.io/Rollout": {
		{name: "restart", display: "Restart Pods", change: stamp("", time.RFC3339, "spec", "restartAt")},
		{name: "resume", offer: disabledIf(not(rolloutPaused)), change: all(unpause, lower("spec", "paused"))},
		{name: "abort", offer: disabledIf(either(promoted, aborted)), change: set(true, "status", "abort")},
		{name: "retry", offer: disabledIf(either(promoted, not(aborted))), change: unset("status", "abort")},
		{name: "pause", offer: disabledIf(either(promoted, aborted, is(true, "spec", "paused"))), change: set(true, "spec", "paused")},
		{name: "promote-full", offer: disabledIf(notPromotable), change: promoteFull},
		{name: "skip-current-step", offer: disabledIf(not(hasStepAhead)), change: skipStep},
	},
	"argoproj.io/AnalysisRun": {
		{name: "terminate", offer: disabledIf(analysisOver), change: set(true, "spec", "terminate")},
	},
	"argoproj.io/Application": {
		{name: "toggle-auto-sync", offer: offerAutoSync, change: toggleAutoSync},
	},
	"argoproj.io/CronWorkflow": {
		{name: "create-workflow", display: "Create Workflow", icon: iconCreate, create: workflowOfCron},
	},
	"argoproj.io/WorkflowTemplate": {
		{name: "create-workflow", display: "Create Workflow", icon: iconCreate, create: workflowOfTemplate},
	},
	"promoter.argoproj.io/PullRequest": {
		{name: "merge", display: "Merge PR", icon: "fa fa-fw fa-code-merge", offer: disabledIf(not(is("open", "spec", "state"))), change: set("merged", "spec", "state")},
	},
}

var aborted = is(true, "status", "abort")

func rolloutPaused(o map[string]any) bool {
	if has(o, "status", "pauseConditions") {
		return len(list(o, "status", "pauseConditions")) > 0
	}
	return is(true, "spec", "paused")(o)
}

// promoted tells that there is no update in progress.
func promoted(o map[string]any) bool {
	return at(o, "status", "currentPodHash") == at(o, "status", "stableRS")
}

// old tells that a Rollout's controller is older than Argo Rollouts 0.10, which has no promoteFull.
func old(o map[string]any) bool {
	seen, err := strconv.ParseInt(text(o, "status", "observedGeneration"), 10, 64)
	generation, _ := whole(o, "metadata", "generation")
	return err != nil || seen > generation
}

func notPromotable(o map[string]any) bool {
	return promoted(o) || old(o) && has(o, "spec", "strategy", "blueGreen")
}

// step is the step that a canary is at, and how many it has.
func step(o map[string]any) (index, steps int64, ok bool) {
	if !has(o, "spec", "strategy", "canary", "steps") || !has(o, "status") {
		return 0, 0, false
	}
	index, _ = whole(o, "status", "currentStepIndex")
	return index, int64(len(list(o, "spec", "strategy", "canary", "steps"))), true
}

func hasStepAhead(o map[string]any) bool {
	index, steps, ok := step(o)
	return ok && index != steps
}

func unpause(o map[string]any, _ input) error {
	if len(list(o, "status", "pauseConditions")) > 0 {
		unstructured.RemoveNestedField(o, "status", "pauseConditions")
	}
	return nil
}

func promoteFull(o map[string]any, _ input) error {
	if !has(o, "status") {
		return nil
	}
	if !old(o) {
		return unstructured.SetNestedField(o, true, "status", "promoteFull")
	}
	unstructured.RemoveNestedField(o, "status", "abort")
	if _, steps, ok := step(o); ok {
		return unstructured.SetNestedField(o, steps, "status", "currentStepIndex")
	}
	return nil
}

func skipStep(o map[string]any, in input) error {
	index, steps, ok := step(o)
	if !ok || index >= steps {
		return nil
	}
	if err := unpause(o, in); err != nil {
		return err
	}
	return unstructured.SetNestedField(o, index+1, "status", "currentStepIndex")
}

func analysisOver(o map[string]any) bool {
	switch text(o, "status", "phase") {
	case "Successful", "Failed", "Error", "Inconclusive":
		return true
	}
	return is(true, "spec", "terminate")(o)
}

func autoSync(o map[string]any) bool {
	return has(o, "spec", "syncPolicy", "automated") && !is(false, "spec", "syncPolicy", "automated", "enabled")(o)
}

func offerAutoSync(o map[string]any, a *protocol.ResourceAction) bool {
	a.DisplayName = "Enable Auto-Sync"
	if autoSync(o) {
		a.DisplayName = "Disable Auto-Sync"
	}
	return true
}

func toggleAutoSync(o map[string]any, _ input) error {
	return unstructured.SetNestedField(o, !autoSync(o), "spec", "syncPolicy", "automated", "enabled")
}

const workflowTime = "200601021504"

// workflowOfCron is what argo submit --from=cronworkflow/… makes.
func workflowOfCron(source *unstructured.Unstructured, now time.Time) map[string]any {
	workflow := owned(source, "argoproj.io/v1alpha1", "Workflow", now.UTC().Format(workflowTime))
	metadata := workflow["metadata"].(map[string]any)
	labels, annotations := map[string]any{}, map[string]any{}
	if own, _, _ := unstructured.NestedMap(source.Object, "spec", "workflowMetadata", "labels"); own != nil {
		labels = own
	}
	if own, _, _ := unstructured.NestedMap(source.Object, "spec", "workflowMetadata", "annotations"); own != nil {
		annotations = own
	}
	labels["workflows.argoproj.io/cron-workflow"] = source.GetName()
	const instance = "workflows.argoproj.io/controller-instanceid"
	if id := source.GetLabels()[instance]; id != "" {
		labels[instance] = id
	}
	annotations["workflows.argoproj.io/scheduled-time"] = now.UTC().Format(time.RFC3339)
	metadata["labels"], metadata["annotations"] = labels, annotations
	// Argo CD writes them beside the metadata, where a Workflow has none; moved into it, they would hold Workflows back
	// from being deleted that so far went.
	if finalizers := list(source.Object, "spec", "workflowMetadata", "finalizers"); len(finalizers) > 0 {
		workflow["finalizers"] = finalizers
	}
	if spec, _, _ := unstructured.NestedMap(source.Object, "spec", "workflowSpec"); spec != nil {
		workflow["spec"] = spec
	}
	return workflow
}

// workflowOfTemplate is what argo submit --from=workflowtemplate/… makes.
func workflowOfTemplate(source *unstructured.Unstructured, now time.Time) map[string]any {
	workflow := owned(source, "argoproj.io/v1alpha1", "Workflow", now.UTC().Format(workflowTime))
	workflow["metadata"].(map[string]any)["labels"] = map[string]any{"workflows.argoproj.io/workflow-template": source.GetName()}
	workflow["spec"] = map[string]any{"workflowTemplateRef": map[string]any{"name": source.GetName()}}
	return workflow
}
