package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"connectrpc.com/connect"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

// maxDiffed bounds the objects of one question about differences; upstream's clients send batches of ten.
const maxDiffed = 1000

// serverSideDiff has the cluster's API server say what a sync of manifests would make of the live objects. The live states
// that the caller sends say which objects are meant; what they are is read from the cluster, where Secrets aren't masked.
func (s *Server) serverSideDiff(ctx context.Context, c *call, q *protocol.ApplicationServerSideDiffQuery) (*protocol.ApplicationServerSideDiffResponse, error) {
	app, err := s.app(ctx, c, appRef{q.AppName, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	runner, ok := s.options.Manifests.(DryRunner)
	if !ok {
		return nil, missingPart("compare on a cluster's side")
	}
	if max(len(q.LiveResources), len(q.TargetManifests)) > maxDiffed {
		return nil, invalid(fmt.Sprintf("at most %d objects can be compared at once", maxDiffed))
	}
	if err := s.knowLive(ctx, app, q.LiveResources); err != nil {
		return nil, err
	}
	masker, err := s.masker(ctx)
	if err != nil {
		return nil, err
	}
	answer := &protocol.ApplicationServerSideDiffResponse{}
	var targets []*unstructured.Unstructured
	var places []int
	for i := range max(len(q.LiveResources), len(q.TargetManifests)) {
		item := &protocol.ResourceDiff{TargetState: "null", LiveState: "null"}
		if i < len(q.LiveResources) {
			item = withoutTarget(q.LiveResources[i])
		}
		answer.Items = append(answer.Items, item)
		if i >= len(q.TargetManifests) || q.TargetManifests[i] == "" || q.TargetManifests[i] == "null" {
			item.Modified = item.LiveState != "null"
			continue
		}
		target := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(q.TargetManifests[i]), &target.Object); err != nil || target.GetKind() == "" {
			return nil, invalid(fmt.Sprintf("error unmarshaling target manifest %d", i))
		}
		if err := s.permitObject(ctx, app, target); err != nil {
			return nil, err
		}
		targets, places = append(targets, target), append(places, i)
	}
	diffs, err := runner.DryRun(ctx, app, targets)
	if err != nil {
		return nil, fmt.Errorf("error performing state diffs: %w", err)
	}
	if diffs, err = s.withoutForeign(ctx, app, targets, diffs); err != nil {
		return nil, err
	}
	for n, diff := range diffs {
		item := answer.Items[places[n]]
		if item.Kind == "" {
			item.Group, item.Kind, item.Namespace, item.Name = diff.Group, diff.Kind, diff.Namespace, diff.Name
		}
		item.TargetState, item.LiveState, item.Modified = diff.PredictedLiveState, diff.NormalizedLiveState, diff.Modified
	}
	for _, item := range answer.Items {
		if err := masker.manifests(&item.TargetState, &item.LiveState); err != nil {
			return nil, err
		}
		answer.Modified = answer.Modified || item.Modified
	}
	return answer, nil
}

// withoutForeign shows nothing of live objects that aren't the application's: who may get an application, and names another
// object in a manifest, doesn't see that. To them it is an object to be created.
func (s *Server) withoutForeign(ctx context.Context, app *argo.Application, targets []*unstructured.Unstructured, diffs []*protocol.ResourceDiff) ([]*protocol.ResourceDiff, error) {
	if len(diffs) != len(targets) {
		return nil, errors.New("error performing state diffs: they are of other objects")
	}
	var tree *protocol.ApplicationTree
	for i, diff := range diffs {
		if diff.NormalizedLiveState == "" || diff.NormalizedLiveState == "null" || manages(app, diff) {
			continue
		}
		if tree == nil {
			var err error
			if tree, err = s.tree(ctx, app); err != nil {
				return nil, err
			}
		}
		if inTree(tree, diff) {
			continue
		}
		asked, err := json.Marshal(targets[i].Object)
		if err != nil {
			return nil, err
		}
		hidden := *diff
		hidden.LiveState, hidden.NormalizedLiveState, hidden.PredictedLiveState, hidden.Modified = "null", "null", string(asked), true
		diffs[i] = &hidden
	}
	return diffs, nil
}

// manages tells whether an application's desired state has an object.
func manages(app *argo.Application, r *protocol.ResourceDiff) bool {
	return slices.ContainsFunc(app.Status.Resources, func(status argo.ResourceStatus) bool {
		return status.Group == r.Group && status.Kind == r.Kind && status.Namespace == r.Namespace && status.Name == r.Name
	})
}

// withoutTarget is the answer about a live object that nothing is desired of.
func withoutTarget(live *protocol.ResourceDiff) *protocol.ResourceDiff {
	item := &protocol.ResourceDiff{
		Group: live.Group, Kind: live.Kind, Namespace: live.Namespace, Name: live.Name, Hook: live.Hook,
		ResourceVersion: live.ResourceVersion, TargetState: "null", LiveState: live.LiveState,
	}
	if item.LiveState == "" {
		item.LiveState = "null"
	}
	return item
}

// knowLive sees that live states are of the objects that they are said to be of, and these the application's.
func (s *Server) knowLive(ctx context.Context, app *argo.Application, live []*protocol.ResourceDiff) error {
	var tree *protocol.ApplicationTree
	for _, r := range live {
		if r.LiveState == "" || r.LiveState == "null" {
			continue
		}
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(r.LiveState), &u.Object); err != nil {
			return invalid(fmt.Sprintf("error unmarshaling live state for %s/%s", r.Kind, r.Name))
		}
		for _, field := range []struct{ name, want, got string }{
			{"name", r.Name, u.GetName()}, {"namespace", r.Namespace, u.GetNamespace()},
			{"group", r.Group, u.GroupVersionKind().Group}, {"kind", r.Kind, u.GetKind()},
		} {
			if field.want != field.got {
				return invalid(fmt.Sprintf("%s mismatch: expected %s, got %s for live resource %s/%s/%s", field.name, field.want, field.got, r.Group, r.Kind, r.Name))
			}
		}
		if tree == nil {
			var err error
			if tree, err = s.tree(ctx, app); err != nil {
				return err
			}
		}
		if !inTree(tree, r) {
			return fail(connect.CodePermissionDenied, fmt.Errorf("%s/%s %s not found as part of application %s", r.Group, r.Kind, r.Name, app.Name))
		}
	}
	return nil
}

func inTree(tree *protocol.ApplicationTree, r *protocol.ResourceDiff) bool {
	for _, node := range tree.Nodes {
		if node.Group == r.Group && node.Kind == r.Kind && node.Namespace == r.Namespace && node.Name == r.Name {
			return true
		}
	}
	return false
}
