package server

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// keepDependencies leaves spec.dependsOn as it is when a new spec doesn't have it: Argo CD's clients don't know the field, and
// drop it from what they read, change and write back. To take it out, set it to an empty list, or patch it away.
func keepDependencies(desired *argo.ApplicationSpec, existing argo.ApplicationSpec) {
	if desired.DependsOn == nil {
		desired.DependsOn = existing.DependsOn
	}
}

// applicationNamed finds applications for dependency.Check.
func (s *Server) applicationNamed(ctx context.Context) func(types.NamespacedName) (*argo.Application, error) {
	return func(name types.NamespacedName) (*argo.Application, error) {
		app := &argo.Application{}
		err := s.options.Client.Get(ctx, name, app)
		return app, client.IgnoreNotFound(err)
	}
}
