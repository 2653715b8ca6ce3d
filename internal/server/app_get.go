package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

func (s *Server) getApp(ctx context.Context, c *call, q *protocol.ApplicationQuery) (*argo.Application, error) {
	ref := appRef{name: q.Name, namespace: q.AppNamespace}
	switch projects := queriedProjects(q); {
	case len(projects) > 1:
		return nil, invalid("multiple projects specified - the get endpoint accepts either zero or one project")
	case len(projects) == 1:
		ref.project = projects[0]
	}
	app, err := s.app(ctx, c, ref)
	if err == nil && q.Refresh != "" {
		app, err = s.refresh(ctx, app, q.Refresh)
	}
	if err != nil {
		return nil, err
	}
	return s.withHealth(ctx, app), nil
}

// refresh asks the controller to compare anew, by the annotation as in Argo CD, and waits until it has taken the
// annotation away again.
func (s *Server) refresh(ctx context.Context, app *argo.Application, kind string) (*argo.Application, error) {
	if kind != "hard" {
		kind = "normal"
	}
	key := client.ObjectKeyFromObject(app)
	subscription, _ := s.apps.subscribe(func(other *argo.Application) bool { return client.ObjectKeyFromObject(other) == key })
	defer subscription.close()
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{argo.RefreshAnnotation: kind}}})
	if err != nil {
		return nil, err
	}
	if err := s.options.Client.Patch(ctx, app, client.RawPatch(types.MergePatchType, body)); err != nil {
		return nil, fmt.Errorf("refreshing application '%s': %w", app.Name, err)
	}
	asked := app.ResourceVersion
	seen := false
	for {
		// The answer to the patch is newer than what the cache has told so far; what it tells up to it is old.
		change, err := subscription.next(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("application refresh deadline exceeded: the controller hasn't compared '%s' in time: %w", app.Name, err)
		case err != nil:
			return nil, err
		case change.kind == deleted:
			return nil, appNotFound(app.Name)
		}
		_, waiting := change.app.Annotations[argo.RefreshAnnotation]
		seen = seen || waiting || change.app.ResourceVersion == asked || newer(change.app.ResourceVersion, asked)
		if seen && !waiting {
			return change.app.DeepCopy(), nil
		}
	}
}
