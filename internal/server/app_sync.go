package server

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"connectrpc.com/connect"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/signature"
)

// syncApp starts a sync. A person's sync chooses a version, and so ends the hold of a rollback, if there is one.
func (s *Server) syncApp(ctx context.Context, c *call, q *protocol.ApplicationSyncRequest) (*argo.Application, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	if app.DeletionTimestamp != nil {
		return nil, precondition("application is deleting")
	}
	if err := s.requireWindow(ctx, app); err != nil {
		return nil, err
	}
	if q.Manifests != nil {
		if err := c.require(access.Applications, access.Override, s.object(app)); err != nil {
			return nil, err
		}
		if app.Spec.Automation() != nil && !q.DryRun {
			return nil, precondition("cannot use local sync when Automatic Sync Policy is enabled unless for dry run")
		}
	}
	sync := &argo.SyncOperation{
		Prune: q.Prune, DryRun: q.DryRun, SyncStrategy: q.Strategy, Resources: q.Resources, Manifests: q.Manifests,
	}
	if err := s.chooseRevisions(ctx, c, app, q, sync); err != nil {
		return nil, err
	}
	operation := &argo.Operation{
		Sync: sync, InitiatedBy: argo.OperationInitiator{Username: c.name()}, Info: q.Infos,
	}
	if policy := app.Spec.SyncPolicy; policy != nil {
		sync.SyncOptions = policy.SyncOptions
		if policy.Retry != nil {
			operation.Retry = *policy.Retry
		}
	}
	if q.RetryStrategy != nil {
		operation.Retry = *q.RetryStrategy
	}
	if q.SyncOptions != nil {
		sync.SyncOptions = q.SyncOptions.Items
	}
	if err := s.maySyncSo(ctx, app, sync); err != nil {
		return nil, err
	}
	return s.start(ctx, c, app, operation, startedSync(app, q, sync), func(app *argo.Application) {
		if !q.DryRun {
			app.ClearHold()
		}
	})
}

// maySyncSo refuses what the operator, or the project, doesn't want of any sync.
func (s *Server) maySyncSo(ctx context.Context, app *argo.Application, sync *argo.SyncOperation) error {
	params, err := s.options.Settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
	if err != nil {
		return err
	}
	if sync.SyncOptions.HasOption("Replace=true") && params[settings.ReplaceAllowedKey] == "false" {
		return precondition("sync with replace was disabled on the API Server level via the server configuration")
	}
	if sync.Manifests == nil {
		return nil
	}
	bounds, err := s.bounds(ctx, app.Spec.ProjectName())
	if err != nil {
		return fmt.Errorf("reading project '%s': %w", app.Spec.ProjectName(), err)
	}
	for _, source := range app.Spec.AllSources() {
		if demand, err := signature.DemandOf(bounds, source); demand != nil || err != nil {
			return precondition("Cannot use local manifests when source integrity is enforced")
		}
	}
	return nil
}

// startedSync tells of a sync what its event says.
func startedSync(app *argo.Application, q *protocol.ApplicationSyncRequest, sync *argo.SyncOperation) string {
	partial := ""
	if len(q.Resources) > 0 {
		partial = "partial "
	}
	if q.Manifests != nil {
		return fmt.Sprintf("initiated %ssync locally", partial)
	}
	asked, commits := []string{q.Revision}, []string{sync.Revision}
	if app.Spec.HasSeveralSources() {
		asked, commits = make([]string, len(app.Spec.Sources)), sync.Revisions
		for i, position := range q.SourcePositions {
			asked[position-1] = q.Revisions[i]
		}
	}
	shown := make([]string, len(commits))
	for i, source := range app.Spec.AllSources() {
		revision := cmp.Or(asked[i], source.TargetRevision, "HEAD")
		if shown[i] = revision; commits[i] != revision {
			shown[i] = fmt.Sprintf("%s (%s)", revision, commits[i])
		}
	}
	return fmt.Sprintf("initiated %ssync to %s", partial, strings.Join(shown, ","))
}

// chooseRevisions settles which commits a sync is to. An application that syncs by itself can't be synced to another
// revision than its own: automation would take it back.
func (s *Server) chooseRevisions(ctx context.Context, c *call, app *argo.Application, q *protocol.ApplicationSyncRequest, sync *argo.SyncOperation) error {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return err
	}
	sources := app.Spec.AllSources()
	asked := make([]string, len(sources))
	multiple := app.Spec.HasSeveralSources()
	if multiple {
		if len(q.SourcePositions) != len(q.Revisions) {
			return invalid("source positions and revisions must be as many")
		}
		for i, position := range q.SourcePositions {
			if position < 1 || position > int64(len(sources)) {
				return invalid("source position is out of range")
			}
			asked[position-1] = q.Revisions[i]
		}
	} else if len(asked) > 0 {
		asked[0] = q.Revision
	}
	commits := make([]string, len(sources))
	for i, source := range sources {
		own := source.TargetRevision
		if own == "" {
			own = "HEAD"
		}
		if asked[i] != "" && asked[i] != own {
			if config["application.sync.requireOverridePrivilegeForRevisionSync"] == "true" {
				if err := c.require(access.Applications, access.Override, s.object(app)); err != nil {
					return err
				}
			}
			if app.Spec.Automation() != nil && !q.DryRun {
				if multiple {
					return precondition(fmt.Sprintf("Cannot sync source %s to %s: auto-sync currently set to %s", source.RepoURL, asked[i], source.TargetRevision))
				}
				return precondition(fmt.Sprintf("Cannot sync to %s: auto-sync currently set to %s", asked[i], source.TargetRevision))
			}
		}
		if q.Manifests == nil {
			if commits[i], err = s.resolve(ctx, app.Spec.ProjectName(), source, asked[i]); err != nil {
				return err
			}
		}
	}
	if multiple {
		sync.Sources, sync.Revisions = app.Spec.Sources, commits
	} else if len(commits) > 0 {
		source := sources[0]
		sync.Source, sync.Revision = &source, commits[0]
	}
	return nil
}

var commitSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// resolve gives the commit of a revision; empty means the source's own. Without a part that can resolve, and for charts,
// the controller does it.
func (s *Server) resolve(ctx context.Context, project string, source argo.ApplicationSource, revision string) (string, error) {
	if revision == "" {
		revision = source.TargetRevision
	}
	if source.Chart != "" || commitSHA.MatchString(revision) || s.options.Sources == nil {
		return revision, nil
	}
	commit, err := s.options.Sources.Resolve(ctx, project, source, revision)
	if err != nil {
		return "", fail(connect.CodeFailedPrecondition, fmt.Errorf("resolving revision %q: %w", revision, err))
	}
	return commit, nil
}

// start asks the controller for an operation. There is one at a time that a person asked for; one of the automation gives
// way. prepare changes the application in the same write; message tells of it in an event.
func (s *Server) start(ctx context.Context, c *call, app *argo.Application, operation *argo.Operation, message string, prepare func(*argo.Application)) (*argo.Application, error) {
	err := s.change(ctx, app, "error setting app operation", func() error {
		running := runningOperation(app)
		switch {
		case app.Operation != nil, running != nil && !running.Operation.InitiatedBy.Automated:
			return precondition("error setting app operation: another operation is already in progress")
		case app.DeletionTimestamp != nil:
			return precondition("application is deleting")
		}
		prepare(app)
		app.Operation = operation.DeepCopy()
		if running == nil {
			app.Status.OperationState = nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.tellOfApp(ctx, c, app, reasonStarted, message)
	s.awaitApp(ctx, app)
	return app, nil
}

// runningOperation is the state of an operation that the controller has begun and not ended; nil if there is none.
func runningOperation(app *argo.Application) *argo.OperationState {
	if state := app.Status.OperationState; state != nil && !state.Phase.Completed() {
		return state
	}
	return nil
}

func (s *Server) terminateApp(ctx context.Context, c *call, q *protocol.OperationTerminateRequest) (*protocol.OperationTerminateResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, app, "error updating application", func() error {
		switch running := runningOperation(app); {
		case running != nil:
			running.Phase = argo.OperationTerminating
		case app.Operation != nil:
			app.Operation = nil // it has not begun
		default:
			return invalid("Unable to terminate operation. No operation is in progress")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.tellOfApp(ctx, c, app, reasonUpdated, "terminated running operation")
	s.awaitApp(ctx, app)
	return &protocol.OperationTerminateResponse{}, nil
}
