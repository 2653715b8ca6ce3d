package server

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/dependency"
)

// keepDependencies leaves spec.dependsOn as it is when a new spec doesn't have it: Argo CD's clients don't know the field, and
// drop it from what they read, change and write back. To take it out, set it to an empty list, or patch it away.
func keepDependencies(desired *argo.ApplicationSpec, existing argo.ApplicationSpec) {
	if desired.DependsOn == nil {
		desired.DependsOn = existing.DependsOn
	}
}

// checkDependencies says what is wrong with an application's dependencies: empty means nothing.
func (s *Server) checkDependencies(ctx context.Context, app *argo.Application) (complaint string, err error) {
	if complaint := dependency.Validate(app.Spec.DependsOn); complaint != "" {
		return complaint, nil
	}
	start := client.ObjectKeyFromObject(app)
	cycle := dependency.Cycle(start, func(name types.NamespacedName) (next []types.NamespacedName) {
		at := app
		if name != start {
			at = &argo.Application{}
			if getErr := s.options.Client.Get(ctx, name, at); getErr != nil {
				if !apierrors.IsNotFound(getErr) {
					err = fmt.Errorf("reading application %s: %w", name.Name, getErr)
				}
				return nil
			}
		}
		return dependency.Names(at)
	})
	if cycle != nil {
		complaint = fmt.Sprintf("spec.dependsOn makes a cycle: %s: take one of them out", dependency.Path(cycle))
	}
	return complaint, err
}
