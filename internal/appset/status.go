package appset

import (
	"sort"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Outcome is what came of a reconcile.
type Outcome struct {
	// Generated tells whether the generators answered.
	Generated bool
	// Error is what went wrong, and Reason one of v1alpha1's; an empty Error means nothing.
	Error, Reason string
	// Rollout are the conditions of RollingSync; nil keeps those that are there.
	Rollout []v1alpha1.ApplicationSetCondition
}

// SetConditions writes an outcome into the status, and what it means for the health.
func SetConditions(set *v1alpha1.ApplicationSet, o Outcome, now metav1.Time) {
	condition := func(kind v1alpha1.ApplicationSetConditionType, holds bool, reason, message string) v1alpha1.ApplicationSetCondition {
		status := v1alpha1.ApplicationSetConditionStatusFalse
		if holds {
			status = v1alpha1.ApplicationSetConditionStatusTrue
		}
		return v1alpha1.ApplicationSetCondition{Type: kind, Status: status, Reason: reason, Message: message}
	}
	var fresh []v1alpha1.ApplicationSetCondition
	if o.Generated {
		fresh = append(fresh, condition(v1alpha1.ApplicationSetConditionParametersGenerated, true, v1alpha1.ApplicationSetReasonParametersGenerated, "All parameters have been generated successfully"))
	} else {
		fresh = append(fresh, condition(v1alpha1.ApplicationSetConditionParametersGenerated, false, v1alpha1.ApplicationSetReasonErrorOccurred, o.Error))
	}
	if o.Error == "" {
		const reason, message = v1alpha1.ApplicationSetReasonApplicationSetUpToDate, "All applications have been generated successfully"
		fresh = append(fresh, condition(v1alpha1.ApplicationSetConditionErrorOccurred, false, reason, message),
			condition(v1alpha1.ApplicationSetConditionResourcesUpToDate, true, reason, message))
	} else {
		fresh = append(fresh, condition(v1alpha1.ApplicationSetConditionErrorOccurred, true, o.Reason, o.Error),
			condition(v1alpha1.ApplicationSetConditionResourcesUpToDate, false, v1alpha1.ApplicationSetReasonErrorOccurred, o.Error))
	}
	before := map[v1alpha1.ApplicationSetConditionType]v1alpha1.ApplicationSetCondition{}
	for _, c := range set.Status.Conditions {
		before[c.Type] = c
	}
	if Rolls(set) && o.Rollout == nil {
		for _, kind := range []v1alpha1.ApplicationSetConditionType{v1alpha1.ApplicationSetConditionRolloutProgressing, v1alpha1.ApplicationSetConditionInvalidRolloutConfig} {
			if c, ok := before[kind]; ok {
				fresh = append(fresh, c)
			}
		}
	}
	fresh = append(fresh, o.Rollout...)
	for i := range fresh {
		c := &fresh[i]
		if was, ok := before[c.Type]; ok && was.Status == c.Status && was.Reason == c.Reason && was.Message == c.Message {
			c.LastTransitionTime = was.LastTransitionTime
		}
		if c.LastTransitionTime == nil {
			c.LastTransitionTime = &now
		}
	}
	sort.SliceStable(fresh, func(i, j int) bool { return fresh[i].Type < fresh[j].Type })
	set.Status.Conditions = fresh
	set.Status.Health = health(fresh)
}

// health is what the conditions say together, the worst first.
func health(conditions []v1alpha1.ApplicationSetCondition) v1alpha1.HealthStatus {
	holds := map[v1alpha1.ApplicationSetConditionType]string{}
	for _, c := range conditions {
		if c.Status == v1alpha1.ApplicationSetConditionStatusTrue {
			holds[c.Type] = c.Message
		}
	}
	for _, verdict := range []struct {
		condition v1alpha1.ApplicationSetConditionType
		health    v1alpha1.HealthStatusCode
	}{
		{v1alpha1.ApplicationSetConditionErrorOccurred, v1alpha1.HealthStatusDegraded},
		{v1alpha1.ApplicationSetConditionRolloutProgressing, v1alpha1.HealthStatusProgressing},
		{v1alpha1.ApplicationSetConditionResourcesUpToDate, v1alpha1.HealthStatusHealthy},
	} {
		if message, ok := holds[verdict.condition]; ok {
			return v1alpha1.HealthStatus{Status: verdict.health, Message: message}
		}
	}
	return v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusUnknown, Message: "Waiting for health status to be determined"}
}

// SetResources lists the applications in the status, by name, at most as many as the operator wants.
func (o Operator) SetResources(set *v1alpha1.ApplicationSet, applications []*v1alpha1.Application) {
	resources := make([]v1alpha1.ResourceStatus, 0, len(applications))
	for _, application := range applications {
		resources = append(resources, v1alpha1.ResourceStatus{
			Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: "Application",
			Namespace: application.Namespace, Name: application.Name, Status: application.Status.Sync.Status,
			Health: &v1alpha1.HealthStatus{Status: application.Status.Health.Status},
		})
	}
	sort.Slice(resources, func(i, j int) bool { return resources[i].Name < resources[j].Name })
	set.Status.ResourcesCount = int64(len(resources))
	if o.MaxResources > 0 && len(resources) > o.MaxResources {
		resources = resources[:o.MaxResources]
	}
	set.Status.Resources = resources
}
