package appset

import (
	"fmt"
	"slices"
	"sort"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Problems are what is wrong with generated applications, by their name. The name is empty for those without.
type Problems map[string]error

// Check finds names that are missing or repeat. Of a name that repeats no application is right.
func Check(set *v1alpha1.ApplicationSet, applications []v1alpha1.Application) Problems {
	problems, seen := Problems{}, map[string]bool{}
	for i := range applications {
		name := applications[i].Name
		switch {
		case name == "":
			problems[name] = fmt.Errorf("ApplicationSet %s contains an application with no name; a name must be set in the template's metadata.name or via a templatePatch (generateName is not supported)", set.Name)
		case seen[name]:
			problems[name] = fmt.Errorf("ApplicationSet %s contains applications with duplicate name: %s", set.Name, name)
		}
		seen[name] = true
	}
	return problems
}

// String is what the status says: the problem of the last name, and how many more there are.
func (p Problems) String() string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	sort.Strings(names)
	switch len(names) {
	case 0:
		return ""
	case 1:
		return p[names[0]].Error()
	}
	return fmt.Sprintf("%s (and %d more)", p[names[len(names)-1]], len(names)-1)
}

// Plan is what is to be done with the applications of a set.
type Plan struct {
	// Create are applications that are not there; Update pairs those that differ with what they become; Delete are those that
	// the set no longer makes.
	Create []*v1alpha1.Application
	Update []Change
	Delete []*v1alpha1.Application
	// Wrong are applications that can't be what the set wants.
	Wrong Problems
}

// Change is one live application and what it becomes.
type Change struct{ From, To *v1alpha1.Application }

// Plan compares what a set makes with what there is. Current are the applications that the set owns, others those of the same
// names that it doesn't own. All that is generated counts as wanted, also what is in problems: only what no generator asks for
// is deleted.
func (o Operator) Plan(set *v1alpha1.ApplicationSet, generated []v1alpha1.Application, problems Problems, live map[string]*v1alpha1.Application) (Plan, error) {
	ignored, err := NewIgnored(set.Spec.IgnoreApplicationDifferences)
	if err != nil {
		return Plan{}, err
	}
	updates, deletes := o.PolicyOf(set)
	plan, wanted := Plan{Wrong: Problems{}}, map[string]bool{}
	for i := range generated {
		application := &generated[i]
		wanted[application.Name] = true
		if problems[application.Name] != nil {
			continue
		}
		have := live[application.Name]
		switch {
		case have == nil:
			plan.Create = append(plan.Create, Created(set, application))
		case !hasController(have) && have.Spec.ProjectName() != application.Spec.ProjectName():
			// Who may make sets in one project mustn't take over what is another's.
			plan.Wrong[application.Name] = fmt.Errorf("application %s exists in another project, and wasn't made by this ApplicationSet", application.Name)
		case updates || !Owns(set, have):
			updated, differs, err := o.Updated(set, ignored, have, application)
			if err != nil {
				plan.Wrong[application.Name] = err
			} else if differs {
				plan.Update = append(plan.Update, Change{have, updated})
			}
		}
	}
	for name, have := range live {
		if deletes && !wanted[name] && Owns(set, have) && have.DeletionTimestamp == nil {
			plan.Delete = append(plan.Delete, have)
		}
	}
	sort.Slice(plan.Create, func(i, j int) bool { return plan.Create[i].Name < plan.Create[j].Name })
	sort.Slice(plan.Delete, func(i, j int) bool { return plan.Delete[i].Name < plan.Delete[j].Name })
	return plan, nil
}

// hasController tells whether anything made an application, and keeps it.
func hasController(application *v1alpha1.Application) bool {
	return slices.ContainsFunc(application.OwnerReferences, func(reference metav1.OwnerReference) bool {
		return reference.Controller != nil && *reference.Controller
	})
}

// Owns tells whether a set made an application.
func Owns(set *v1alpha1.ApplicationSet, application *v1alpha1.Application) bool {
	for _, reference := range application.OwnerReferences {
		if reference.Controller != nil && *reference.Controller && reference.Kind == Kind && reference.Name == set.Name &&
			(set.UID == "" || reference.UID == set.UID) {
			return true
		}
	}
	return false
}
