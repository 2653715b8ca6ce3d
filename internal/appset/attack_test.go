package appset

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// TestAttackAdoption: a set takes over an application that nobody keeps, but not one of another project.
func TestAttackAdoption(t *testing.T) {
	set := setOf(t, "{generators: [], template: {metadata: {}, spec: {project: p, destination: {}}}}")
	generated := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: v1alpha1.ApplicationSpec{Project: "p", Destination: v1alpha1.ApplicationDestination{Name: "new"}}}
	for project, taken := range map[string]bool{"p": true, "default": false, "": false} {
		live := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: v1alpha1.ApplicationSpec{Project: project}}
		plan, err := Operator{}.Plan(set, []v1alpha1.Application{generated}, nil, map[string]*v1alpha1.Application{"a": live})
		if err != nil || (len(plan.Update) == 1) != taken || strings.Contains(plan.Wrong.String(), "exists in another project") == taken {
			t.Errorf("project %q: got %+v, %v", project, plan, err)
		}
	}
}
