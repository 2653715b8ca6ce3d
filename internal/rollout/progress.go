package rollout

import (
	"fmt"
	"time"
)

// Progress is the last thing that happened to an update. Its reasons and messages are those of Argo Rollouts' condition
// Progressing.
type Progress struct {
	// Reason is one of the Reason constants; empty before anything happened.
	Reason  string
	Message string
	// Updated is when it happened last, Changed when the verdict on it (see [Progress.Verdict]) changed last.
	Updated, Changed time.Time
}

// The reasons of Progress.
const (
	ReasonSetCreated       = "NewReplicaSetCreated"
	ReasonSetCreateError   = "ReplicaSetCreateError"
	ReasonSetUpdated       = "ReplicaSetUpdated"
	ReasonSetNotAvailable  = "ReplicaSetNotAvailable"
	ReasonSetAvailable     = "NewReplicaSetAvailable"
	ReasonPaused           = "RolloutPaused"
	ReasonResumed          = "RolloutResumed"
	ReasonAborted          = "RolloutAborted"
	ReasonRetry            = "RolloutRetry"
	ReasonDeadlineExceeded = "ProgressDeadlineExceeded"
)

// Verdict is "True" while an update gets on or is through, "False" if it failed, "Unknown" while it stands still by intent.
func (p Progress) Verdict() string {
	switch p.Reason {
	case ReasonAborted, ReasonDeadlineExceeded, ReasonSetCreateError:
		return "False"
	case ReasonPaused, ReasonResumed, ReasonRetry:
		return "Unknown"
	default:
		return "True"
	}
}

// become is p after reason happened now. Something that still is what it was keeps its time.
func (p Progress) become(reason, message string, now time.Time) Progress {
	if p.Reason == reason {
		return p
	}
	return p.renew(reason, message, now)
}

// renew is like become, but what happens again takes the new time.
func (p Progress) renew(reason, message string, now time.Time) Progress {
	next := Progress{Reason: reason, Message: message, Updated: now, Changed: now}
	if p.Reason != "" && p.Verdict() == next.Verdict() {
		next.Changed = p.Changed
	}
	return next
}

// assessProgress tells what happened, and fails an update that has stood still for too long.
func assessProgress(m *machine) {
	next := &m.next
	next.Counts = m.seen.count(m.plan.Hash)
	healthy := m.healthy()
	brokeDown := next.Healthy != nil && *next.Healthy && !healthy
	if healthy || next.Healthy != nil {
		next.Healthy = &healthy
	}

	last := next.Progress
	paused := m.plan.Paused || len(next.Pauses) > 0
	switch {
	case next.Abort:
		m.progress(last.become(ReasonAborted, m.abortedMessage(), m.now))
	case paused:
		m.progress(last.become(ReasonPaused, "Rollout is paused", m.now))
	case m.created != nil:
		m.progress(last.renew(ReasonSetCreated, fmt.Sprintf("Created new replica set %q", m.created.Name), m.now))
	case healthy:
		m.progress(last.become(ReasonSetAvailable, fmt.Sprintf("ReplicaSet %q has successfully progressed.", m.plan.SetName()), m.now))
	case brokeDown && next.promoted():
		m.progress(last.renew(ReasonSetNotAvailable, "Rollout does not have minimum availability", m.now))
	case m.moved():
		m.progress(last.renew(ReasonSetUpdated, fmt.Sprintf("ReplicaSet %q is progressing.", m.plan.SetName()), m.now))
	case last.Reason == ReasonPaused:
		m.progress(last.become(ReasonResumed, "Rollout is resumed", m.now))
	case last.Reason == ReasonAborted:
		m.progress(last.become(ReasonRetry, "Retrying Rollout after abort", m.now))
	default:
		m.checkDeadline()
	}
}

func (m *machine) progress(p Progress) { m.next.Progress = p }

func (m *machine) abortedMessage() string {
	message := fmt.Sprintf("Rollout aborted update to revision %d", m.revision())
	if m.abortCause != "" {
		message += ": " + m.abortCause
	}
	return message
}

// healthy tells whether the update is complete, all its pods are available, and no other pods are left.
func (m *machine) healthy() bool {
	c := m.next.Counts
	return !m.plan.Paused && len(m.next.Pauses) == 0 && m.next.promoted() && m.next.Step == m.plan.lastStep() &&
		c.Updated == m.plan.Replicas && c.Available == m.plan.Replicas && c.Replicas == m.plan.Replicas
}

// moved tells whether anything got nearer to its goal since the last decision.
func (m *machine) moved() bool {
	was, is := m.was, m.next
	return is.Counts.Updated != was.Counts.Updated ||
		is.Counts.Replicas-is.Counts.Updated < was.Counts.Replicas-was.Counts.Updated ||
		is.Counts.Ready > was.Counts.Ready ||
		is.Counts.Available > was.Counts.Available ||
		is.CurrentHash != was.CurrentHash || is.StableHash != was.StableHash ||
		is.Step != was.Step || is.StepsHash != was.StepsHash
}

// checkDeadline fails the update if nothing has happened for too long, or asks to be woken when that will be so.
func (m *machine) checkDeadline() {
	last := m.next.Progress
	if last.Reason == "" || last.Reason == ReasonSetAvailable || m.waitingByIntent() {
		return
	}
	if last.Reason != ReasonDeadlineExceeded {
		if left := last.Updated.Add(m.plan.Deadline).Sub(m.now); left > 0 {
			m.wake(left)
			return
		}
		m.progress(last.become(ReasonDeadlineExceeded, fmt.Sprintf("ReplicaSet %q has timed out progressing.", m.plan.SetName()), m.now))
	}
	if !m.plan.AbortAtDeadline || m.next.promoted() {
		return
	}
	m.abortCause = m.next.Progress.Message
	m.next.Abort = true
	abortUpdate(m)
	m.progress(last.become(ReasonAborted, m.abortedMessage(), m.now))
}

// waitingByIntent tells whether the current step is a pause, which may last as long as it likes.
func (m *machine) waitingByIntent() bool {
	step := m.plan.stepAt(m.next.Step)
	return step != nil && step.Pause != nil
}
