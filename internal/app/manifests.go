package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/protocol"
)

// manifests lets the API render applications and compare them with what runs. It looks past the controller's memory: a
// person who asks wants to know how it is now.
type manifests struct {
	*fleet
	desired *desired.Source
}

// Render renders an application at revisions; nil means those that it targets.
func (m *manifests) Render(ctx context.Context, app *v1alpha1.Application, revisions []string) (*protocol.ManifestResponse, error) {
	c, err := m.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	rendered, placed, err := m.render(ctx, c, app, revisions)
	if err != nil {
		return nil, err
	}
	answer := &protocol.ManifestResponse{Namespace: app.Spec.Destination.Namespace, Server: c.Server()}
	if len(rendered.Revisions) > 0 {
		answer.Revision = rendered.Revisions[0]
	}
	if len(rendered.Types) > 0 {
		answer.SourceType = string(rendered.Types[0])
	}
	for _, u := range append(placed.Objects, placed.Hooks...) {
		text, err := json.Marshal(u.Object)
		if err != nil {
			return nil, fmt.Errorf("encoding a manifest: %w", err)
		}
		answer.Manifests = append(answer.Manifests, string(text))
	}
	return answer, nil
}

func (m *manifests) render(ctx context.Context, c *cluster.Cluster, app *v1alpha1.Application, revisions []string) (*desired.Manifests, desired.Placed, error) {
	sources := app.Spec.AllSources()
	if err := m.desired.Fetch(ctx, app.Spec.ProjectName(), sources); err != nil {
		return nil, desired.Placed{}, err
	}
	resolved, err := m.desired.Resolve(ctx, app.Spec.ProjectName(), sources, revisions)
	if err != nil {
		return nil, desired.Placed{}, err
	}
	info := c.Info()
	rendered, err := m.desired.Render(ctx, desired.Request{
		Instance: m.instance(app), Project: app.Spec.ProjectName(), Namespace: app.Spec.Destination.Namespace,
		Sources: sources, Revisions: resolved, KubeVersion: info.Version, APIVersions: info.APIVersions,
		GeneratePaths: app.Annotations[desired.GeneratePathsAnnotation],
	})
	if err != nil {
		return nil, desired.Placed{}, err
	}
	custom, err := m.settings.Customization(ctx)
	if err != nil {
		return nil, desired.Placed{}, err
	}
	scopes := cluster.Scopes{Kind: c.Kind}
	placed := desired.Place(rendered.Objects, desired.Placement{
		Instance: m.instance(app), Tracking: custom.Tracking, Namespace: app.Spec.Destination.Namespace,
		Excluded:   func(kind schema.GroupKind) bool { return custom.Excluded(kind, c.Server()) },
		Namespaced: scopes.Namespaced(ctx),
	})
	return rendered, placed, scopes.Err
}

// Compare sets each desired object beside the live one; what a sync would make of it is the API server's own answer.
func (m *manifests) Compare(ctx context.Context, app *v1alpha1.Application) ([]*protocol.ResourceDiff, error) {
	c, err := m.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	_, placed, err := m.render(ctx, c, app, nil)
	if err != nil {
		return nil, err
	}
	custom, err := m.settings.Customization(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := diff.Compile(slices.Concat(custom.IgnoreDifferences, app.Spec.IgnoreDifferences), custom.Compare)
	if err != nil {
		return nil, err
	}
	wanted := map[object.Key]bool{}
	var diffs []*protocol.ResourceDiff
	for _, target := range placed.Objects {
		wanted[object.KeyOf(target)] = true
		compared, err := compareObject(ctx, c, target, rules.For(target))
		if err != nil {
			return nil, err
		}
		diffs = append(diffs, compared)
	}
	for _, live := range c.Managed(m.instance(app)) {
		_, hook := object.Hooks(live)
		if hook || wanted[object.KeyOf(live)] || custom.Excluded(live.GroupVersionKind().GroupKind(), c.Server()) {
			continue
		}
		surplus := newDiff(object.KeyOf(live))
		surplus.LiveState, surplus.NormalizedLiveState, surplus.PredictedLiveState = state(live), state(stripped(live)), "null"
		surplus.TargetState, surplus.Modified = "null", true
		diffs = append(diffs, surplus)
	}
	return diffs, nil
}

func compareObject(ctx context.Context, c *cluster.Cluster, target *unstructured.Unstructured, ignore diff.Ignore) (*protocol.ResourceDiff, error) {
	live, err := c.Get(ctx, target.GroupVersionKind(), object.KeyOf(target))
	var unknown *cluster.UnknownKindError
	if err != nil && !errors.As(err, &unknown) {
		return nil, err
	}
	predicted := target
	if live != nil {
		if predicted, err = c.Apply(ctx, target, cluster.ApplyOptions{DryRun: true}); err != nil {
			return nil, err
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
	compared.Modified = compared.NormalizedLiveState != compared.PredictedLiveState
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
