package server

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
)

// patchResource changes a live object as a person asks.
func (s *Server) patchResource(ctx context.Context, c *call, q *protocol.ApplicationResourcePatchRequest) (*protocol.ApplicationResourceResponse, error) {
	target := protocol.ResourceRef{Group: q.Group, Version: q.Version, Kind: q.Kind, Namespace: q.Namespace, Name: q.ResourceName}
	app, err := s.visibleApp(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	c.checked = true
	if err := c.require(access.Applications, access.OnObject(access.Update, target.Group, target.Kind, target.Namespace, target.Name), s.object(app)); err != nil {
		return nil, err
	}
	kind := types.PatchType(q.PatchType)
	switch kind {
	case types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType:
	default:
		return nil, invalid(fmt.Sprintf("patch type %q is none of %s, %s and %s", q.PatchType, types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType))
	}
	if _, err := s.liveObject(ctx, app, target); err != nil {
		return nil, err
	}
	object, err := s.options.Fleet.Patch(ctx, app, target, []rollout.Patch{{Type: kind, Body: []byte(q.Patch)}})
	if err != nil {
		return nil, fmt.Errorf("patching %s '%s': %w", target.Kind, target.Name, err)
	}
	return s.shown(ctx, object)
}

// deleteResource deletes a live object as a person asks.
func (s *Server) deleteResource(ctx context.Context, c *call, q *protocol.ApplicationResourceDeleteRequest) (*protocol.ApplicationResponse, error) {
	target := protocol.ResourceRef{Group: q.Group, Version: q.Version, Kind: q.Kind, Namespace: q.Namespace, Name: q.ResourceName}
	app, err := s.visibleApp(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	c.checked = true
	if err := c.require(access.Applications, access.OnObject(access.Delete, target.Group, target.Kind, target.Namespace, target.Name), s.object(app)); err != nil {
		return nil, err
	}
	deleter, ok := s.options.Fleet.(ObjectDeleter)
	if !ok {
		return nil, missingPart("delete objects")
	}
	if _, err := s.liveObject(ctx, app, target); err != nil {
		return nil, err
	}
	propagation := "foreground"
	switch {
	case q.Orphan:
		propagation = "orphan"
	case q.Force:
		propagation = "force"
	}
	if err := deleter.Delete(ctx, app, target, propagation); err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("deleting %s '%s': %w", target.Kind, target.Name, err)
	}
	return &protocol.ApplicationResponse{}, nil
}

// treeRest is the least time between two trees of a stream: a rolling update changes it a hundred times a second.
const treeRest = 200 * time.Millisecond

// watchResourceTree sends the tree, and again each time that it has changed.
func (s *Server) watchResourceTree(ctx context.Context, c *call, q *protocol.ResourcesQuery, send func(*protocol.ApplicationTree) error) error {
	app, err := s.app(ctx, c, appRef{q.ApplicationName, q.AppNamespace, q.Project})
	if err != nil {
		return err
	}
	watcher, ok := s.options.Fleet.(TreeWatcher)
	if !ok {
		return missingPart("watch objects in clusters")
	}
	changes := watcher.TreeChanges(ctx, app)
	var sent *protocol.ApplicationTree
	for {
		tree, err := s.tree(ctx, app)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(tree, sent) {
			if err := send(tree); err != nil {
				return err
			}
			sent = tree
		}
		rest := s.options.Clock.NewTimer(treeRest)
		select {
		case <-rest.C():
		case <-ctx.Done():
		}
		rest.Stop()
		select {
		case <-changes:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil
			}
			return ctx.Err()
		}
	}
}
