package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

func (s *Server) managedResources(ctx context.Context, c *call, q *protocol.ResourcesQuery) (*protocol.ManagedResourcesResponse, error) {
	app, err := s.app(ctx, c, appRef{q.ApplicationName, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	if s.options.Manifests == nil {
		return nil, missingPart("compare manifests")
	}
	diffs, err := s.options.Manifests.Compare(ctx, app)
	if err != nil {
		return nil, fmt.Errorf("comparing application '%s': %w", app.Name, err)
	}
	masker, err := s.masker(ctx)
	if err != nil {
		return nil, err
	}
	answer := &protocol.ManagedResourcesResponse{}
	for _, diff := range diffs {
		if !selectedResource(q, diff) {
			continue
		}
		masked := *diff
		if err := masker.manifests(&masked.TargetState, &masked.LiveState, &masked.NormalizedLiveState, &masked.PredictedLiveState); err != nil {
			return nil, err
		}
		answer.Items = append(answer.Items, &masked)
	}
	return answer, nil
}

func selectedResource(q *protocol.ResourcesQuery, d *protocol.ResourceDiff) bool {
	return (q.Group == "" || q.Group == d.Group) && (q.Kind == "" || q.Kind == d.Kind) &&
		(q.Namespace == "" || q.Namespace == d.Namespace) && (q.Name == "" || q.Name == d.Name)
}

func (s *Server) resourceTree(ctx context.Context, c *call, q *protocol.ResourcesQuery) (*protocol.ApplicationTree, error) {
	app, err := s.app(ctx, c, appRef{q.ApplicationName, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	return s.tree(ctx, app)
}

func (s *Server) tree(ctx context.Context, app *argo.Application) (*protocol.ApplicationTree, error) {
	if s.options.Fleet == nil {
		return nil, missingPart("reach clusters")
	}
	tree, err := s.options.Fleet.Tree(ctx, app)
	if err != nil {
		return nil, fmt.Errorf("reading the objects of application '%s': %w", app.Name, err)
	}
	return tree, nil
}

func (s *Server) manifests(ctx context.Context, c *call, q *protocol.ApplicationManifestQuery) (*protocol.ManifestResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	if s.options.Manifests == nil {
		return nil, missingPart("render manifests")
	}
	revisions, err := manifestRevisions(app, q)
	if err != nil {
		return nil, err
	}
	answer, err := s.options.Manifests.Render(ctx, app, revisions)
	if err != nil {
		return nil, fmt.Errorf("error generating manifests: %w", err)
	}
	return answer, s.maskManifests(ctx, answer)
}

func (s *Server) maskManifests(ctx context.Context, answer *protocol.ManifestResponse) error {
	masker, err := s.masker(ctx)
	if err != nil {
		return err
	}
	for i := range answer.Manifests {
		if err := masker.manifests(&answer.Manifests[i]); err != nil {
			return err
		}
	}
	return nil
}

// manifestRevisions gives a revision per source; nil if the query names none.
func manifestRevisions(app *argo.Application, q *protocol.ApplicationManifestQuery) ([]string, error) {
	sources := app.Spec.AllSources()
	if q.Revision == "" && len(q.Revisions) == 0 {
		return nil, nil
	}
	revisions := make([]string, len(sources))
	if len(q.Revisions) != len(q.SourcePositions) {
		return nil, invalid("source positions and revisions must be as many")
	}
	if q.Revision != "" && len(revisions) > 0 {
		revisions[0] = q.Revision
	}
	for i, position := range q.SourcePositions {
		if position < 1 || position > int64(len(sources)) {
			return nil, invalid("source position is out of range")
		}
		revisions[position-1] = q.Revisions[i]
	}
	return revisions, nil
}

// liveObject finds a live object of an application, and what the tree says of it. One that isn't in the tree isn't shown,
// whoever asks: neither what the application has nothing to do with, nor what its project doesn't permit any more.
func (s *Server) liveObject(ctx context.Context, app *argo.Application, ref protocol.ResourceRef) (*unstructured.Unstructured, protocol.ResourceRef, error) {
	tree, err := s.tree(ctx, app)
	if err != nil {
		return nil, ref, err
	}
	notFound := invalid(fmt.Sprintf("%s %s %s not found as part of application %s", ref.Kind, ref.Group, ref.Name, app.Name))
	index := slices.IndexFunc(tree.Nodes, func(n protocol.ResourceNode) bool {
		return n.Group == ref.Group && n.Kind == ref.Kind && n.Namespace == ref.Namespace && n.Name == ref.Name && n.UID != ""
	})
	if index < 0 {
		return nil, ref, notFound
	}
	found := tree.Nodes[index].ResourceRef
	if ref.Version != "" {
		found.Version = ref.Version
	}
	object, err := s.options.Fleet.Object(ctx, app, found)
	if apierrors.IsNotFound(err) {
		return nil, found, notFound
	}
	if err != nil {
		return nil, found, fmt.Errorf("error getting resource: %w", err)
	}
	return object, found, nil
}

func requestedRef(q *protocol.ApplicationResourceRequest) protocol.ResourceRef {
	return protocol.ResourceRef{Group: q.Group, Version: q.Version, Kind: q.Kind, Namespace: q.Namespace, Name: q.ResourceName}
}

func (s *Server) getResource(ctx context.Context, c *call, q *protocol.ApplicationResourceRequest) (*protocol.ApplicationResourceResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	object, _, err := s.liveObject(ctx, app, requestedRef(q))
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, object)
}

// shown answers with a live object, masked.
func (s *Server) shown(ctx context.Context, object *unstructured.Unstructured) (*protocol.ApplicationResourceResponse, error) {
	masker, err := s.masker(ctx)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(masker.show(object).Object)
	if err != nil {
		return nil, err
	}
	return &protocol.ApplicationResourceResponse{Manifest: string(manifest)}, nil
}
