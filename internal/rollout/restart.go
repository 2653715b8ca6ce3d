package rollout

import (
	"cmp"
	"slices"
	"time"
)

// restartPoll is when a restart looks for more pods to evict, should no change of a set have woken it before: a pod that is
// replaced very quickly may leave its set's numbers as they were. The value is Argo Rollouts'.
const restartPoll = 30 * time.Second

// restartPods evicts pods older than the wanted restart, stable first, at most Slack (at least one) at a time. It waits while
// sets are being resized: two phases must not both use the same slack.
func restartPods(m *machine) {
	if !m.plan.RestartDue(m.was, m.now) {
		if m.plan.restartWanted(m.was) {
			m.wake(m.plan.RestartAt.Sub(m.now))
		}
		return
	}
	if m.scaling || m.created != nil {
		m.wake(restartPoll)
		return
	}
	var availablePods, available, desired int32
	for _, pod := range m.seen.Pods {
		if pod.Available && !pod.Deleting {
			availablePods++
		}
	}
	for _, set := range m.seen.Sets {
		desired += set.Desired
		available += set.available()
	}
	available = min(available, availablePods) // either may be older than the other
	// Between two weights there may be one pod more than spec.replicas; it must stay available, too.
	mayEvict := available - (max(m.plan.Replicas, desired) - max(m.plan.Slack, 1))
	left := 0
	for _, pod := range m.inOrderOfRestart() {
		if !pod.Created.Before(m.plan.RestartAt) {
			continue
		}
		left++
		if pod.Deleting || mayEvict <= 0 {
			continue
		}
		mayEvict--
		m.act(EvictPod{Name: pod.Name})
	}
	if left == 0 {
		m.next.RestartedAt = m.plan.RestartAt
		return
	}
	m.wake(restartPoll)
}

// inOrderOfRestart are the pods of the stable revision, then of the wanted one, then the rest; the oldest first.
func (m *machine) inOrderOfRestart() []Pod {
	rank := func(pod Pod) int {
		switch {
		case m.stable != nil && pod.Set == m.stable.Name:
			return 0
		case m.canary != nil && pod.Set == m.canary.Name:
			return 1
		default:
			return 2
		}
	}
	return slices.SortedFunc(slices.Values(m.seen.Pods), func(a, b Pod) int {
		return cmp.Or(rank(a)-rank(b), a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
}
