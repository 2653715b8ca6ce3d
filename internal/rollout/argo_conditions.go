package rollout

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// argoConditions are Argo Rollouts' conditions after a decision. Reasons and messages are upstream's: health checks,
// notifications and dashboards read them.
func argoConditions(was []v1alpha1.RolloutCondition, plan Plan, seen Observed, state State, now time.Time) []v1alpha1.RolloutCondition {
	c := conditions{list: slices.Clone(was), now: now}
	c.drop(v1alpha1.RolloutInvalidSpec)

	available := state.Counts.Available >= plan.Replicas
	c.set(v1alpha1.RolloutAvailable, available, "AvailableReason",
		either(available, "Rollout has minimum availability", "Rollout does not have minimum availability"))

	paused := plan.Paused || len(state.Pauses) > 0
	if paused || c.find(v1alpha1.RolloutPaused) != nil {
		c.set(v1alpha1.RolloutPaused, paused, ReasonPaused, "Rollout is paused")
	}
	c.set(v1alpha1.RolloutCompleted, state.promoted(), "RolloutCompleted", "RolloutCompleted")
	if state.Healthy != nil {
		c.set(v1alpha1.RolloutHealthy, *state.Healthy, "RolloutHealthy",
			either(*state.Healthy, "Rollout is healthy", "Rollout is not healthy"))
	}
	if failure := failureOf(plan, seen); failure != nil {
		c.put(v1alpha1.RolloutCondition{
			Type: v1alpha1.RolloutReplicaFailure, Status: corev1.ConditionTrue, Reason: failure.Reason, Message: failure.Message,
			LastUpdateTime: metav1.NewTime(failure.Since), LastTransitionTime: metav1.NewTime(failure.Since),
		})
	} else {
		c.drop(v1alpha1.RolloutReplicaFailure)
	}
	if p := state.Progress; p.Reason != "" {
		c.put(v1alpha1.RolloutCondition{
			Type: v1alpha1.RolloutProgressing, Status: corev1.ConditionStatus(p.Verdict()), Reason: p.Reason, Message: p.Message,
			LastUpdateTime: metav1.NewTime(p.Updated), LastTransitionTime: metav1.NewTime(p.Changed),
		})
	}
	return c.list
}

// failureOf is what a set reports that can't create or delete pods; the wanted revision's goes before others'.
func failureOf(plan Plan, seen Observed) *Failure {
	var first *Failure
	for _, set := range seen.Sets {
		if set.Failure == nil {
			continue
		}
		if set.Hash == plan.Hash {
			return set.Failure
		}
		if first == nil {
			first = set.Failure
		}
	}
	return first
}

// withInvalid adds the condition InvalidSpec.
func withInvalid(was []v1alpha1.RolloutCondition, name string, reason error, now time.Time) []v1alpha1.RolloutCondition {
	c := conditions{list: slices.Clone(was), now: now}
	message := fmt.Sprintf("The Rollout %q is invalid: %v", name, reason)
	if old := c.find(v1alpha1.RolloutInvalidSpec); old != nil && old.Message != message {
		c.drop(v1alpha1.RolloutInvalidSpec) // a new cause is a new condition
	}
	c.set(v1alpha1.RolloutInvalidSpec, true, "InvalidSpec", message)
	return c.list
}

// conditions is a list being edited; a condition keeps its place.
type conditions struct {
	list []v1alpha1.RolloutCondition
	now  time.Time
}

func (c *conditions) find(kind v1alpha1.RolloutConditionType) *v1alpha1.RolloutCondition {
	for i := range c.list {
		if c.list[i].Type == kind {
			return &c.list[i]
		}
	}
	return nil
}

func (c *conditions) drop(kind v1alpha1.RolloutConditionType) {
	c.list = slices.DeleteFunc(c.list, func(x v1alpha1.RolloutCondition) bool { return x.Type == kind })
}

func (c *conditions) put(condition v1alpha1.RolloutCondition) {
	if old := c.find(condition.Type); old != nil {
		*old = condition
		return
	}
	c.list = append(c.list, condition)
}

// set changes a condition, unless status and reason are what they were.
func (c *conditions) set(kind v1alpha1.RolloutConditionType, is bool, reason, message string) {
	now := metav1.NewTime(c.now)
	next := v1alpha1.RolloutCondition{
		Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message, LastUpdateTime: now, LastTransitionTime: now,
	}
	if is {
		next.Status = corev1.ConditionTrue
	}
	if old := c.find(kind); old != nil && old.Status == next.Status {
		if old.Reason == reason {
			return
		}
		next.LastTransitionTime = old.LastTransitionTime
	}
	c.put(next)
}

// condition is the status's condition of that kind; nil if it has none.
func condition(status *v1alpha1.RolloutStatus, kind v1alpha1.RolloutConditionType) *v1alpha1.RolloutCondition {
	c := conditions{list: status.Conditions}
	return c.find(kind)
}

func either(yes bool, this, that string) string {
	if yes {
		return this
	}
	return that
}
