package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/oci"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/server"
	"fairlead.dev/fairlead/internal/settings"
)

// Test tells whether a repository answers. Of a registry with charts nothing is asked: there is no question that all answer.
func (s *sources) Test(ctx context.Context, repository settings.Repository) error {
	switch {
	case repository.Type == "helm" && repository.EnableOCI:
		if strings.Contains(repository.URL, "://") && !strings.HasPrefix(repository.URL, "oci://") {
			return errors.New("OCI Helm repository URL should include hostname and port only")
		}
		return nil
	case repository.Type == "helm":
		helm, err := s.settings.ArtifactRepositoryOf(ctx, repository)
		if err != nil {
			return err
		}
		return s.artifacts.Refresh(ctx, artifact.Origin{Repository: helm}, "*")
	case repository.Type == "oci":
		_, err := s.Tags(ctx, repository)
		if errors.Is(err, oci.ErrNotFound) {
			return nil // the registry lets us in; there may be images below the name, or some day one of it
		}
		return err
	}
	remote, err := s.settings.RemoteOf(ctx, repository)
	if err != nil {
		return err
	}
	_, err = s.git.Repository(remote).Refs(ctx)
	return err
}

// Refs are the branches and tags of a Git repository.
func (s *sources) Refs(ctx context.Context, repository settings.Repository) (*protocol.Refs, error) {
	remote, err := s.settings.RemoteOf(ctx, repository)
	if err != nil {
		return nil, err
	}
	all, err := s.git.Repository(remote).Refs(ctx)
	if err != nil {
		return nil, err
	}
	refs := &protocol.Refs{}
	for name := range all {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			refs.Branches = append(refs.Branches, branch)
		} else if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok {
			refs.Tags = append(refs.Tags, tag)
		}
	}
	slices.Sort(refs.Branches)
	slices.Sort(refs.Tags)
	return refs, nil
}

// Tags are those of an OCI repository.
func (s *sources) Tags(ctx context.Context, repository settings.Repository) (*protocol.Refs, error) {
	registry, err := s.settings.ArtifactRepositoryOf(ctx, repository)
	if err != nil {
		return nil, err
	}
	tags, err := s.artifacts.Tags(ctx, registry)
	return &protocol.Refs{Tags: tags}, err
}

// Charts are those of a Helm repository. A registry can't be asked for them.
func (s *sources) Charts(ctx context.Context, repository settings.Repository) (*protocol.HelmChartsResponse, error) {
	answer := &protocol.HelmChartsResponse{Items: []*protocol.HelmChart{}}
	if repository.EnableOCI || artifact.IsRegistry(repository.URL) {
		return answer, nil
	}
	helm, err := s.settings.ArtifactRepositoryOf(ctx, repository)
	if err != nil {
		return nil, err
	}
	charts, err := s.artifacts.Charts(ctx, helm)
	for _, chart := range charts {
		answer.Items = append(answer.Items, &protocol.HelmChart{Name: chart.Name, Versions: chart.Versions})
	}
	return answer, err
}

// Apps are the folders that could be applications.
func (s *sources) Apps(ctx context.Context, project string, source v1alpha1.ApplicationSource) (map[string]string, error) {
	apps, err := s.desired.Apps(ctx, project, source)
	return apps, inputError(err)
}

// Details are what can be set of a source.
func (s *sources) Details(ctx context.Context, q *protocol.RepoAppDetailsQuery, others v1alpha1.ApplicationSources) (*protocol.RepoAppDetailsResponse, error) {
	instance := strings.ReplaceAll(q.AppName, "/", "_")
	details, err := s.desired.Details(ctx, q.AppProject, instance, *q.Source, others)
	return details, inputError(err)
}

// inputError tells errors of who asked from others.
func inputError(err error) error {
	if errors.Is(err, render.ErrNoFolder) || errors.Is(err, git.ErrUnknownRevision) {
		return &server.SourceInputError{Err: err}
	}
	return err
}
