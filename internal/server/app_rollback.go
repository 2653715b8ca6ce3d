package server

import (
	"context"
	"fmt"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// mayRollback checks the permission to roll back. As in Argo CD it is `sync`, unless argocd-cm says
// server.rbac.rollback.enforce.enable: then it is `rollback` alone. Without that, who has `rollback` may as well, and who
// is denied it may not.
func (s *Server) mayRollback(ctx context.Context, c *call, object string) error {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return err
	}
	c.checked = true
	enforced := config["server.rbac.rollback.enforce.enable"] == "true"
	switch c.user.Check(access.Applications, access.Rollback)(object) {
	case access.Allowed:
		return nil
	case access.Denied:
		enforced = true
	}
	if enforced {
		return c.require(access.Applications, access.Rollback, object)
	}
	return c.require(access.Applications, access.Sync, object)
}

// rollbackApp is Argo CD's rollback: it refuses under automated sync, which would undo it.
func (s *Server) rollbackApp(ctx context.Context, c *call, q *protocol.ApplicationRollbackRequest) (*argo.Application, error) {
	app, err := s.rollbackTarget(ctx, c, q)
	if err != nil {
		return nil, err
	}
	if app.Spec.Automation() != nil {
		return nil, precondition("rollback cannot be initiated when auto-sync is enabled")
	}
	operation, err := rollbackOperation(c, app, q)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, c, app, operation, fmt.Sprintf("initiated rollback to %d", q.ID), func(*argo.Application) {})
}

// rollbackAndHold is ours: the hold and the operation are one write, so that nothing can come between them.
func (s *Server) rollbackAndHold(ctx context.Context, c *call, q *protocol.ApplicationRollbackRequest) (*argo.Application, error) {
	app, err := s.rollbackTarget(ctx, c, q)
	if err != nil {
		return nil, err
	}
	operation, err := rollbackOperation(c, app, q)
	if err != nil {
		return nil, err
	}
	hold := argo.Hold{
		HistoryID: q.ID, Revision: operation.Sync.Revision, By: c.name(), At: s.options.Clock.Now().UTC(), Reason: "rollback",
	}
	return s.start(ctx, c, app, operation, fmt.Sprintf("initiated rollback to %d", q.ID), func(app *argo.Application) {
		if !q.DryRun {
			app.SetHold(hold)
		}
	})
}

// rollbackTarget finds the application that the caller may roll back.
func (s *Server) rollbackTarget(ctx context.Context, c *call, q *protocol.ApplicationRollbackRequest) (*argo.Application, error) {
	app, err := s.visibleApp(ctx, c, appRef{q.Name, q.AppNamespace, q.Project}, access.Rollback, access.Sync)
	if err != nil {
		return nil, err
	}
	if err := s.mayRollback(ctx, c, s.object(app)); err != nil {
		return nil, err
	}
	if app.DeletionTimestamp != nil {
		return nil, precondition("application is deleting")
	}
	return app, s.permitProject(ctx, app)
}

// rollbackOperation finds the history entry, and makes the operation that deploys it again.
func rollbackOperation(c *call, app *argo.Application, q *protocol.ApplicationRollbackRequest) (*argo.Operation, error) {
	entry := app.Status.History.ByID(q.ID)
	if entry == nil {
		return nil, invalid(fmt.Sprintf("application %s does not have deployment with id %d", app.Namespace+"/"+app.Name, q.ID))
	}
	if entry.Source.RepoURL == "" && len(entry.Sources) == 0 {
		return nil, precondition("cannot rollback to revision deployed with Argo CD v0.11 or lower. sync to revision instead.")
	}
	sync := &argo.SyncOperation{
		Revision: entry.Revision, Revisions: entry.Revisions, DryRun: q.DryRun, Prune: q.Prune,
		SyncStrategy: &argo.SyncStrategy{Apply: &argo.SyncStrategyApply{}}, Sources: entry.Sources,
	}
	if len(entry.Sources) == 0 {
		sync.Source = entry.Source.DeepCopy()
	}
	if app.Spec.SyncPolicy != nil {
		sync.SyncOptions = app.Spec.SyncPolicy.SyncOptions
	}
	return &argo.Operation{Sync: sync, InitiatedBy: argo.OperationInitiator{Username: c.name()}}, nil
}

// releaseHold ends the hold of a rollback: automation and image updates go on.
func (s *Server) releaseHold(ctx context.Context, c *call, q *protocol.HoldRequest) (*argo.Application, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, app, fmt.Sprintf("releasing application '%s'", app.Name), func() error {
		if !app.Held() {
			return precondition(fmt.Sprintf("application '%s' is not held", app.Name))
		}
		app.ClearHold()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return app, nil
}
