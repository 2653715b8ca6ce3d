package rollout

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// validateArgo finds the first thing in a Rollout that can't be carried out. What Fairlead doesn't do yet is refused with
// the name of the field rather than ignored: a gate that silently isn't there is worse than an update that doesn't start.
func validateArgo(ro *v1alpha1.Rollout) error {
	for _, check := range []func(*v1alpha1.Rollout) error{
		validateWorkload, validateNumbers, validateStrategy, validateSteps,
	} {
		if err := check(ro); err != nil {
			return err
		}
	}
	return nil
}

func validateWorkload(ro *v1alpha1.Rollout) error {
	spec := &ro.Spec
	if spec.WorkloadRef != nil {
		return unsupported("spec.workloadRef", "put the pod template into spec.template")
	}
	if spec.Selector == nil {
		return errors.New("spec.selector: Required value: Rollout has missing field '.spec.selector'")
	}
	if len(spec.Selector.MatchLabels)+len(spec.Selector.MatchExpressions) == 0 {
		return errors.New("spec.selector: Invalid value: an empty selector would select every pod")
	}
	selector, err := metav1.LabelSelectorAsSelector(spec.Selector)
	if err != nil {
		return fmt.Errorf("spec.selector: Invalid value: %w", err)
	}
	if !selector.Matches(labels.Set(spec.Template.Labels)) {
		return fmt.Errorf("spec.template.metadata.labels: Invalid value: `selector` %q does not match template `labels`", selector)
	}
	if len(spec.Template.Spec.Containers) == 0 {
		return errors.New("spec.template.spec.containers: Required value")
	}
	return nil
}

func validateNumbers(ro *v1alpha1.Rollout) error {
	spec := &ro.Spec
	for field, value := range map[string]int32{
		"replicas":                ptr.Deref(spec.Replicas, defaultReplicas),
		"minReadySeconds":         spec.MinReadySeconds,
		"revisionHistoryLimit":    ptr.Deref(spec.RevisionHistoryLimit, defaultHistory),
		"progressDeadlineSeconds": ptr.Deref(spec.ProgressDeadlineSeconds, defaultDeadline),
	} {
		if value < 0 {
			return fmt.Errorf("spec.%s: Invalid value: %d: must be greater than or equal to 0", field, value)
		}
	}
	if deadline := ptr.Deref(spec.ProgressDeadlineSeconds, defaultDeadline); deadline <= spec.MinReadySeconds {
		return fmt.Errorf("spec.progressDeadlineSeconds: Invalid value: %d: must be greater than minReadySeconds", deadline)
	}
	return nil
}

func validateStrategy(ro *v1alpha1.Rollout) error {
	strategy := ro.Spec.Strategy
	switch {
	case strategy.BlueGreen == nil && strategy.Canary == nil:
		return errors.New("spec.strategy: Required value: Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'")
	case strategy.BlueGreen != nil && strategy.Canary != nil:
		return errors.New("spec.strategy: Invalid value: Multiple Strategies can not be listed")
	case strategy.BlueGreen != nil:
		return unsupported("spec.strategy.blueGreen", "use spec.strategy.canary")
	}
	const field = "spec.strategy.canary."
	canary := strategy.Canary
	switch {
	case canary.CanaryService != "" && canary.CanaryService == canary.StableService:
		return fmt.Errorf(field+"stableService: Invalid value: %q: stable and canary need two different services", canary.StableService)
	case canary.TrafficRouting != nil:
		return unsupported(field+"trafficRouting", "without it, weights follow from the number of pods")
	case canary.PingPong != nil:
		return unsupported(field+"pingPong", "use canaryService and stableService")
	case canary.Analysis != nil:
		return unsupported(field+"analysis", "use a pause step and promote by hand")
	case canary.AntiAffinity != nil:
		return unsupported(field+"antiAffinity", "write the affinity into spec.template")
	case canary.CanaryMetadata != nil:
		return unsupported(field+"canaryMetadata", "remove it")
	case canary.StableMetadata != nil:
		return unsupported(field+"stableMetadata", "remove it")
	case canary.ReplicaProgressThreshold != nil:
		return unsupported(field+"replicaProgressThreshold", "remove it: steps then wait for all pods")
	case canary.ScaleDownDelaySeconds != nil:
		return errors.New(field + "scaleDownDelaySeconds: Invalid value: can only be used with traffic routing")
	case canary.DynamicStableScale:
		return errors.New(field + "dynamicStableScale: Invalid value: can only be used with traffic routing")
	case isZero(canary):
		return errors.New(field + "maxSurge: Invalid value: MaxSurge and MaxUnavailable both can not be zero")
	}
	return nil
}

// isZero tells whether both bounds are written as zero, as number or percentage.
func isZero(canary *v1alpha1.CanaryStrategy) bool {
	const many = 1 << 20 // so many that no percentage but 0 % rounds down to none
	surge, slack, err := bounds(&v1alpha1.CanaryStrategy{MaxSurge: canary.MaxSurge, MaxUnavailable: canary.MaxUnavailable}, many)
	if err != nil || surge != 0 || slack != 1 {
		return false
	}
	return canary.MaxUnavailable == nil || canary.MaxUnavailable.String() == "0" || canary.MaxUnavailable.String() == "0%"
}

func validateSteps(ro *v1alpha1.Rollout) error {
	for i, step := range ro.Spec.Strategy.Canary.Steps {
		if err := validateStep(step); err != nil {
			return fmt.Errorf("spec.strategy.canary.steps[%d]%w", i, err)
		}
	}
	return nil
}

// validateStep's errors begin with what follows the step's path.
func validateStep(step v1alpha1.CanaryStep) error {
	kinds := []struct {
		field     string
		set       bool
		supported bool
		hint      string
	}{
		{"setWeight", step.SetWeight != nil, true, ""},
		{"pause", step.Pause != nil, true, ""},
		{"setCanaryScale", step.SetCanaryScale != nil, false, "it requires trafficRouting"},
		{"analysis", step.Analysis != nil, false, "use a pause step and promote by hand"},
		{"experiment", step.Experiment != nil, false, "use a pause step and promote by hand"},
		{"setHeaderRoute", step.SetHeaderRoute != nil, false, "it requires trafficRouting"},
		{"setMirrorRoute", step.SetMirrorRoute != nil, false, "it requires trafficRouting"},
		{"plugin", step.Plugin != nil, false, "use a pause step and promote by hand"},
		{"replicaProgressThreshold", step.ReplicaProgressThreshold != nil, false, "remove it: steps then wait for all pods"},
	}
	set := 0
	for _, kind := range kinds {
		if !kind.set {
			continue
		}
		set++
		if !kind.supported {
			return unsupported("."+kind.field, kind.hint)
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf(": Invalid value: a step must have exactly one kind such as setWeight or pause, this one has %d", set)
	case step.SetWeight != nil && (*step.SetWeight < 0 || *step.SetWeight > 100):
		return fmt.Errorf(".setWeight: Invalid value: %d: SetWeight needs to be between 0 and 100", *step.SetWeight)
	case step.Pause != nil && step.Pause.DurationSeconds() < 0:
		return fmt.Errorf(".pause.duration: Invalid value: %q: write seconds, or a duration such as 30s, 5m or 1h", step.Pause.Duration.String())
	}
	return nil
}

func unsupported(field, hint string) error {
	return fmt.Errorf("%s: not supported by Fairlead yet; %s", field, hint)
}
