package rollout

import (
	"cmp"
	"slices"
	"time"
)

// Observed is what a driver saw, together with what was recorded last.
type Observed struct {
	// State is the record of the last decision, with what people have changed in it since.
	State State
	// Sets are all sets of pods that belong to the workload, in any order.
	Sets []Set
	// Services holds the pod hash that each of the plan's Services selects; "" if it selects none yet.
	Services map[string]string
	// Pods are the workload's pods; filled only if [Plan.RestartDue].
	Pods []Pod
}

// Set is a number of equal pods: a ReplicaSet.
type Set struct {
	// Name and Hash identify it; Revision counts up with each change of the template, from 1.
	Name     string
	Hash     string
	Revision int64
	// Created orders sets by age.
	Created time.Time
	// MinReadySeconds is the set's own.
	MinReadySeconds int32
	// Desired is the wanted number of pods, Replicas the number that exist, of which Ready and Available are.
	Desired, Replicas, Ready, Available int32
	// Settled is false while the numbers are older than the last change of Desired.
	Settled bool
	// Failure says why pods can't be created or deleted; nil if they can.
	Failure *Failure
}

// Failure is a set's report that it can't create or delete pods.
type Failure struct {
	Reason, Message string
	Since           time.Time
}

// Pod is a pod, as far as a restart is concerned.
type Pod struct {
	Name, Set string
	Created   time.Time
	// Available is false for a pod on its way out.
	Available bool
	Deleting  bool
}

// available is the number of pods that are available and will stay so: a set that is shrinking doesn't count those it is
// about to lose.
func (s *Set) available() int32 {
	if s == nil {
		return 0
	}
	return min(s.Available, s.Desired)
}

func (s *Set) desired() int32 {
	if s == nil {
		return 0
	}
	return s.Desired
}

// serving tells whether a Service may point at the set: it has pods, and all of them are available.
func (s *Set) serving() bool {
	return s != nil && s.Desired > 0 && s.Available >= s.Desired
}

// roles are the parts that sets play in an update.
type roles struct {
	// canary runs the wanted revision, stable the last one that was fully rolled out. They are the same set when there is
	// no update, and nil when there is no such set.
	canary, stable *Set
	// others are the rest, newest revision first.
	others []*Set
}

func assignRoles(plan Plan, seen Observed) roles {
	var r roles
	for i := range seen.Sets {
		set := &seen.Sets[i]
		if set.Hash == plan.Hash {
			r.canary = set
		}
		if set.Hash == seen.State.StableHash && set.Hash != "" {
			r.stable = set
		}
		if set != r.canary && set != r.stable {
			r.others = append(r.others, set)
		}
	}
	slices.SortFunc(r.others, func(a, b *Set) int {
		return cmp.Or(cmp.Compare(b.Revision, a.Revision), b.Created.Compare(a.Created), cmp.Compare(a.Name, b.Name))
	})
	return r
}

// updating tells whether two revisions share the pods.
func (r roles) updating() bool { return r.stable != nil && r.stable != r.canary }

// newestRevision is the highest revision of all sets but the canary.
func (r roles) newestRevision() int64 {
	var newest int64
	if r.updating() {
		newest = r.stable.Revision
	}
	for _, set := range r.others {
		newest = max(newest, set.Revision)
	}
	return newest
}

// Counts sums the pods of all sets up.
type Counts struct {
	// Replicas, Ready and Available are those of all sets, Updated is the number of pods of the wanted revision.
	Replicas, Updated, Ready, Available int32
}

func (o Observed) count(hash string) Counts {
	var c Counts
	for _, set := range o.Sets {
		c.Replicas += set.Replicas
		c.Ready += set.Ready
		c.Available += set.Available
		if set.Hash == hash {
			c.Updated += set.Replicas
		}
	}
	return c
}
