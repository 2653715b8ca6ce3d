package rollout

import (
	"slices"
	"time"
)

// State is what is remembered between two decisions. It lives in the status of the user's object, where people steer by
// changing Abort, Pauses, Step and PromoteFull.
type State struct {
	// CurrentHash is the revision that the last decision led to, StepsHash the steps it followed. Both are empty before the
	// first decision.
	CurrentHash, StepsHash string
	// StableHash is the last revision that was fully rolled out; empty before the first deployment.
	StableHash string
	// Step is the index of the step being executed; the number of steps when all are done.
	Step int32
	// Pauses are the reasons to wait.
	Pauses []PauseRecord
	// Pausing is true from the decision that added a pause until the decision that saw it end. Pausing without Pauses
	// therefore means that a person has resumed.
	Pausing bool
	// Abort takes the update back; AbortedAt is when that was seen, zero if it wasn't.
	Abort     bool
	AbortedAt time.Time
	// PromoteFull skips the remaining steps.
	PromoteFull bool
	// RestartedAt is the restart that was carried out last.
	RestartedAt time.Time
	// Counts are the pods as of the last decision.
	Counts Counts
	// Progress is the last thing that happened.
	Progress Progress
	// Healthy tells whether the update was complete and all pods available; nil before it has ever been.
	Healthy *bool
}

// PauseRecord is one reason to wait, and since when.
type PauseRecord struct {
	Reason string
	Since  time.Time
}

// PauseStep is the reason of a pause step; the others come from dialects and are kept.
const PauseStep = "CanaryPauseStep"

// pausedAtStep is when the current pause step began to wait; false if it doesn't.
func (s *State) pausedAtStep() (since time.Time, ok bool) {
	for _, pause := range s.Pauses {
		if pause.Reason == PauseStep {
			return pause.Since, true
		}
	}
	return time.Time{}, false
}

// resumed tells whether a person has ended the pause.
func (s *State) resumed() bool { return s.Pausing && len(s.Pauses) == 0 }

func (s *State) pause(reason string, now time.Time) {
	s.Pauses = append(slices.Clone(s.Pauses), PauseRecord{Reason: reason, Since: now})
	s.Pausing = true
}

func (s *State) endPauseStep() {
	s.Pauses = slices.DeleteFunc(slices.Clone(s.Pauses), func(p PauseRecord) bool { return p.Reason == PauseStep })
	s.Pausing = len(s.Pauses) > 0
}

func (s *State) endPauses() {
	s.Pauses, s.Pausing = nil, false
}

func (s *State) clearAbort() {
	s.Abort, s.AbortedAt = false, time.Time{}
}

// promoted tells whether the wanted revision is the stable one.
func (s *State) promoted() bool { return s.StableHash != "" && s.StableHash == s.CurrentHash }

// weight is the share of pods, in percent, that the wanted revision is to have now.
func (s *State) weight(plan Plan) int32 {
	switch {
	case s.PromoteFull, s.StableHash == "", s.StableHash == plan.Hash:
		return 100
	case s.Abort:
		return 0
	default:
		return plan.weightAt(s.Step)
	}
}
