package application

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// conditions tells what a person should know: why there is no comparison, what stands in the way.
func (r *Reconciler) conditions(_ context.Context, v *visit) error {
	var told stop
	if v.err != nil && !errors.As(v.err, &told) {
		v.condition(v1alpha1.ApplicationConditionComparisonError, "%v", v.err)
	}
	if v.headErr != nil {
		v.condition(v1alpha1.ApplicationConditionComparisonError, "Failed to load target state: %v", v.headErr)
	}
	if outage := v.session.currentOutage(); outage != nil && v.headErr == nil {
		v.condition(v1alpha1.ApplicationConditionComparisonError, "Failed to load target state: %v (compared with what was fetched before)", outage)
	}
	if hold, err := v.app.Hold(); err != nil {
		v.condition(v1alpha1.ApplicationConditionRollbackHold, "%v: automation is off until the hold is released with `fairlead app release %s`", err, v.app.Name)
	} else if hold != nil {
		v.condition(v1alpha1.ApplicationConditionRollbackHold,
			"held at history entry %d (revision %s) by %s: neither automated syncs nor image updates until it is released with `fairlead app release %s`, or synced to a version of your choice",
			hold.HistoryID, hold.Revision, orSomebody(hold.By), v.app.Name)
	}
	if c := v.comparison; c != nil {
		for _, o := range c.objects {
			if o.owner != "" && o.target != nil {
				v.condition(v1alpha1.ApplicationConditionSharedResourceWarning, "%s/%s is part of applications %s/%s and %s",
					o.key.Kind, o.key.Name, v.app.Namespace, v.app.Name, strings.ReplaceAll(o.owner, "_", "/"))
			}
		}
		c.warn(v)
		for _, key := range c.foreign[:min(len(c.foreign), 10)] {
			v.condition(v1alpha1.ApplicationConditionExcludedResourceWarning, "Resource %s is not permitted in project %s, and so neither managed nor pruned", key, v.project.Name)
		}
	}
	v.app.Status.Conditions = r.merge(v.app.Status.Conditions, v.found)
	return nil
}

// warn tells of manifests that don't count, in Argo CD's words.
func (c *comparison) warn(v *visit) {
	for _, u := range c.homeless {
		v.condition(v1alpha1.ApplicationConditionInvalidSpecError, "Namespace for %s %s is missing.", u.GetName(), u.GroupVersionKind())
	}
	times := map[object.Key]int{}
	for _, key := range c.repeated {
		times[key]++
	}
	for key, more := range times {
		v.condition(v1alpha1.ApplicationConditionRepeatedResourceWarning, "Resource %s/%s/%s/%s appeared %d times among application resources.",
			key.Group, key.Kind, key.Namespace, key.Name, more+1)
	}
	for _, u := range c.excluded {
		kind := u.GroupVersionKind().GroupKind()
		v.condition(v1alpha1.ApplicationConditionExcludedResourceWarning, "Resource %s/%s %s is excluded in the settings", kind.Group, kind.Kind, u.GetName())
	}
}

func orSomebody(user string) string {
	if user == "" {
		return "somebody"
	}
	return user
}

// ownConditions are what this controller says. Others are other controllers', such as the image updater's, and stay.
var ownConditions = []v1alpha1.ApplicationConditionType{
	v1alpha1.ApplicationConditionDeletionError, v1alpha1.ApplicationConditionInvalidSpecError,
	v1alpha1.ApplicationConditionComparisonError, v1alpha1.ApplicationConditionSyncError,
	v1alpha1.ApplicationConditionUnknownError, v1alpha1.ApplicationConditionSharedResourceWarning,
	v1alpha1.ApplicationConditionRepeatedResourceWarning, v1alpha1.ApplicationConditionExcludedResourceWarning,
	v1alpha1.ApplicationConditionOrphanedResourceWarning, v1alpha1.ApplicationConditionRollbackHold,
	v1alpha1.ApplicationConditionWaitingForDependencies,
}

// merge puts the found conditions in place of the old, and keeps the times of those that are the same.
func (r *Reconciler) merge(old, found []v1alpha1.ApplicationCondition) []v1alpha1.ApplicationCondition {
	now := r.now()
	var merged []v1alpha1.ApplicationCondition
	for _, condition := range found {
		condition.Message = bounded(condition.Message)
		condition.LastTransitionTime = &now
		same := func(c v1alpha1.ApplicationCondition) bool {
			return c.Type == condition.Type && c.Message == condition.Message
		}
		if slices.ContainsFunc(merged, same) {
			continue
		}
		if i := slices.IndexFunc(old, same); i >= 0 {
			condition.LastTransitionTime = old[i].LastTransitionTime
		}
		merged = append(merged, condition)
	}
	for _, condition := range old {
		if !slices.Contains(ownConditions, condition.Type) {
			merged = append(merged, condition)
		}
	}
	slices.SortStableFunc(merged, func(a, b v1alpha1.ApplicationCondition) int {
		return cmp.Or(strings.Compare(string(a.Type), string(b.Type)), strings.Compare(a.Message, b.Message))
	})
	return merged
}

// bounded keeps a message readable.
func bounded(message string) string {
	const most = 4000
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + fmt.Sprintf("… (%d more bytes)", len(message)-most)
}
