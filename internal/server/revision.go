package server

import (
	"context"
	"fmt"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

func (s *Server) revisionMetadata(ctx context.Context, c *call, q *protocol.RevisionMetadataQuery) (*protocol.RevisionMetadata, error) {
	project, source, err := s.sourceOf(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return s.options.Sources.Metadata(ctx, project, source, q.Revision)
}

func (s *Server) chartDetails(ctx context.Context, c *call, q *protocol.RevisionMetadataQuery) (*protocol.ChartDetails, error) {
	project, source, err := s.sourceOf(ctx, c, q)
	if err != nil {
		return nil, err
	}
	describer, ok := s.options.Sources.(ArtifactDescriber)
	if !ok {
		return nil, missingPart("describe charts")
	}
	if !source.IsChart() {
		return nil, invalid(fmt.Sprintf("no helm chart found for application '%s'", q.Name))
	}
	return describer.ChartDetails(ctx, project, source, q.Revision)
}

func (s *Server) ociMetadata(ctx context.Context, c *call, q *protocol.RevisionMetadataQuery) (*protocol.OCIMetadata, error) {
	project, source, err := s.sourceOf(ctx, c, q)
	if err != nil {
		return nil, err
	}
	describer, ok := s.options.Sources.(ArtifactDescriber)
	if !ok {
		return nil, missingPart("describe artifacts")
	}
	if !source.IsOCI() {
		return nil, invalid(fmt.Sprintf("no OCI artifact found for application '%s'", q.Name))
	}
	return describer.OCIMetadata(ctx, project, source, q.Revision)
}

// sourceOf finds the source that a question about a revision means.
func (s *Server) sourceOf(ctx context.Context, c *call, q *protocol.RevisionMetadataQuery) (string, argo.ApplicationSource, error) {
	var none argo.ApplicationSource
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return "", none, err
	}
	if s.options.Sources == nil {
		return "", none, missingPart("reach repositories")
	}
	sources := app.Spec.AllSources()
	if q.VersionID != nil {
		entry := app.Status.History.ByID(int64(*q.VersionID))
		if entry == nil {
			return "", none, invalid(fmt.Sprintf("revision history not found for id %d", *q.VersionID))
		}
		if sources = entry.Sources; len(sources) == 0 {
			sources = argo.ApplicationSources{entry.Source}
		}
	}
	index := 0
	if q.SourceIndex != nil {
		index = int(*q.SourceIndex)
	}
	if index < 0 || index >= len(sources) {
		return "", none, invalid("source index is out of range")
	}
	return app.Spec.ProjectName(), sources[index], nil
}
