package desired

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/render"
)

var errNotAChart = errors.New("the source is no chart of a Helm repository")

// ChartDetails is what a chart's Chart.yaml says at a version.
func (s *Source) ChartDetails(ctx context.Context, project string, source v1alpha1.ApplicationSource, version string) (*protocol.ChartDetails, error) {
	if !source.IsChart() {
		return nil, errNotAChart
	}
	tree, err := s.treeAt(ctx, project, source, version)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(tree, "Chart.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading chart %q: %w", source.Chart, err)
	}
	var chart struct {
		Description string                         `json:"description"`
		Home        string                         `json:"home"`
		Maintainers []struct{ Name, Email string } `json:"maintainers"`
	}
	if err := yaml.Unmarshal(text, &chart); err != nil {
		return nil, fmt.Errorf("reading chart %q: its Chart.yaml is no valid YAML", source.Chart)
	}
	details := &protocol.ChartDetails{Description: chart.Description, Home: chart.Home}
	for _, maintainer := range chart.Maintainers {
		name := maintainer.Name
		if maintainer.Email != "" {
			name = fmt.Sprintf("%s <%s>", name, maintainer.Email)
		}
		details.Maintainers = append(details.Maintainers, name)
	}
	return details, nil
}

// OCIMetadata is what the annotations of an artifact say at a digest or tag.
func (s *Source) OCIMetadata(ctx context.Context, project string, source v1alpha1.ApplicationSource, revision string) (*protocol.OCIMetadata, error) {
	if !source.IsOCI() {
		return nil, errors.New("the source is no OCI artifact")
	}
	o, err := s.artifactOrigin(ctx, project, source)
	if err != nil {
		return nil, err
	}
	if revision, err = o.resolve(ctx, revision); err != nil {
		return nil, err
	}
	manifest, err := s.artifacts.Client.Manifest(ctx, o.Origin, revision)
	if err != nil {
		return nil, err
	}
	const prefix = "org.opencontainers.image."
	said := manifest.Annotations
	return &protocol.OCIMetadata{
		CreatedAt: said[prefix+"created"], Authors: said[prefix+"authors"], ImageURL: said[prefix+"url"],
		DocsURL: said[prefix+"documentation"], SourceURL: said[prefix+"source"], Version: said[prefix+"version"],
		Description: said[prefix+"description"],
	}, nil
}

// treeAt is a source's files at what a revision means.
func (s *Source) treeAt(ctx context.Context, project string, source v1alpha1.ApplicationSource, revision string) (render.Tree, error) {
	o, err := s.origin(ctx, project, source)
	if err != nil {
		return nil, err
	}
	if revision, err = o.resolve(ctx, revision); err != nil {
		return nil, err
	}
	return o.tree(ctx, revision, false)
}
