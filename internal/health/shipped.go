package health

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// shipped is the rule for a kind of a popular operator; nil if there is none.
func shipped(kind schema.GroupKind) func(*unstructured.Unstructured) *Status {
	if clauses := tables().of(kind); clauses != nil {
		return func(u *unstructured.Unstructured) *Status { return judgeBy(clauses, u) }
	}
	return nil
}
