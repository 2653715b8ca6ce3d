package rollout

import (
	"fmt"
	"time"
)

// Plan is the wanted way to the wanted revision, free of any dialect. All numbers are resolved: no percentages, no defaults.
type Plan struct {
	// Name is that of the workload; sets are called Name-Hash.
	Name string
	// Hash identifies the wanted revision.
	Hash string
	// Replicas is the wanted number of pods.
	Replicas int32
	// MinReadySeconds is how long a pod must be ready to count as available.
	MinReadySeconds int32
	// Surge is how many pods there may be on top of Replicas; Slack how many may be unavailable. Not both are 0.
	Surge, Slack int32
	// Steps lead to 100 %; none means to go there at once, within Surge and Slack.
	Steps []Step
	// StepsHash identifies Steps; if it changes, they start anew.
	StepsHash string
	// Paused stops scaling and progress.
	Paused bool
	// Deadline is how long the update may stand still before it counts as failed.
	Deadline time.Duration
	// AbortAtDeadline takes the update back when Deadline has passed.
	AbortAtDeadline bool
	// History is the number of old, empty sets to keep.
	History int32
	// RollbackWindow is how many revisions may lie between a rollback's target and the stable revision for the steps to be
	// skipped, plus one; 0 means never.
	RollbackWindow int32
	// RestartAt asks that pods created before it are replaced; zero means never.
	RestartAt time.Time
	// StableService and CanaryService name the Services that follow the two revisions; empty means none.
	StableService, CanaryService string
}

// Step is one step; exactly one of Weight and Pause is set.
type Step struct {
	// Weight is the wanted share of the new revision in percent.
	Weight *int32
	// Pause waits.
	Pause *Pause
}

// Pause waits for Duration or, if that is 0, for a person.
type Pause struct {
	Duration time.Duration
	// Text is the duration as the user wrote it.
	Text string
}

// String is the step as users see it in events, for example "setWeight: 20".
func (s Step) String() string {
	switch {
	case s.Weight != nil:
		return fmt.Sprintf("setWeight: %d", *s.Weight)
	case s.Pause != nil && s.Pause.Text != "":
		return "pause: " + s.Pause.Text
	default:
		return "pause"
	}
}

// SetName is the name of the set that runs the wanted revision.
func (p Plan) SetName() string { return p.Name + "-" + p.Hash }

// RestartDue tells whether pods are to be restarted now. Only then must [Observed.Pods] be filled.
func (p Plan) RestartDue(state State, now time.Time) bool {
	return p.restartWanted(state) && !now.Before(p.RestartAt)
}

func (p Plan) restartWanted(state State) bool {
	return !p.RestartAt.IsZero() && !p.RestartAt.Equal(state.RestartedAt)
}

// lastStep is the index that means "all steps are done".
func (p Plan) lastStep() int32 { return int32(len(p.Steps)) }

// stepAt is the step with that index, nil if all are done.
func (p Plan) stepAt(index int32) *Step {
	if index < 0 || index >= p.lastStep() {
		return nil
	}
	return &p.Steps[index]
}

// weightAt is the last weight set up to and including that step: 0 before the first one, 100 after the last step.
func (p Plan) weightAt(index int32) int32 {
	if p.stepAt(index) == nil {
		return 100
	}
	for ; index >= 0; index-- {
		if weight := p.Steps[index].Weight; weight != nil {
			return *weight
		}
	}
	return 0
}
