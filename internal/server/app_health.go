package server

import (
	"context"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

// withHealth is an application with the health of its objects, which is looked up where its status leaves it out
// (controller.resource.health.persist). Without a cluster that answers it is the application as it was.
func (s *Server) withHealth(ctx context.Context, app *argo.Application) *argo.Application {
	if app.Status.ResourceHealthSource != argo.ResourceHealthInTree || len(app.Status.Resources) == 0 || s.options.Fleet == nil {
		return app
	}
	tree, err := s.tree(ctx, app)
	if err != nil {
		s.options.Logger.Debug("an application is told without the health of its objects", "application", app.Name, "error", err)
		return app
	}
	live := make(map[protocol.ResourceRef]*argo.HealthStatus, len(tree.Nodes))
	for _, node := range tree.Nodes {
		live[protocol.ResourceRef{Group: node.Group, Kind: node.Kind, Namespace: node.Namespace, Name: node.Name}] = node.Health
	}
	told := app.DeepCopy() // the cache's own is shared
	for i := range told.Status.Resources {
		r := &told.Status.Resources[i]
		health, exists := live[protocol.ResourceRef{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}]
		if !exists {
			health = &argo.HealthStatus{Status: argo.HealthStatusMissing, Message: "Resource has not been created"}
		}
		r.Health = health
	}
	return told
}
