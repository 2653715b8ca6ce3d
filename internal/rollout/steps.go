package rollout

import (
	"fmt"
	"time"
)

// skipSteps leaves the steps out after a full promotion was ordered, or on the way back to a recent revision. Either ends
// pauses and an abort.
func skipSteps(m *machine) {
	if !m.was.PromoteFull && !m.rollbackWithinWindow() {
		return
	}
	m.next.endPauses()
	m.next.clearAbort()
	m.next.Step = m.plan.lastStep()
}

// promote makes the wanted revision the stable one if it has earned it. The first deployment is stable from the start: there
// is nothing else to be stable.
func promote(m *machine) {
	reason := m.reasonToPromote()
	if reason == "" {
		return
	}
	m.next.endPauses()
	m.next.clearAbort()
	m.next.PromoteFull = false
	m.next.Step = m.plan.lastStep()
	if m.next.StableHash != m.plan.Hash {
		m.next.StableHash = m.plan.Hash
		m.tell("RolloutCompleted", "Rollout completed update to revision %d (%s): %s", m.revision(), m.plan.Hash, reason)
	}
}

// reasonToPromote is why the wanted revision is to be stable; empty if it isn't.
func (m *machine) reasonToPromote() string {
	switch {
	case m.stable == nil:
		return "Initial deploy"
	case m.next.Abort, m.canary == nil, m.canary.Available != m.plan.Replicas, m.canary.Desired != m.plan.Replicas:
		return ""
	case m.was.PromoteFull:
		return "Full promotion requested"
	case m.rollbackWithinWindow():
		return "Rollback within window"
	case m.was.Step == m.plan.lastStep(), m.next.promoted():
		return fmt.Sprintf("Completed all %d canary steps", len(m.plan.Steps))
	default:
		return ""
	}
}

// abortUpdate goes back to the first step, where a retry will begin, and forgets pauses.
func abortUpdate(m *machine) {
	if !m.next.Abort {
		m.next.AbortedAt = time.Time{}
		return
	}
	if m.next.AbortedAt.IsZero() {
		m.next.AbortedAt = m.now
	}
	m.next.endPauses()
	m.next.Step = 0
	if m.next.promoted() {
		m.next.Step = m.plan.lastStep()
	}
}

// finishStep leaves the current step if it has reached its goal: a weight when its pods are there and available, a pause when
// its time is over or somebody has promoted.
func finishStep(m *machine) {
	step := m.plan.stepAt(m.next.Step)
	if step == nil || m.plan.Paused || m.next.Abort || m.created != nil {
		return
	}
	if step.Weight != nil && !m.atWeight(*step.Weight) {
		return
	}
	if step.Pause != nil && !m.pauseOver(*step.Pause) {
		return
	}
	m.next.endPauseStep()
	m.next.Step++
	m.tell("RolloutStepCompleted", "Rollout step %d/%d completed (%s)", m.next.Step, len(m.plan.Steps), step)
}

// atWeight tells whether canary and stable have the size that weight asks for, all canaries are available, and pods of other
// revisions don't serve any more.
func (m *machine) atWeight(weight int32) bool {
	if m.scaling || !m.updating() {
		return false
	}
	wantCanary, wantStable := target(m.plan, m.roles, weight)
	if m.canary.Desired != wantCanary || m.canary.Available != wantCanary ||
		m.stable.Desired != wantStable || m.stable.Replicas != wantStable {
		return false
	}
	for _, set := range m.others {
		if set.Available > 0 {
			return false
		}
	}
	return true
}

// pauseOver begins the pause if it hasn't begun yet (not while sets are being resized: it is meant to show the weight
// before it), and tells whether it is over.
func (m *machine) pauseOver(pause Pause) bool {
	if m.next.resumed() {
		return true
	}
	since, paused := m.next.pausedAtStep()
	if !paused {
		if m.scaling {
			return false
		}
		m.next.pause(PauseStep, m.now)
		since = m.now
	}
	if pause.Duration == 0 && pause.Text == "" {
		return false
	}
	left := since.Add(pause.Duration).Sub(m.now)
	if left > 0 {
		m.wake(left)
	}
	return left <= 0
}
