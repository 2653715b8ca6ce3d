package app

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/build/source"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/git"
	projectlive "fairlead.dev/fairlead/internal/project/live"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings/live"
	"fairlead.dev/fairlead/internal/signature"
)

// sources lets the API reach Git repositories.
type sources struct {
	desired *desired.Source
	git     *git.Store
	// artifacts asks Helm repositories.
	artifacts *artifact.Client
	settings  *live.Source
	signed    *desired.Signatures
	projects  projectlive.Source
}

// Resolve turns a revision into a commit; empty means the source's own.
func (s *sources) Resolve(ctx context.Context, project string, source v1alpha1.ApplicationSource, revision string) (string, error) {
	all := v1alpha1.ApplicationSources{source}
	if err := s.desired.Fetch(ctx, project, all); err != nil {
		return "", err
	}
	resolved, err := s.desired.Resolve(ctx, project, all, []string{revision})
	if err != nil {
		return "", err
	}
	return resolved[0], nil
}

// Metadata describes a commit.
func (s *sources) Metadata(ctx context.Context, project string, source v1alpha1.ApplicationSource, commit string) (*protocol.RevisionMetadata, error) {
	remote, err := s.settings.Remote(ctx, source.RepoURL, project)
	if err != nil {
		return nil, err
	}
	info, err := s.git.Repository(remote).Info(ctx, commit)
	if err != nil {
		return nil, err
	}
	metadata := &protocol.RevisionMetadata{
		Author: info.Author, Date: &metav1.Time{Time: info.Date}, Message: info.Message, Tags: info.Tags,
	}
	bounds, err := s.projects.Project(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("reading project %s: %w", project, err)
	}
	demand, err := signature.DemandOf(bounds, source)
	if err != nil || demand == nil {
		return metadata, err
	}
	checked, err := s.signed.Verify(ctx, project, source, "", commit, demand.History)
	if err != nil {
		return nil, err
	}
	metadata.SignatureInfo = demand.Info(checked)
	metadata.SourceIntegrityResult = &protocol.SourceIntegrityCheckResult{
		Checks: []protocol.SourceIntegrityCheckResultItem{{Name: signature.Method, Problems: demand.Problems(checked)}},
	}
	return metadata, nil
}

// ChartDetails is what a chart says of itself.
func (s *sources) ChartDetails(ctx context.Context, project string, source v1alpha1.ApplicationSource, version string) (*protocol.ChartDetails, error) {
	return s.desired.ChartDetails(ctx, project, source, version)
}

// OCIMetadata is what an artifact says of itself.
func (s *sources) OCIMetadata(ctx context.Context, project string, source v1alpha1.ApplicationSource, revision string) (*protocol.OCIMetadata, error) {
	return s.desired.OCIMetadata(ctx, project, source, revision)
}

// builds lets the API start builds by hand.
type builds struct {
	client  client.Client
	sources *source.Git
}

// Start makes a Build of a rule for a ref.
func (b *builds) Start(ctx context.Context, rule *fairlead.BuildRule, ref, user string) (*fairlead.Build, error) {
	build, err := b.sources.Start(ctx, rule, ref, user)
	if err != nil {
		return nil, err
	}
	if err := b.client.Create(ctx, build); err != nil {
		return nil, fmt.Errorf("creating build %q: %w", build.Name, err)
	}
	return build, nil
}
