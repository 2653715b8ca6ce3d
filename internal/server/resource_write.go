package server

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/settings"
)

// mayChangeObject checks the row's action, update or delete, on one live object of an application. As in Argo CD it must be
// given for objects (update/GROUP/KIND/NAMESPACE/NAME); that for the application itself is enough only where argocd-cm says
// server.rbac.disableApplicationFineGrainedRBACInheritance: "false".
func (s *Server) mayChangeObject(ctx context.Context, c *call, ref protocol.ResourceRef, application string) error {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return err
	}
	c.checked = true
	action := c.row.permission.action
	inherited := false
	if text := config["server.rbac.disableApplicationFineGrainedRBACInheritance"]; text != "" {
		disabled, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		inherited = !disabled
	}
	if inherited && c.may(access.Applications, action, application) {
		return nil
	}
	return c.require(access.Applications, access.OnObject(action, ref.Group, ref.Kind, ref.Namespace, ref.Name), application)
}

// changeable finds the live object that a person wants to change or delete, as far as the row's permission lets them. A denial
// looks as upstream's: who may not touch the object doesn't learn whether it exists.
func (s *Server) changeable(ctx context.Context, c *call, ref appRef, target protocol.ResourceRef) (*argo.Application, protocol.ResourceRef, error) {
	action := c.row.permission.action
	app, err := s.visibleApp(ctx, c, ref, action, access.OnObject(action, target.Group, target.Kind, target.Namespace, target.Name))
	if err != nil {
		return nil, target, err
	}
	if err := s.mayChangeObject(ctx, c, target, s.object(app)); err != nil {
		return nil, target, err
	}
	if err := s.permitProject(ctx, app); err != nil {
		return nil, target, err
	}
	_, found, err := s.liveObject(ctx, app, target)
	return app, found, err
}

// patchResource changes a live object as a person asks.
func (s *Server) patchResource(ctx context.Context, c *call, q *protocol.ApplicationResourcePatchRequest) (*protocol.ApplicationResourceResponse, error) {
	target := protocol.ResourceRef{Group: q.Group, Version: q.Version, Kind: q.Kind, Namespace: q.Namespace, Name: q.ResourceName}
	app, found, err := s.changeable(ctx, c, appRef{q.Name, q.AppNamespace, q.Project}, target)
	if err != nil {
		return nil, err
	}
	kind := types.PatchType(q.PatchType)
	switch kind {
	case types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType:
	default:
		return nil, invalid(fmt.Sprintf("patch type %q is none of %s, %s and %s", q.PatchType, types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType))
	}
	object, err := s.options.Fleet.Patch(ctx, app, found, []rollout.Patch{{Type: kind, Body: []byte(q.Patch)}})
	if err != nil && found.Group == "" && found.Kind == "Secret" { // the API server's answer may repeat the Secret
		return nil, fail(connect.CodeOf(asError(err)), fmt.Errorf("failed to patch Secret %s/%s", found.Namespace, found.Name))
	}
	if err != nil {
		return nil, fmt.Errorf("error patching resource: %w", err)
	}
	s.tellOfApp(ctx, c, app, reasonUpdated, fmt.Sprintf("patched resource %s/%s '%s'", q.Group, q.Kind, q.ResourceName))
	return s.shown(ctx, object)
}

// deleteResource deletes a live object as a person asks.
func (s *Server) deleteResource(ctx context.Context, c *call, q *protocol.ApplicationResourceDeleteRequest) (*protocol.ApplicationResponse, error) {
	target := protocol.ResourceRef{Group: q.Group, Version: q.Version, Kind: q.Kind, Namespace: q.Namespace, Name: q.ResourceName}
	deleter, ok := s.options.Fleet.(ObjectDeleter)
	if !ok {
		return nil, missingPart("delete objects")
	}
	app, found, err := s.changeable(ctx, c, appRef{q.Name, q.AppNamespace, q.Project}, target)
	if err != nil {
		return nil, err
	}
	propagation := "foreground"
	switch {
	case q.Orphan:
		propagation = "orphan"
	case q.Force:
		propagation = "force"
	}
	if err := deleter.Delete(ctx, app, found, propagation); err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("error deleting resource: %w", err)
	}
	s.tellOfApp(ctx, c, app, reasonDeleted, fmt.Sprintf("deleted resource %s/%s '%s'", q.Group, q.Kind, q.ResourceName))
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
		if current := s.apps.application(client.ObjectKeyFromObject(app)); current != nil {
			app = current // it may go elsewhere by now
		}
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
