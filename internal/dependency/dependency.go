// Package dependency decides whether an application may be synced now, given the applications that it depends on
// (spec.dependsOn), and finds cycles among them. It knows nothing of how states are learned: that is
// internal/controller/application/depend.go. Start with Blocked and Cycle.
package dependency

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// State is what is known of an application that another depends on.
type State struct {
	// Missing says that there is no such application.
	Missing bool
	// Deleting says that it is on its way out.
	Deleting bool
	// Known is false as long as it hasn't been compared since the hub started, or since a push that concerns it.
	Known bool
	// Operating says that a sync of it is under way.
	Operating bool
	Sync      v1alpha1.SyncStatusCode
	Health    v1alpha1.HealthStatusCode
}

// Name is the application that d means, seen from an application in a namespace.
func Name(d v1alpha1.ApplicationDependency, namespace string) types.NamespacedName {
	if d.Namespace != "" {
		namespace = d.Namespace
	}
	return types.NamespacedName{Namespace: namespace, Name: d.Name}
}

// Names are the applications that one depends on.
func Names(app *v1alpha1.Application) []types.NamespacedName {
	var names []types.NamespacedName
	for _, d := range app.Spec.DependsOn {
		names = append(names, Name(d, app.Namespace))
	}
	return names
}

// Blocked says why a dependency in that state is not passed yet; empty means that it is.
func Blocked(d v1alpha1.ApplicationDependency, s State) string {
	synced := s.Sync == v1alpha1.SyncStatusCodeSynced && !s.Operating
	healthy := s.Health == v1alpha1.HealthStatusHealthy
	passed := synced && healthy
	switch d.Gate {
	case v1alpha1.DependencyHealthy:
		passed = healthy
	case v1alpha1.DependencySynced:
		passed = synced
	}
	switch {
	case s.Missing:
		return fmt.Sprintf("application %s, which does not exist", d.Name)
	case s.Deleting:
		return fmt.Sprintf("application %s, which is being deleted", d.Name)
	case !s.Known:
		return fmt.Sprintf("application %s, whose state is being looked at", d.Name)
	case passed:
		return ""
	case s.Operating:
		return fmt.Sprintf("application %s, which is being synced and is %s", d.Name, s.Health)
	default:
		return fmt.Sprintf("application %s, which is %s and %s", d.Name, s.Sync, s.Health)
	}
}

// Validate tells what is wrong with the dependencies of an application, apart from cycles; empty means nothing.
func Validate(dependencies []v1alpha1.ApplicationDependency) string {
	for _, d := range dependencies {
		switch d.Gate {
		case "", v1alpha1.DependencyReady, v1alpha1.DependencyHealthy, v1alpha1.DependencySynced:
		default:
			return fmt.Sprintf("spec.dependsOn: gate %q of application %s is none of Ready, Healthy, Synced", d.Gate, d.Name)
		}
		if d.Name == "" {
			return "spec.dependsOn: the name of an application is missing"
		}
	}
	return ""
}

// Check tells what is wrong with an application's dependencies, a cycle included; empty means nothing. find gives an
// application by name, one without dependencies where there is none; its error ends the check.
func Check(app *v1alpha1.Application, find func(types.NamespacedName) (*v1alpha1.Application, error)) (complaint string, err error) {
	if complaint := Validate(app.Spec.DependsOn); complaint != "" || len(app.Spec.DependsOn) == 0 {
		return complaint, nil
	}
	start := types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
	cycle := Cycle(start, func(name types.NamespacedName) []types.NamespacedName {
		if name == start {
			return Names(app)
		}
		other, findErr := find(name)
		if findErr != nil {
			err = fmt.Errorf("reading application %s: %w", name.Name, findErr)
			return nil
		}
		return Names(other)
	})
	if cycle != nil {
		return fmt.Sprintf("spec.dependsOn makes a cycle: %s: take one of them out", Path(cycle)), nil
	}
	return "", err
}

// Cycle returns the way from an application over dependencies back to itself, with it at both ends; nil if there is none.
// Cycles that the application only leads into are not its own: those on them say so.
func Cycle(start types.NamespacedName, next func(types.NamespacedName) []types.NamespacedName) []types.NamespacedName {
	seen := map[types.NamespacedName]bool{}
	var walk func(at types.NamespacedName, path []types.NamespacedName) []types.NamespacedName
	walk = func(at types.NamespacedName, path []types.NamespacedName) []types.NamespacedName {
		path = append(path, at)
		for _, n := range next(at) {
			if n == start {
				return append(slices.Clone(path), n)
			}
			if seen[n] {
				continue
			}
			seen[n] = true
			if found := walk(n, path); found != nil {
				return found
			}
		}
		return nil
	}
	return walk(start, nil)
}

// Path prints a cycle by the applications' names.
func Path(cycle []types.NamespacedName) string {
	names := make([]string, len(cycle))
	for i, n := range cycle {
		names[i] = n.Name
	}
	return strings.Join(names, " → ")
}
