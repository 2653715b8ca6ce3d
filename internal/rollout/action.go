package rollout

import (
	"fmt"
	"time"
)

// Decision is what to do now, what to record, and when to look again.
type Decision struct {
	// Actions are to be carried out in order, before State is recorded.
	Actions []Action
	// State is to be recorded.
	State State
	// Events tell people what happened; to be sent once State is recorded.
	Events []Event
	// Wake is when to decide again if nothing changes until then; zero means never.
	Wake time.Duration
}

// Action is one of [CreateSet], [ScaleSet], [AdjustSet], [DeleteSet], [SwitchService] and [EvictPod]. Its String is a line
// of a plan.
type Action interface{ fmt.Stringer }

// CreateSet creates the set of the wanted revision.
type CreateSet struct {
	Name, Hash string
	Revision   int64
	Replicas   int32
}

// ScaleSet gives a set another number of pods.
type ScaleSet struct {
	Name     string
	Revision int64
	From, To int32
}

// AdjustSet brings the notes on an existing set up to date with the plan.
type AdjustSet struct {
	Name            string
	Revision        int64
	MinReadySeconds int32
}

// DeleteSet deletes an empty set that history doesn't need.
type DeleteSet struct{ Name string }

// SwitchService lets a Service select the pods of another revision.
type SwitchService struct{ Service, From, To string }

// EvictPod evicts a pod; its set replaces it.
type EvictPod struct{ Name string }

func (a CreateSet) String() string {
	return fmt.Sprintf("create %s revision %d with %d", a.Name, a.Revision, a.Replicas)
}
func (a ScaleSet) String() string { return fmt.Sprintf("scale %s %d→%d", a.Name, a.From, a.To) }
func (a AdjustSet) String() string {
	return fmt.Sprintf("adjust %s to revision %d", a.Name, a.Revision)
}
func (a DeleteSet) String() string { return "delete " + a.Name }
func (a SwitchService) String() string {
	return fmt.Sprintf("switch %s to %s", a.Service, a.To)
}
func (a EvictPod) String() string { return "evict " + a.Name }

// Event is something that people want to hear of.
type Event struct {
	// Warning marks what went wrong.
	Warning bool
	// Reason is a CamelCase word, Message a sentence. Both are Argo Rollouts' own, since notifications are built on them.
	Reason, Message string
}
