package action

import "slices"

const (
	numaPause   = "fa-solid fa-fw fa-pause"
	numaPlay    = "fa-solid fa-fw fa-play"
	numaForward = "fa-solid fa-fw fa-forward"

	upgradeState = "numaplane.numaproj.io/upgrade-state"
	forcePromote = "numaplane.numaproj.io/force-promote"
	allowLoss    = "numaplane.numaproj.io/allow-data-loss"
	howToResume  = "numaflow.numaproj.io/resume-strategy"
)

// numaproj are the actions of Numaflow's and Numaplane's kinds.
var numaproj = map[string][]builtin{
	"numaflow.numaproj.io/InterStepBufferService": {promote("")},
	"numaflow.numaproj.io/MonoVertex": append(flow{childOf: "MonoVertexRollout", spec: []string{"spec"}, around: []string{"spec"}}.actions(
		unset("spec", "replicas"), nothing), promote("Force Promote")),
	"numaflow.numaproj.io/Pipeline": append(flow{childOf: "PipelineRollout", spec: []string{"spec"}, around: []string{"spec"}}.actions(
		set("slow", annotation(howToResume)...), set("fast", annotation(howToResume)...)), promote("Force Promote"),
		builtin{name: "delete", display: "Delete", icon: "fa-solid fa-fw fa-trash",
			offer:  disabledIf(not(either(is("recyclable", label(upgradeState)...), is("recyclable-expired", label(upgradeState)...)))),
			change: set("true", annotation("numaplane.numaproj.io/marked-for-deletion")...)}),
	"numaplane.numaproj.io/MonoVertexRollout": flow{spec: []string{"spec", "monoVertex", "spec"}, around: []string{"spec", "monoVertex"}}.actions(
		set(false, "spec", "strategy", "pauseResume", "fastResume"), set(true, "spec", "strategy", "pauseResume", "fastResume")),
	"numaplane.numaproj.io/PipelineRollout": append(flow{spec: []string{"spec", "pipeline", "spec"}, around: []string{"spec", "pipeline"}}.actions(
		set(false, "spec", "strategy", "pauseResume", "fastResume"), set(true, "spec", "strategy", "pauseResume", "fastResume")),
		builtin{name: "allow-data-loss", display: "Allow (Possible) Data Loss", icon: "fa-solid fa-fw fa-unlock",
			offer: disabledIf(not(is("PipelinePauseAndDrain", "status", "upgradeInProgress"))), change: set("true", annotation(allowLoss)...)},
		builtin{name: "disallow-data-loss", display: "Disallow Data Loss", icon: "fa-solid fa-fw fa-lock",
			offer: disabledIf(not(is("true", annotation(allowLoss)...))), change: set("false", annotation(allowLoss)...)}),
}

func nothing(map[string]any, input) error { return nil }

func promote(display string) builtin {
	inProgress := either(is("in-progress", label(upgradeState)...), is("trial", label(upgradeState)...))
	return builtin{name: "force-promote", display: display, icon: numaForward,
		offer:  disabledIf(either(not(inProgress), is("true", label(forcePromote)...))),
		change: set("true", label(forcePromote)...)}
}

// flow is a kind that can be paused and resumed, at once or step by step.
type flow struct {
	// childOf is the kind whose objects undo what is done to those they own.
	childOf string
	// spec is where the lifecycle is, and around what the annotations are of that say how it may be resumed.
	spec, around []string
}

// actions are those of a flow. What comes with resuming step by step and at once differs.
func (f flow) actions(gradual, fast change) []builtin {
	phase := append(slices.Clone(f.spec), "lifecycle", "desiredPhase")
	paused := is("Paused", phase...)
	strategies := append(slices.Clone(f.around), "metadata", "annotations", "numaflow.numaproj.io/allowed-resume-strategies")
	onlyFast, both := is("fast", strategies...), is("slow, fast", strategies...)
	run := set("Running", phase...)
	return []builtin{
		{name: "pause", icon: numaPause, offer: disabledIf(either(f.isChild, paused)), change: set("Paused", phase...)},
		{name: "unpause-gradual", display: "Unpause (gradual)", icon: numaPlay,
			offer: disabledIf(either(f.isChild, not(paused), onlyFast)), change: all(run, gradual)},
		{name: "unpause-fast", display: "Unpause (fast)", icon: numaPlay,
			offer: disabledIf(either(f.isChild, not(paused), not(either(onlyFast, both)))), change: all(run, fast)},
	}
}

// isChild tells whether an object is led by another; a pipeline that waits for its removal isn't any longer.
func (f flow) isChild(o map[string]any) bool {
	if f.childOf == "" || f.childOf == "PipelineRollout" && is("recyclable-expired", label(upgradeState)...)(o) {
		return false
	}
	return slices.ContainsFunc(list(o, "metadata", "ownerReferences"), func(item any) bool {
		owner, _ := item.(map[string]any)
		return owner["kind"] == f.childOf
	})
}
