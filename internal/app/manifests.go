package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/archive"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/render"
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
	sources := app.Spec.DrySources()
	if err := m.desired.Fetch(ctx, app.Spec.ProjectName(), sources); err != nil {
		return nil, err
	}
	resolved, err := m.desired.Resolve(ctx, app.Spec.ProjectName(), sources, revisions)
	if err != nil {
		return nil, err
	}
	return m.answer(ctx, c, app, desired.Request{Sources: sources, Revisions: resolved})
}

// maxSent bounds what an archive that somebody sends may unpack to.
var maxSent = archive.Limits{Bytes: 128 << 20, Files: 20_000}

// RenderFiles renders files that somebody sent in the place of the first source's; other sources don't count, as in Argo CD.
func (m *manifests) RenderFiles(ctx context.Context, app *v1alpha1.Application, files io.Reader, digest string) (*protocol.ManifestResponse, error) {
	c, err := m.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	tree, err := archive.Unpack(files, digest, maxSent)
	if err != nil {
		return nil, err
	}
	sources := app.Spec.DrySources()
	if len(sources) == 0 {
		return nil, errors.New("the application has no source: give it one, whose path in the files is rendered")
	}
	source := *sources[0].DeepCopy()
	return m.answer(ctx, c, app, desired.Request{
		Sources: v1alpha1.ApplicationSources{source}, Revisions: []string{source.TargetRevision}, Files: render.FromArchive(tree, source.TargetRevision),
	})
}

// answer renders a request and puts the manifests into an answer.
func (m *manifests) answer(ctx context.Context, c *cluster.Cluster, app *v1alpha1.Application, request desired.Request) (*protocol.ManifestResponse, error) {
	rendered, placed, err := m.render(ctx, c, app, request)
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

// render renders the sources of a request for an application, and places what they make in its cluster.
func (m *manifests) render(ctx context.Context, c *cluster.Cluster, app *v1alpha1.Application, request desired.Request) (*desired.Manifests, desired.Placed, error) {
	info := c.Info()
	request.Instance, request.Project, request.Namespace = m.instance(app), app.Spec.ProjectName(), app.Spec.Destination.Namespace
	request.KubeVersion, request.APIVersions = info.Version, info.APIVersions
	request.GeneratePaths = app.Annotations[desired.GeneratePathsAnnotation]
	rendered, err := m.desired.Render(ctx, request)
	if err != nil {
		return nil, desired.Placed{}, err
	}
	placed, err := m.place(ctx, c, app, rendered.Objects)
	return rendered, placed, err
}

// place makes objects those of an application in its cluster.
func (m *manifests) place(ctx context.Context, c *cluster.Cluster, app *v1alpha1.Application, objects []*unstructured.Unstructured) (desired.Placed, error) {
	custom, err := m.settings.Customization(ctx)
	if err != nil {
		return desired.Placed{}, err
	}
	scopes := cluster.Scopes{Kind: c.Kind}
	placed := desired.Place(objects, desired.Placement{
		Instance: m.instance(app), Tracking: custom.Tracking, Namespace: app.Spec.Destination.Namespace,
		Excluded:   func(kind schema.GroupKind) bool { return custom.Excluded(kind, c.Server()) },
		Namespaced: scopes.Namespaced(ctx),
	})
	return placed, scopes.Err
}
