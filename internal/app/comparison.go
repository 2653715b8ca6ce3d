package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/controller/application"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// rules are what of an application's objects doesn't count, as the controller's comparison has it.
func (m *manifests) rules(ctx context.Context, app *v1alpha1.Application, custom *customization.Settings) (*diff.Rules, error) {
	params, err := m.settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
	if err != nil {
		return nil, err
	}
	// What can't be read was warned of when it changed.
	tuned, _ := settings.EngineParamsFrom(params, settings.EngineParams{QueryTimeout: application.Default().QueryTimeout})
	defaults := custom.Compare
	defaults.QueryTimeout = tuned.QueryTimeout
	return diff.Compile(slices.Concat(custom.IgnoreDifferences, app.Spec.IgnoreDifferences), defaults)
}

// wanted are the manifests that count now: those that a person sent, else Git's newest.
func (m *manifests) wanted(ctx context.Context, c *cluster.Cluster, app *v1alpha1.Application) (desired.Placed, error) {
	local, err := desired.Local(app)
	if err != nil {
		return desired.Placed{}, err
	}
	if local != nil {
		return m.place(ctx, c, app, local.Objects)
	}
	sources := app.Spec.AllSources()
	if err := m.desired.Fetch(ctx, app.Spec.ProjectName(), sources); err != nil {
		return desired.Placed{}, err
	}
	resolved, err := m.desired.Resolve(ctx, app.Spec.ProjectName(), sources, nil)
	if err != nil {
		return desired.Placed{}, err
	}
	_, placed, err := m.render(ctx, c, app, desired.Request{Sources: sources, Revisions: resolved})
	return placed, err
}

// Compare sets each desired object beside the live one; what a sync would make of it is the API server's own answer.
func (m *manifests) Compare(ctx context.Context, app *v1alpha1.Application) ([]*protocol.ResourceDiff, error) {
	c, err := m.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	placed, err := m.wanted(ctx, c, app)
	if err != nil {
		return nil, err
	}
	diffs, err := m.DryRun(ctx, app, placed.Objects)
	if err != nil {
		return nil, err
	}
	wanted := map[object.Key]bool{}
	for _, target := range placed.Objects {
		wanted[object.KeyOf(target)] = true
	}
	custom, err := m.settings.Customization(ctx)
	if err != nil {
		return nil, err
	}
	permits, err := m.permits(ctx, c, app)
	if err != nil {
		return nil, err
	}
	for _, live := range c.Managed(m.instance(app), nil) {
		key := object.KeyOf(live)
		_, hook := object.Hooks(live)
		if hook || wanted[key] || custom.Excluded(key.GroupKind(), c.Server()) || !permits(cluster.TreeNode{Key: key}) {
			continue // none of them would be pruned
		}
		diffs = append(diffs, surplus(key, live))
	}
	return diffs, nil
}

// surplus is an object that Git no longer has. It differs even if compare-options let it be extraneous, as in Argo CD.
func surplus(key object.Key, live *unstructured.Unstructured) *protocol.ResourceDiff {
	d := newDiff(key)
	d.LiveState, d.NormalizedLiveState, d.PredictedLiveState = state(live), state(stripped(live)), "null"
	d.TargetState, d.Modified = "null", true
	return d
}

// DryRun sets each manifest beside the live object, and what the API server would make of it.
func (m *manifests) DryRun(ctx context.Context, app *v1alpha1.Application, targets []*unstructured.Unstructured) ([]*protocol.ResourceDiff, error) {
	c, err := m.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	custom, err := m.settings.Customization(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := m.rules(ctx, app, custom)
	if err != nil {
		return nil, err
	}
	var diffs []*protocol.ResourceDiff
	policy := app.Spec.SyncPolicy
	for _, target := range targets {
		options := cluster.ApplyOptions{DryRun: true}
		options.SkipValidation = object.HasSyncOption(target, "Validate=false") || policy != nil && policy.SyncOptions.HasOption("Validate=false")
		compared, err := compareObject(ctx, c, target, options, rules.For(target))
		if err != nil {
			return nil, err
		}
		diffs = append(diffs, compared)
	}
	return diffs, nil
}

// compareObject compares one manifest with the live object. A manifest that the API server refuses is a difference, not an
// error: it must not hide those of other objects.
func compareObject(ctx context.Context, c *cluster.Cluster, target *unstructured.Unstructured, options cluster.ApplyOptions, ignore diff.Ignore) (*protocol.ResourceDiff, error) {
	live, err := c.Get(ctx, target.GroupVersionKind(), object.KeyOf(target))
	var unknown *cluster.UnknownKindError
	if err != nil && !errors.As(err, &unknown) {
		return nil, err
	}
	predicted, refused := target, false
	if live != nil {
		predicted, err = c.Apply(ctx, target, options)
		switch {
		case err != nil && cluster.Refusal(err):
			predicted, refused = target, true
		case err != nil:
			return nil, fmt.Errorf("comparing %s '%s': %w", target.GetKind(), target.GetName(), err)
		}
	}
	compared := newDiff(object.KeyOf(target))
	compared.TargetState, compared.LiveState = state(target), state(live)
	view, err := ignore.On(live)
	if err != nil {
		return nil, err
	}
	if compared.NormalizedLiveState, err = normalized(view, live); err != nil {
		return nil, err
	}
	if compared.PredictedLiveState, err = normalized(view, predicted); err != nil {
		return nil, err
	}
	compared.Modified = refused || compared.NormalizedLiveState != compared.PredictedLiveState
	if live != nil {
		compared.ResourceVersion = live.GetResourceVersion()
	}
	return compared, nil
}

// normalized is an object as it is compared: without what doesn't count.
func normalized(view diff.View, u *unstructured.Unstructured) (string, error) {
	if u = stripped(u); u == nil {
		return state(nil), nil
	}
	u, err := view.Strip(u)
	if err != nil {
		return "", err
	}
	return state(u), nil
}

func newDiff(key object.Key) *protocol.ResourceDiff {
	return &protocol.ResourceDiff{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name}
}

// stripped is an object without what each write changes and nobody desires; nil stays nil.
func stripped(u *unstructured.Unstructured) *unstructured.Unstructured {
	if u == nil {
		return nil
	}
	u = u.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(u.Object, "status")
	return u
}

// state is an object as JSON, "null" for none.
func state(u *unstructured.Unstructured) string {
	if u == nil {
		return "null"
	}
	text, err := json.Marshal(u.Object)
	if err != nil {
		return "null" // what came from JSON encodes
	}
	return string(text)
}
