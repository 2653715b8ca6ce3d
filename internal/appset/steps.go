package appset

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// steps are which applications each step has, and what is wrong with them.
type steps struct {
	set          *v1alpha1.ApplicationSet
	applications [][]string
	// first is the first step that has an application, from 0.
	first map[string]int
	// repeated are all steps of applications that are in several, from 0.
	repeated       map[string][]int
	wrongOperators []wrongOperator
	wrongLimits    []int
}

type wrongOperator struct {
	step     int
	operator string
}

func stepsOf(set *v1alpha1.ApplicationSet, applications []v1alpha1.Application) *steps {
	s := &steps{set: set, first: map[string]int{}, repeated: map[string][]int{}}
	if !Rolls(set) {
		return s
	}
	s.applications = make([][]string, len(set.Spec.Strategy.RollingSync.Steps))
	for i := range applications {
		name := applications[i].Name
		for n, step := range set.Spec.Strategy.RollingSync.Steps {
			if !s.selects(n, step, applications[i].Labels) {
				continue
			}
			s.applications[n] = append(s.applications[n], name)
			if first, ok := s.first[name]; !ok {
				s.first[name] = n
			} else {
				if s.repeated[name] == nil {
					s.repeated[name] = []int{first}
				}
				s.repeated[name] = append(s.repeated[name], n)
			}
		}
	}
	return s
}

// of is the step of an application, from 1; -1 for none.
func (s *steps) of(name string) int {
	if n, ok := s.first[name]; ok {
		return n + 1
	}
	return -1
}

func (s *steps) selects(n int, step v1alpha1.ApplicationSetRolloutStep, labels map[string]string) bool {
	for _, expression := range step.MatchExpressions {
		value, has := labels[expression.Key]
		in := slices.Contains(expression.Values, value)
		switch {
		case has && expression.Operator != "In" && expression.Operator != "NotIn":
			if wrong := (wrongOperator{n, expression.Operator}); !slices.Contains(s.wrongOperators, wrong) {
				s.wrongOperators = append(s.wrongOperators, wrong)
			}
			return false
		case expression.Operator == "In" && (!has || !in), expression.Operator == "NotIn" && has && in:
			return false
		}
	}
	return true
}

// problem says what is wrong with the steps; empty if nothing is.
func (s *steps) problem() string {
	numbers := func(all []int) []string {
		var texts []string
		for _, n := range all {
			texts = append(texts, strconv.Itoa(n+1))
		}
		return texts
	}
	switch {
	case len(s.wrongOperators) > 0:
		var at []int
		var operators []string
		for _, wrong := range s.wrongOperators {
			at, operators = append(at, wrong.step), append(operators, wrong.operator)
		}
		form := "Steps %s have invalid matchExpression operators: %s. Supported Operators are 'In' and 'NotIn'"
		if len(at) == 1 {
			form = "Step %s has invalid matchExpression operators: %s. Supported Operators are 'In' and 'NotIn'"
		}
		return fmt.Sprintf(form, strings.Join(numbers(at), ", "), strings.Join(operators, ", "))
	case len(s.repeated) > 0:
		var names, at []string
		for name := range s.repeated {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			at = append(at, strings.Join(numbers(s.repeated[name]), "-"))
		}
		if len(names) == 1 {
			return fmt.Sprintf("Application '%s' is selected by multiple steps: (%s)", names[0], at[0])
		}
		return fmt.Sprintf("Applications '%s' are selected by multiple steps: [(%s)]", strings.Join(names, "', '"), strings.Join(at, "), ("))
	case len(s.wrongLimits) > 0:
		sort.Ints(s.wrongLimits)
		at := slices.Compact(s.wrongLimits)
		var limits []string
		for _, n := range at {
			limits = append(limits, s.set.Spec.Strategy.RollingSync.Steps[n].MaxUpdate.String())
		}
		if len(at) == 1 {
			return fmt.Sprintf("Step %s has an invalid maxUpdate value: %s", numbers(at)[0], limits[0])
		}
		return fmt.Sprintf("Steps %s have invalid maxUpdate values: [%s]", strings.Join(numbers(at), ", "), strings.Join(limits, ", "))
	}
	var empty []int
	for n, applications := range s.applications {
		if len(applications) == 0 {
			empty = append(empty, n)
		}
	}
	if len(empty) > 0 {
		return fmt.Sprintf("Steps %v have no applications matching their criteria", numbers(empty))
	}
	return ""
}

// conditions say whether the steps are right, and at which of them the change is.
func (a *advance) conditions(statuses []v1alpha1.ApplicationSetApplicationStatus) []v1alpha1.ApplicationSetCondition {
	valid := v1alpha1.ApplicationSetCondition{
		Type: v1alpha1.ApplicationSetConditionInvalidRolloutConfig, Status: v1alpha1.ApplicationSetConditionStatusFalse,
		Reason: v1alpha1.ApplicationSetReasonValidRolloutConfig, Message: "Rolling Sync Configured correctly",
	}
	if problem := a.steps.problem(); problem != "" {
		valid.Status, valid.Reason, valid.Message = v1alpha1.ApplicationSetConditionStatusTrue, v1alpha1.ApplicationSetReasonInvalidRolloutConfig, problem
	}
	progress := v1alpha1.ApplicationSetCondition{
		Type: v1alpha1.ApplicationSetConditionRolloutProgressing, Status: v1alpha1.ApplicationSetConditionStatusFalse,
		Reason: v1alpha1.ApplicationSetReasonApplicationSetRolloutComplete, Message: "ApplicationSet Rollout has completed",
	}
	current := 0 // the first step with an application that isn't healthy
	for _, status := range statuses {
		step, err := strconv.Atoi(status.Step)
		if err == nil && step > 0 && status.Status != v1alpha1.ProgressiveSyncHealthy && (current == 0 || step < current) {
			current = step
		}
	}
	if current > 0 {
		progress.Status, progress.Reason = v1alpha1.ApplicationSetConditionStatusTrue, v1alpha1.ApplicationSetReasonApplicationSetModified
		progress.Message = "ApplicationSet is performing rollout of step " + strconv.Itoa(current)
	}
	return []v1alpha1.ApplicationSetCondition{valid, progress}
}

// DeleteNext is the application that goes next when a set is deleted in reverse: nil if none is left, and wait if one that was
// asked to go is not gone yet.
func DeleteNext(set *v1alpha1.ApplicationSet, live []*v1alpha1.Application) (next *v1alpha1.Application, wait bool) {
	all := make([]v1alpha1.Application, len(live))
	for i := range live {
		all[i] = *live[i]
	}
	steps := stepsOf(set, all)
	ordered := slices.Clone(live)
	sort.SliceStable(ordered, func(i, j int) bool {
		a, b := steps.of(ordered[i].Name), steps.of(ordered[j].Name)
		if a != b {
			return a > b
		}
		return ordered[i].Name < ordered[j].Name
	})
	for _, app := range ordered {
		if app.DeletionTimestamp != nil {
			return nil, true
		}
	}
	if len(ordered) == 0 {
		return nil, false
	}
	return ordered[0], false
}
