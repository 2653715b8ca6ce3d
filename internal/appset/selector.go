package appset

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Selector keeps sets of parameters. Unlike one of labels it takes any text for a value. Nil keeps all.
type Selector struct {
	requirements []metav1.LabelSelectorRequirement
}

// NewSelector reads a generator's selector; nil makes a nil Selector.
func NewSelector(selector *metav1.LabelSelector) (*Selector, error) {
	if selector == nil {
		return nil, nil
	}
	s := &Selector{}
	for key, value := range selector.MatchLabels {
		s.requirements = append(s.requirements, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}})
	}
	sort.Slice(s.requirements, func(i, j int) bool { return s.requirements[i].Key < s.requirements[j].Key })
	s.requirements = append(s.requirements, selector.MatchExpressions...)
	for _, r := range s.requirements {
		if err := checkRequirement(r); err != nil {
			return nil, fmt.Errorf("error parsing label selector: %w", err)
		}
	}
	return s, nil
}

func checkRequirement(r metav1.LabelSelectorRequirement) error {
	if problems := validation.IsQualifiedName(r.Key); len(problems) > 0 {
		return fmt.Errorf("key: Invalid value: %q: %s", r.Key, strings.Join(problems, "; "))
	}
	switch r.Operator {
	case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
		if len(r.Values) == 0 {
			return fmt.Errorf("values: Invalid value: for 'in', 'notin' operators, values set can't be empty")
		}
	case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			return fmt.Errorf("values: Invalid value: %q: values set must be empty for exists and does not exist", r.Values)
		}
	default:
		return fmt.Errorf("%q is not a valid pod selector operator", r.Operator)
	}
	return nil
}

// Matches tells whether parameters are kept; nested ones have the names that Flatten gives them.
func (s *Selector) Matches(params map[string]any) bool {
	if s == nil {
		return true
	}
	flat := Flatten(params)
	for _, r := range s.requirements {
		value, there := flat[r.Key]
		var ok bool
		switch r.Operator {
		case metav1.LabelSelectorOpIn:
			ok = there && slices.Contains(r.Values, value)
		case metav1.LabelSelectorOpNotIn:
			ok = !there || !slices.Contains(r.Values, value)
		case metav1.LabelSelectorOpExists:
			ok = there
		case metav1.LabelSelectorOpDoesNotExist:
			ok = !there
		}
		if !ok {
			return false
		}
	}
	return true
}
