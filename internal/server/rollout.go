package server

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
)

// watchRolloutEvery is how often a watched Rollout is looked at. It lies in another cluster's cache, so a look is cheap.
const watchRolloutEvery = 200 * time.Millisecond

// actionOf is the permission for an action on a Rollout.
func actionOf(name string) string { return access.RunAction(rolloutGroup, rolloutKind, name) }

// rolloutRefs are the Rollouts that an application manages.
func rolloutRefs(app *argo.Application, q *protocol.RolloutQuery) []protocol.ResourceRef {
	var refs []protocol.ResourceRef
	for _, r := range app.Status.Resources {
		if r.Group == rolloutGroup && r.Kind == rolloutKind && (q.Name == "" || q.Name == r.Name) && (q.Namespace == "" || q.Namespace == r.Namespace) {
			refs = append(refs, protocol.ResourceRef{Group: r.Group, Version: r.Version, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name})
		}
	}
	return refs
}

// oneRollout is the Rollout that a query means.
func oneRollout(app *argo.Application, q *protocol.RolloutQuery) (protocol.ResourceRef, error) {
	refs := rolloutRefs(app, q)
	switch {
	case len(refs) == 1:
		return refs[0], nil
	case len(refs) == 0 && q.Name == "":
		return protocol.ResourceRef{}, fail(connect.CodeNotFound, fmt.Errorf("application '%s' has no rollout", app.Name))
	case len(refs) == 0:
		return protocol.ResourceRef{}, fail(connect.CodeNotFound, fmt.Errorf("application '%s' has no rollout '%s'", app.Name, q.Name))
	}
	return protocol.ResourceRef{}, invalid(fmt.Sprintf("application '%s' has %d rollouts: name one", app.Name, len(refs)))
}

func (s *Server) listRollouts(ctx context.Context, c *call, q *protocol.RolloutQuery) (*protocol.RolloutList, error) {
	app, err := s.app(ctx, c, appRef{q.Application, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	if s.options.Fleet == nil {
		return nil, missingPart("reach clusters")
	}
	list := &protocol.RolloutList{}
	for _, ref := range rolloutRefs(app, q) {
		live, err := s.options.Fleet.Object(ctx, app, ref)
		if apierrors.IsNotFound(err) {
			continue // it is yet to be created
		}
		if err != nil {
			return nil, fmt.Errorf("reading rollout '%s': %w", ref.Name, err)
		}
		summary, err := summarize(app, live)
		if err != nil {
			return nil, err
		}
		summary.Manifest = ""
		list.Items = append(list.Items, summary)
	}
	return list, nil
}

func (s *Server) getRollout(ctx context.Context, c *call, q *protocol.RolloutQuery) (*protocol.Rollout, error) {
	app, err := s.app(ctx, c, appRef{q.Application, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	return s.readRollout(ctx, app, q)
}

func (s *Server) readRollout(ctx context.Context, app *argo.Application, q *protocol.RolloutQuery) (*protocol.Rollout, error) {
	ref, err := oneRollout(app, q)
	if err != nil {
		return nil, err
	}
	live, _, err := s.liveObject(ctx, app, ref)
	if err != nil {
		return nil, err
	}
	return summarize(app, live)
}

// watchRollout sends a Rollout at once and whenever it changes.
func (s *Server) watchRollout(ctx context.Context, c *call, q *protocol.RolloutQuery, send func(*protocol.Rollout) error) error {
	ticks := s.options.Clock.NewTicker(watchRolloutEvery)
	defer ticks.Stop()
	var last *protocol.Rollout
	for {
		app, err := s.app(ctx, c, appRef{q.Application, q.AppNamespace, q.Project})
		if err != nil {
			return err
		}
		current, err := s.readRollout(ctx, app, q)
		if ctx.Err() != nil {
			return nil // the client has gone
		}
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(current, last) {
			if err := send(current); err != nil {
				return err
			}
			last = current
		}
		select {
		case <-ticks.C():
		case <-ctx.Done():
			return nil
		}
		policy, err := s.policies.current(ctx)
		if err != nil {
			return err
		}
		c.user = policy.User(c.identity.Subject, c.identity.Groups(policy.Scopes())...)
	}
}

func (s *Server) promoteRollout(ctx context.Context, c *call, q *protocol.RolloutActionRequest) (*protocol.Rollout, error) {
	if !q.Full {
		return s.controlRollout(ctx, c, q, rollout.ActionPromote)
	}
	// Skipping the steps that are left is an action of its own in policies.
	c.row = &row{procedure: c.row.procedure, permission: may(c.row.permission.resource, actionOf(rollout.ActionPromoteFull))}
	return s.controlRollout(ctx, c, q, rollout.ActionPromoteFull)
}

func (s *Server) abortRollout(ctx context.Context, c *call, q *protocol.RolloutActionRequest) (*protocol.Rollout, error) {
	return s.controlRollout(ctx, c, q, rollout.ActionAbort)
}

func (s *Server) retryRollout(ctx context.Context, c *call, q *protocol.RolloutActionRequest) (*protocol.Rollout, error) {
	return s.controlRollout(ctx, c, q, rollout.ActionRetry)
}

func (s *Server) pauseRollout(ctx context.Context, c *call, q *protocol.RolloutActionRequest) (*protocol.Rollout, error) {
	return s.controlRollout(ctx, c, q, rollout.ActionPause)
}

func (s *Server) restartRollout(ctx context.Context, c *call, q *protocol.RolloutActionRequest) (*protocol.Rollout, error) {
	return s.controlRollout(ctx, c, q, rollout.ActionRestart)
}

// controlRollout carries out a person's order.
func (s *Server) controlRollout(ctx context.Context, c *call, q *protocol.RolloutActionRequest, action string) (*protocol.Rollout, error) {
	return s.patchRollout(ctx, c, q, func(_ *argo.Application, live *unstructured.Unstructured) ([]rollout.Patch, error) {
		return rollout.Control(action, live, s.options.Clock.Now())
	})
}

func (s *Server) undoRollout(ctx context.Context, c *call, q *protocol.RolloutActionRequest) (*protocol.Rollout, error) {
	return s.patchRollout(ctx, c, q, func(app *argo.Application, live *unstructured.Unstructured) ([]rollout.Patch, error) {
		lister, ok := s.options.Fleet.(ReplicaSetLister)
		if !ok {
			return nil, missingPart("undo rollouts")
		}
		ro := &argo.Rollout{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, ro); err != nil {
			return nil, err
		}
		sets, err := lister.ReplicaSets(ctx, app, live.GetNamespace())
		if err != nil {
			return nil, err
		}
		patch, err := rollout.Undo(ro, sets, q.ToRevision)
		if err != nil || patch == nil {
			return nil, err
		}
		return []rollout.Patch{*patch}, nil
	})
}

// patchRollout finds the Rollout, checks the row's permission, and applies what decide says.
func (s *Server) patchRollout(
	ctx context.Context, c *call, q *protocol.RolloutActionRequest,
	decide func(*argo.Application, *unstructured.Unstructured) ([]rollout.Patch, error),
) (*protocol.Rollout, error) {
	app, err := s.app(ctx, c, appRef{q.Rollout.Application, q.Rollout.AppNamespace, q.Rollout.Project})
	if err != nil {
		return nil, err
	}
	ref, err := oneRollout(app, &q.Rollout)
	if err != nil {
		return nil, err
	}
	live, _, err := s.liveObject(ctx, app, ref)
	if err != nil {
		return nil, err
	}
	patches, err := decide(app, live)
	if err != nil {
		if coded := asError(err); connect.CodeOf(coded) != connect.CodeUnknown {
			return nil, coded
		}
		return nil, precondition(err.Error())
	}
	if len(patches) > 0 {
		if live, err = s.options.Fleet.Patch(ctx, app, ref, patches); err != nil {
			return nil, fmt.Errorf("changing rollout '%s': %w", ref.Name, err)
		}
	}
	return summarize(app, live)
}

// summarize says how far a Rollout has come.
func summarize(app *argo.Application, live *unstructured.Unstructured) (*protocol.Rollout, error) {
	ro := &argo.Rollout{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, ro); err != nil {
		return nil, fmt.Errorf("reading rollout '%s': %w", live.GetName(), err)
	}
	manifest, err := json.Marshal(live.Object)
	if err != nil {
		return nil, fmt.Errorf("reading rollout '%s': %w", live.GetName(), err)
	}
	status := &ro.Status
	summary := &protocol.Rollout{
		Application: app.Name, Namespace: ro.Namespace, Name: ro.Name, Strategy: "BlueGreen",
		Phase: string(status.Phase), Message: status.Message, Desired: 1, Current: status.Replicas, Updated: status.UpdatedReplicas,
		Ready: status.ReadyReplicas, Available: status.AvailableReplicas, StableHash: status.StableRS,
		CurrentHash: status.CurrentPodHash, Aborted: status.Abort, Paused: ro.Spec.Paused || len(status.PauseConditions) > 0,
		Images: object.Images(live), Manifest: string(manifest),
	}
	if seen, err := strconv.ParseInt(status.ObservedGeneration, 10, 64); err == nil && seen < ro.Generation {
		// The status is about an earlier spec: a canary that has not begun must not look like one that has ended.
		summary.Phase, summary.Message = string(argo.RolloutPhaseProgressing), "waiting for rollout spec update to be observed"
	}
	if ro.Spec.Replicas != nil {
		summary.Desired = *ro.Spec.Replicas
	}
	if canary := ro.Spec.Strategy.Canary; canary != nil {
		summary.Strategy = "Canary"
		summary.Steps = int32(len(canary.Steps))
		summary.Step = min(rollout.ArgoState(status).Step, summary.Steps)
		summary.Weight = canaryWeight(ro, canary.Steps, summary.Step)
	}
	return summary, nil
}

// canaryWeight is the canary's share: what the traffic router reports, else what the steps up to the current one say.
func canaryWeight(ro *argo.Rollout, steps []argo.CanaryStep, step int32) int32 {
	status := &ro.Status
	switch {
	case status.CurrentPodHash == status.StableRS:
		return 100 // everything is the one version
	case status.Canary.Weights != nil:
		return status.Canary.Weights.Canary.Weight
	case status.Abort:
		return 0
	case step >= int32(len(steps)):
		return 100
	}
	for i := step; i >= 0; i-- {
		if weight := steps[i].SetWeight; weight != nil {
			return *weight
		}
	}
	return 0
}
