package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// RepositoryLister is a Sources that can list what a repository has.
type RepositoryLister interface {
	// Refs are the branches and tags of a Git repository, Tags the tags of an OCI repository.
	Refs(ctx context.Context, repository settings.Repository) (*protocol.Refs, error)
	Tags(ctx context.Context, repository settings.Repository) (*protocol.Refs, error)
	// Charts are those of a Helm repository.
	Charts(ctx context.Context, repository settings.Repository) (*protocol.HelmChartsResponse, error)
}

// SourceDescriber is a Sources that can look into what a repository has.
type SourceDescriber interface {
	// Apps are the folders that could be applications, with what they are.
	Apps(ctx context.Context, project string, source argo.ApplicationSource) (map[string]string, error)
	// Details are what can be set of a source; others are the application's sources that it may refer to.
	Details(ctx context.Context, q *protocol.RepoAppDetailsQuery, others argo.ApplicationSources) (*protocol.RepoAppDetailsResponse, error)
}

// SourceInputError says that an error is the asker's: a path or revision that doesn't exist.
type SourceInputError struct{ Err error }

func (e *SourceInputError) Error() string { return e.Err.Error() }
func (e *SourceInputError) Unwrap() error { return e.Err }

func (s *Server) listRefs(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.Refs, error) {
	return listed(ctx, s, c, q, RepositoryLister.Refs)
}

func (s *Server) listTags(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.Refs, error) {
	return listed(ctx, s, c, q, RepositoryLister.Tags)
}

func (s *Server) listCharts(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.HelmChartsResponse, error) {
	return listed(ctx, s, c, q, RepositoryLister.Charts)
}

func listed[T any](
	ctx context.Context, s *Server, c *call, q *protocol.RepoQuery,
	list func(RepositoryLister, context.Context, settings.Repository) (*T, error),
) (*T, error) {
	r, err := s.repositoryFor(ctx, c, q.Repo, q.AppProject)
	if err != nil {
		return nil, err
	}
	lister, ok := s.options.Sources.(RepositoryLister)
	if !ok {
		return nil, missingPart("list what repositories have")
	}
	return list(lister, ctx, r)
}

// listRepositoryApps finds what could be applications. It reads the repository, so it is for those who may make or change the
// application that they ask for.
func (s *Server) listRepositoryApps(ctx context.Context, c *call, q *protocol.RepoAppsQuery) (*protocol.RepoAppsResponse, error) {
	if _, err := s.repositoryFor(ctx, c, q.Repo, q.AppProject); err != nil {
		return nil, err
	}
	app := q.AppProject + "/" + q.AppName
	if !c.may(access.Applications, access.Create, app) && !c.may(access.Applications, access.Update, app) {
		return nil, errPermission
	}
	if err := s.permitted(ctx, q.Repo, q.AppProject); err != nil {
		return nil, err
	}
	describer, ok := s.options.Sources.(SourceDescriber)
	if !ok {
		return nil, missingPart("look into repositories")
	}
	apps, err := describer.Apps(ctx, q.AppProject, argo.ApplicationSource{RepoURL: q.Repo, TargetRevision: q.Revision})
	if err != nil {
		return nil, sourceError(err)
	}
	answer := &protocol.RepoAppsResponse{Items: []*protocol.AppInfo{}}
	for _, path := range slices.Sorted(maps.Keys(apps)) {
		answer.Items = append(answer.Items, &protocol.AppInfo{Path: path, Type: apps[path]})
	}
	return answer, nil
}

// appDetails tells what can be set of a source: of a new application, or of one that exists if it has, or had, that source.
func (s *Server) appDetails(ctx context.Context, c *call, q *protocol.RepoAppDetailsQuery) (*protocol.RepoAppDetailsResponse, error) {
	if q.Source == nil {
		return nil, errNoPayload
	}
	if _, err := s.repositoryFor(ctx, c, q.Source.RepoURL, q.AppProject); err != nil {
		return nil, err
	}
	object := q.AppProject + "/" + q.AppName
	if err := c.require(access.Applications, access.Get, object); err != nil {
		return nil, err
	}
	namespace, name := s.options.Namespace, q.AppName
	if before, after, ok := strings.Cut(q.AppName, "/"); ok {
		namespace, name = before, after
	}
	if !s.serves(ctx, namespace) {
		return nil, errNamespace(namespace)
	}
	var app argo.Application
	switch err := s.options.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &app); {
	case apierrors.IsNotFound(err), name == "":
		if err := c.require(access.Applications, access.Create, object); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("reading application '%s': %w", q.AppName, err)
	case app.Spec.ProjectName() != q.AppProject, !hadSource(&app, q):
		return nil, errPermission
	}
	if err := s.permitted(ctx, q.Source.RepoURL, q.AppProject); err != nil {
		return nil, err
	}
	describer, ok := s.options.Sources.(SourceDescriber)
	if !ok {
		return nil, missingPart("look into repositories")
	}
	details, err := describer.Details(ctx, q, app.Spec.Sources)
	return details, sourceError(err)
}

// permitted tells whether a project's applications may come from a repository.
func (s *Server) permitted(ctx context.Context, address, name string) error {
	bounds, err := s.bounds(ctx, name)
	if err != nil {
		return err
	}
	if !project.PermitsSource(bounds, address) {
		return fail(connect.CodePermissionDenied, fmt.Errorf("repository '%s' not permitted in project '%s'", publicURL(address), name))
	}
	return nil
}

// hadSource tells whether a source is one that the application has, or once was synced from: nobody learns of others what is
// in them by asking in the name of an application.
func hadSource(app *argo.Application, q *protocol.RepoAppDetailsQuery) bool {
	same := func(source argo.ApplicationSource, revision string) bool {
		if revision != "" {
			source.TargetRevision = revision
		}
		return equality.Semantic.DeepEqual(source, *q.Source)
	}
	for _, source := range app.Spec.NamedSources() {
		if same(source, "") {
			return true
		}
	}
	if app.Spec.SourceHydrator != nil {
		return false
	}
	for _, entry := range app.Status.History {
		if len(entry.Sources) == 0 && same(entry.Source, entry.Revision) {
			return true
		}
		index := int(q.SourceIndex)
		if entry.ID == int64(q.VersionID) && index >= 0 && index < len(entry.Sources) && index < len(entry.Revisions) &&
			same(entry.Sources[index], entry.Revisions[index]) {
			return true
		}
	}
	return false
}

func sourceError(err error) error {
	var input *SourceInputError
	if errors.As(err, &input) {
		return invalid(err.Error())
	}
	return err
}
