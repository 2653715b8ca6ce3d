package server

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/syncwindow"
)

// bounds is a project with what it inherits from global ones.
func (s *Server) bounds(ctx context.Context, name string) (*argo.AppProject, error) {
	return s.projects().Project(ctx, name)
}

// windows are the sync windows that concern an application.
func (s *Server) windows(ctx context.Context, app *argo.Application) (syncwindow.Windows, error) {
	bounds, err := s.bounds(ctx, app.Spec.ProjectName())
	if apierrors.IsNotFound(err) {
		return nil, invalid(fmt.Sprintf("application references project %s which does not exist", app.Spec.ProjectName()))
	}
	if err != nil {
		return nil, fmt.Errorf("reading project '%s': %w", app.Spec.ProjectName(), err)
	}
	return syncwindow.Matching(bounds.Spec.SyncWindows, app.Name, app.Spec.Destination), nil
}

// requireWindow refuses a person's sync while a sync window is in its way.
func (s *Server) requireWindow(ctx context.Context, app *argo.Application) error {
	windows, err := s.windows(ctx, app)
	if err != nil {
		return err
	}
	switch allowed, err := windows.Allows(syncwindow.Request{Manual: true}, s.options.Clock.Now()); {
	case err != nil:
		return fail(connect.CodePermissionDenied, fmt.Errorf("cannot sync: invalid sync window: %w", err))
	case !allowed:
		return fail(connect.CodePermissionDenied, errors.New("cannot sync: blocked by sync window"))
	}
	return nil
}

func (s *Server) appSyncWindows(ctx context.Context, c *call, q *protocol.ApplicationSyncWindowsQuery) (*protocol.ApplicationSyncWindowsResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	windows, err := s.windows(ctx, app)
	if err != nil {
		return nil, err
	}
	now := s.options.Clock.Now()
	active, err := windows.Active(now)
	if err != nil {
		return nil, invalid(err.Error())
	}
	allowed, err := windows.Allows(syncwindow.Request{Manual: true}, now)
	if err != nil {
		return nil, invalid(err.Error())
	}
	return &protocol.ApplicationSyncWindowsResponse{ActiveWindows: brief(active), AssignedWindows: brief(windows), CanSync: allowed}, nil
}

func brief(windows syncwindow.Windows) []*protocol.ApplicationSyncWindow {
	var all []*protocol.ApplicationSyncWindow
	for _, w := range windows {
		all = append(all, &protocol.ApplicationSyncWindow{Kind: w.Kind, Schedule: w.Schedule, Duration: w.Duration, ManualSync: w.ManualSync})
	}
	return all
}

func (s *Server) projectSyncWindows(ctx context.Context, c *call, q *protocol.SyncWindowsQuery) (*protocol.SyncWindowsResponse, error) {
	if err := c.allow(q.Name); err != nil {
		return nil, err
	}
	bounds, err := s.project(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	active, err := syncwindow.Windows(bounds.Spec.SyncWindows).Active(s.options.Clock.Now())
	if err != nil {
		return nil, invalid(err.Error())
	}
	return &protocol.SyncWindowsResponse{Windows: active}, nil
}
