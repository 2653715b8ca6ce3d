package rollout

import (
	"fmt"
	"time"
)

// Decide compares the plan with what was seen and says what to do now and what to record. It is a pure function: called
// again with the same arguments, as after a crash, it decides the same.
//
// Each call makes at most one step's progress; recording its State must lead to the next call.
func Decide(plan Plan, seen Observed, now time.Time) Decision {
	m := &machine{plan: plan, seen: seen, now: now, was: seen.State, next: seen.State, roles: assignRoles(plan, seen)}
	if startsAnew(m) {
		restartSteps(m)
	} else {
		for _, phase := range phases {
			phase(m)
		}
	}
	assessProgress(m)
	announce(m)
	return Decision{Actions: m.actions, State: m.next, Events: m.events, Wake: m.wakeAfter}
}

// phases are what an update goes through in each decision, in this order. Those above the line act on the recorded state,
// those below it write the next one.
var phases = []func(*machine){
	ensureSet,     // the wanted revision has a set, and its notes are up to date
	scaleSets,     // every set has the size that the weight asks for
	pointServices, // Services follow the revisions
	restartPods,   // pods older than the wanted restart are evicted
	trimHistory,   // old sets beyond the history's limit go
	// ――
	skipSteps,    // a full promotion, or a rollback to a recent revision, leaves the steps out
	promote,      // the wanted revision becomes the stable one
	abortUpdate,  // an abort goes back to the first step
	finishStep,   // a step that has reached its goal is left
	recordTarget, // what this decision led to
}

// machine is one decision in the making.
type machine struct {
	plan Plan
	seen Observed
	now  time.Time
	roles
	// was is the recorded state, next the one to be recorded.
	was, next State

	actions   []Action
	events    []Event
	wakeAfter time.Duration

	// created is the set that this decision creates; nil if none.
	created *CreateSet
	// scaling is true if this decision resizes a set.
	scaling bool
	// abortCause says why this decision aborts the update by itself; empty if it doesn't.
	abortCause string
}

func (m *machine) act(a Action) { m.actions = append(m.actions, a) }

func (m *machine) tell(reason, format string, args ...any) {
	m.events = append(m.events, Event{Reason: reason, Message: fmt.Sprintf(format, args...)})
}

// wake asks for another decision after a while, unless an earlier one is asked for already.
func (m *machine) wake(after time.Duration) {
	if m.wakeAfter == 0 || after < m.wakeAfter {
		m.wakeAfter = after
	}
}

// revision is that of the wanted set; the one it will get if it doesn't exist yet.
func (m *machine) revision() int64 {
	if m.canary != nil {
		return max(m.canary.Revision, m.newestRevision()+1)
	}
	return m.newestRevision() + 1
}

// startsAnew tells whether the template or the steps have changed since the last decision.
func startsAnew(m *machine) bool {
	return m.was.CurrentHash != "" && (m.was.CurrentHash != m.plan.Hash || m.was.StepsHash != m.plan.StepsHash)
}

// restartSteps begins with the first step again, and with nothing that a person has ordered for the previous update. The
// stable revision stays. No set is touched before this is recorded.
func restartSteps(m *machine) {
	m.next.CurrentHash, m.next.StepsHash, m.next.Step = m.plan.Hash, m.plan.StepsHash, 0
	m.next.endPauses()
	m.next.clearAbort()
	m.next.PromoteFull = false
	if m.plan.RestartDue(m.was, m.now) {
		m.next.RestartedAt = m.plan.RestartAt // all pods are about to be replaced anyway
	}
	switch {
	case m.plan.Hash == m.was.StableHash:
		m.next.Step = m.plan.lastStep()
		if m.was.CurrentHash != m.plan.Hash {
			m.tell("SkipSteps", "Rollback to stable ReplicaSets")
		}
	case m.rollbackWithinWindow() && m.canary.Desired > 0:
		m.next.Step = m.plan.lastStep()
		m.tell("SkipSteps", "Rollback to active ReplicaSets within RollbackWindow")
	case m.was.promoted():
		m.tell("RolloutNotCompleted", "Rollout not completed, started update to revision %d (%s)", m.revision(), m.plan.Hash)
	}
}

// rollbackWithinWindow tells whether the wanted revision is older than the stable one, with fewer revisions between them
// than the plan's window.
func (m *machine) rollbackWithinWindow() bool {
	if m.plan.RollbackWindow == 0 || m.canary == nil || !m.updating() || !m.canary.Created.Before(m.stable.Created) {
		return false
	}
	var between int32
	for _, set := range m.others {
		if set.Created.After(m.canary.Created) && set.Created.Before(m.stable.Created) {
			between++
		}
	}
	return between < m.plan.RollbackWindow
}

// ensureSet creates the wanted revision's set, in the size it is to have next. A set that exists takes over the newest
// revision number, which it loses when somebody goes back to an older template.
func ensureSet(m *machine) {
	revision := m.revision()
	if m.canary == nil {
		size := nextSizes(m.plan, m.roles, m.was.weight(m.plan)).canary
		if m.plan.Paused && m.stable != nil {
			size = 0
		}
		m.created = &CreateSet{Name: m.plan.SetName(), Hash: m.plan.Hash, Revision: revision, Replicas: size}
		m.act(*m.created)
		m.tell("RolloutUpdated", "Rollout updated to revision %d", revision)
		m.tell(ReasonSetCreated, "Created ReplicaSet %s (revision %d)", m.created.Name, revision)
		if size > 0 {
			m.tellScaled(ScaleSet{Name: m.created.Name, Revision: revision, To: size})
		}
		return
	}
	if m.canary.Revision < revision || m.canary.MinReadySeconds != m.plan.MinReadySeconds {
		m.act(AdjustSet{Name: m.canary.Name, Revision: revision, MinReadySeconds: m.plan.MinReadySeconds})
		if m.canary.Revision < revision {
			m.tell("RolloutUpdated", "Rollout updated to revision %d", revision)
		}
	}
}

// scaleSets resizes every set as far as the plan's bounds allow now. A set that is just being created waits for the next
// decision, and so do the others, since their sizes depend on it.
func scaleSets(m *machine) {
	if m.plan.Paused || m.created != nil {
		return
	}
	next := nextSizes(m.plan, m.roles, m.was.weight(m.plan))
	for i, set := range m.others {
		m.resize(set, next.others[i])
	}
	if m.updating() {
		m.resize(m.stable, next.stable)
	}
	m.resize(m.canary, next.canary)
}

func (m *machine) resize(set *Set, size int32) {
	if set.Desired == size {
		return
	}
	m.scaling = true
	action := ScaleSet{Name: set.Name, Revision: set.Revision, From: set.Desired, To: size}
	m.act(action)
	m.tellScaled(action)
}

func (m *machine) tellScaled(a ScaleSet) {
	direction := "up"
	if a.To < a.From {
		direction = "down"
	}
	m.tell("ScalingReplicaSet", "Scaled %s ReplicaSet %s (revision %d) from %d to %d", direction, a.Name, a.Revision, a.From, a.To)
}

// pointServices lets the stable Service follow the stable revision, and the canary Service the wanted one or, while it is
// being taken back, the stable one; never to a set that isn't wholly available.
func pointServices(m *machine) {
	m.point(m.plan.StableService, m.stable)
	follows := m.canary
	if m.was.Abort && m.stable != nil {
		follows = m.stable
	}
	m.point(m.plan.CanaryService, follows)
}

func (m *machine) point(service string, set *Set) {
	if service == "" || !set.serving() || m.seen.Services[service] == set.Hash {
		return
	}
	from := m.seen.Services[service]
	m.act(SwitchService{Service: service, From: from, To: set.Hash})
	m.tell("SwitchService", "Switched selector for service '%s' from '%s' to '%s'", service, from, set.Hash)
}

// trimHistory deletes the oldest empty sets, so that no more old sets than wanted remain.
func trimHistory(m *machine) {
	for i := len(m.others) - 1; i >= int(m.plan.History); i-- {
		if set := m.others[i]; set.Desired == 0 && set.Replicas == 0 && set.Settled {
			m.act(DeleteSet{Name: set.Name})
		}
	}
}

// recordTarget notes what this decision led to.
func recordTarget(m *machine) {
	m.next.CurrentHash, m.next.StepsHash = m.plan.Hash, m.plan.StepsHash
	if m.next.promoted() {
		m.next.PromoteFull = false
	}
}

// announce tells of changes that several phases can bring about.
func announce(m *machine) {
	was, is := m.was, m.next
	switch {
	case len(was.Pauses) == 0 && len(is.Pauses) > 0:
		m.tell(ReasonPaused, "Rollout is paused (%s)", is.Pauses[0].Reason)
	case len(is.Pauses) == 0 && was.Pausing && !is.Pausing && !is.Abort && is.CurrentHash == was.CurrentHash:
		m.tell(ReasonResumed, "Rollout is resumed")
	}
	if is.Abort && is.Progress.Reason == ReasonAborted && was.Progress.Reason != ReasonAborted {
		m.events = append(m.events, Event{Warning: true, Reason: ReasonAborted, Message: is.Progress.Message})
	}
}
