package server

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/action"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
)

const (
	rolloutKind  = "Rollout"
	rolloutGroup = "argoproj.io"
)

// listActions tells which actions a live object has, or the application itself.
func (s *Server) listActions(ctx context.Context, c *call, q *protocol.ApplicationResourceRequest) (*protocol.ResourceActionsListResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	source, _, err := s.actionSource(ctx, app, requestedRef(q))
	if err != nil {
		return nil, err
	}
	custom, err := s.options.Settings.Customization(ctx)
	if err != nil {
		return nil, err
	}
	actions, err := custom.Actions.Discover(source)
	if err != nil {
		return nil, precondition(err.Error())
	}
	return &protocol.ResourceActionsListResponse{Actions: actions}, nil
}

func (s *Server) runAction(ctx context.Context, c *call, q *protocol.ResourceActionRunRequest) (*protocol.ApplicationResponse, error) {
	return s.act(ctx, c, &protocol.ResourceActionRunRequestV2{
		Name: q.Name, AppNamespace: q.AppNamespace, Project: q.Project, Action: q.Action,
		Group: q.Group, Version: q.Version, Kind: q.Kind, Namespace: q.Namespace, ResourceName: q.ResourceName,
	})
}

// act runs an action on a live object. The permission is that of the very action and kind.
func (s *Server) act(ctx context.Context, c *call, q *protocol.ResourceActionRunRequestV2) (*protocol.ApplicationResponse, error) {
	app, err := s.appFor(ctx, c, appRef{q.Name, q.AppNamespace, q.Project}, access.RunAction(q.Group, q.Kind, q.Action))
	if err != nil {
		return nil, err
	}
	target := protocol.ResourceRef{Group: q.Group, Version: q.Version, Kind: q.Kind, Namespace: q.Namespace, Name: q.ResourceName}
	source, found, err := s.actionSource(ctx, app, target)
	if err != nil {
		return nil, err
	}
	custom, err := s.options.Settings.Customization(ctx)
	if err != nil {
		return nil, err
	}
	params := make(map[string]string, len(q.ResourceActionParameters))
	for _, p := range q.ResourceActionParameters {
		params[p.Name] = p.Value
	}
	changes, err := custom.Actions.Run(source, q.Action, params, s.options.Clock.Now())
	if err != nil {
		return nil, precondition(err.Error())
	}
	if err := s.carryOut(ctx, app, source, changes); err != nil {
		return nil, fmt.Errorf("running action %s on %s '%s': %w", q.Action, q.Kind, q.ResourceName, err)
	}
	if isItself(app, target) {
		s.tellOfApp(ctx, c, app, reasonActionRan, "ran action "+q.Action)
		return &protocol.ApplicationResponse{}, nil
	}
	s.tellOfApp(ctx, c, app, reasonActionRan, fmt.Sprintf("ran action %s on resource %s/%s/%s", q.Action, q.Group, q.Kind, q.ResourceName))
	s.tellOfObject(ctx, c, found, reasonActionRan, "ran action "+q.Action)
	return &protocol.ApplicationResponse{}, nil
}

// isItself tells whether an object of an application is the application.
func isItself(app *argo.Application, ref protocol.ResourceRef) bool {
	return ref.Group == argo.GroupVersion.Group && ref.Kind == "Application" && ref.Name == app.Name &&
		(ref.Namespace == "" || ref.Namespace == app.Namespace)
}

// actionSource is the object that an action is for: one that the application has in its cluster, or the application.
func (s *Server) actionSource(ctx context.Context, app *argo.Application, ref protocol.ResourceRef) (*unstructured.Unstructured, protocol.ResourceRef, error) {
	if !isItself(app, ref) {
		return s.liveObject(ctx, app, ref)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		return nil, ref, fmt.Errorf("reading application '%s': %w", app.Name, err)
	}
	u := &unstructured.Unstructured{Object: fields}
	u.SetGroupVersionKind(argo.GroupVersion.WithKind("Application"))
	return u, ref, nil
}

// carryOut writes what an action changes, once all of it is permitted and the API server would take what is new.
func (s *Server) carryOut(ctx context.Context, app *argo.Application, source *unstructured.Unstructured, changes []action.Change) error {
	for _, change := range changes {
		itself := change.Operation == action.Patch && isItself(app, refTo(source))
		if !itself {
			if err := s.permitObject(ctx, app, change.Object); err != nil {
				return err
			}
		}
		if change.Operation == action.Create {
			if err := s.createObject(ctx, app, change.Object, true); err != nil {
				return err
			}
		}
	}
	for _, change := range changes {
		var err error
		if change.Operation == action.Create {
			err = s.createObject(ctx, app, change.Object, false)
		} else {
			err = s.patchObject(ctx, app, source, change.Object)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// permitObject asks the application's project about an object.
func (s *Server) permitObject(ctx context.Context, app *argo.Application, u *unstructured.Unstructured) error {
	bounds, err := s.project(ctx, app.Spec.ProjectName())
	if err != nil {
		return err
	}
	cluster, err := s.options.Settings.Destination(ctx, app.Spec.Destination)
	if err != nil {
		return err
	}
	if !project.PermitsObject(bounds, object.KeyOf(u), project.Destination{Server: cluster.Server, Name: cluster.Name}) {
		gvk := u.GroupVersionKind()
		return precondition(fmt.Sprintf("application is not permitted to manage %s/%s/%s in %s", gvk.Group, gvk.Kind, u.GetName(), u.GetNamespace()))
	}
	return nil
}

func (s *Server) createObject(ctx context.Context, app *argo.Application, u *unstructured.Unstructured, dryRun bool) error {
	creator, ok := s.options.Fleet.(ObjectCreator)
	if !ok {
		return missingPart("create objects")
	}
	return creator.Create(ctx, app, u, dryRun)
}

// patchObject writes the difference to the live object: the status apart, as many kinds have it as a subresource; those
// that don't answer that they have none.
func (s *Server) patchObject(ctx context.Context, app *argo.Application, live, changed *unstructured.Unstructured) error {
	status, rest, all, err := action.MergePatches(live, changed)
	if err != nil || all == nil {
		return err
	}
	ref := refTo(live)
	if isItself(app, ref) {
		return s.options.Client.Patch(ctx, app.DeepCopy(), client.RawPatch(types.MergePatchType, all))
	}
	if status != nil {
		_, err := s.options.Fleet.Patch(ctx, app, ref, []rollout.Patch{{Subresource: "status", Type: types.MergePatchType, Body: status}})
		switch {
		case apierrors.IsNotFound(err):
			rest = all
		case err != nil:
			return err
		}
	}
	if rest == nil {
		return nil
	}
	_, err = s.options.Fleet.Patch(ctx, app, ref, []rollout.Patch{{Type: types.MergePatchType, Body: rest}})
	return err
}

func refTo(u *unstructured.Unstructured) protocol.ResourceRef {
	gvk := u.GroupVersionKind()
	return protocol.ResourceRef{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}
}
