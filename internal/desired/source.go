package desired

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
)

// Source gets manifests from repositories.
type Source struct {
	git      *git.Store
	renderer *render.Renderer
	remote   func(ctx context.Context, url, project string) (git.Remote, error)
	// noSubmodules leaves the files of Git submodules out.
	noSubmodules bool
}

// New makes a source. Remote finds the address and the credentials for a URL that applications of a project may use
// (live.Source.Remote).
func New(store *git.Store, renderer *render.Renderer, remote func(ctx context.Context, url, project string) (git.Remote, error)) *Source {
	return &Source{git: store, renderer: renderer, remote: remote}
}

// LeaveSubmodulesOut has Git submodules not followed. Call it before anything else.
func (s *Source) LeaveSubmodulesOut() { s.noSubmodules = true }

func (s *Source) repository(ctx context.Context, project, url string) (*git.Repository, error) {
	remote, err := s.remote(ctx, url, project)
	if err != nil {
		return nil, fmt.Errorf("finding the credentials of repository %q: %w", event.NormalizeURL(url), err)
	}
	return s.git.Repository(remote), nil
}

// Fetch brings the mirrors of the sources' repositories up to date, each once, with what the project has for them.
func (s *Source) Fetch(ctx context.Context, project string, sources v1alpha1.ApplicationSources) error {
	seen := map[string]bool{}
	group, ctx := errgroup.WithContext(ctx)
	for _, source := range sources {
		key := event.NormalizeURL(source.RepoURL)
		if seen[key] || source.Chart != "" {
			continue
		}
		seen[key] = true
		group.Go(func() error {
			repository, err := s.repository(ctx, project, source.RepoURL)
			if err != nil {
				return err
			}
			return repository.Fetch(ctx)
		})
	}
	return group.Wait()
}

// Access names the way in which a project's applications reach a repository: projects with the same answer see the same
// mirror with the same credentials, so that one fetch serves them all.
func (s *Source) Access(ctx context.Context, project, url string) (string, error) {
	repository, err := s.repository(ctx, project, url)
	if err != nil {
		return "", err
	}
	return repository.Access(), nil
}

// Resolve finds the commits that the revisions mean, one a source; without revisions, or with an empty one, the source's
// own target. It answers from the mirrors as they were at the last fetch, and fetches what this process never did: a mirror
// that lies around from before may be old, and to deploy from it would roll back.
func (s *Source) Resolve(ctx context.Context, project string, sources v1alpha1.ApplicationSources, revisions []string) ([]string, error) {
	resolved := make([]string, len(sources))
	for i, source := range sources {
		if source.Chart != "" {
			return nil, errors.New("charts from Helm repositories can't be deployed yet: keep the chart in Git, and name its path")
		}
		revision := source.TargetRevision
		if i < len(revisions) && revisions[i] != "" {
			revision = revisions[i]
		}
		repository, err := s.repository(ctx, project, source.RepoURL)
		if err != nil {
			return nil, err
		}
		if err := repository.Current(ctx); err != nil {
			return nil, err
		}
		if resolved[i], err = repository.Resolve(ctx, revision); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// Refs are the refs that the repository itself has now.
func (s *Source) Refs(ctx context.Context, project, url string) (map[string]string, error) {
	repository, err := s.repository(ctx, project, url)
	if err != nil {
		return nil, err
	}
	return repository.Refs(ctx)
}

// trees are the sources' repositories at the revisions, and by ref names those that have one.
func (s *Source) trees(ctx context.Context, project string, sources v1alpha1.ApplicationSources, revisions []string) (trees []render.Tree, refs map[string]render.Tree, err error) {
	if len(revisions) != len(sources) {
		return nil, nil, fmt.Errorf("rendering %d sources at %d revisions", len(sources), len(revisions))
	}
	trees = make([]render.Tree, len(sources))
	for i, source := range sources {
		repository, err := s.repository(ctx, project, source.RepoURL)
		if err != nil {
			return nil, nil, err
		}
		tree, err := repository.Tree(ctx, revisions[i])
		if err != nil {
			return nil, nil, err
		}
		if !s.noSubmodules {
			tree = tree.WithSubmodules(func(ctx context.Context, url string) (git.Remote, error) { return s.remote(ctx, url, project) })
		}
		trees[i] = render.FromGit(tree)
		if source.Ref != "" {
			if refs == nil {
				refs = map[string]render.Tree{}
			}
			refs[source.Ref] = trees[i]
		}
	}
	return trees, refs, nil
}

// Render gives the manifests of all sources at the given commits.
func (s *Source) Render(ctx context.Context, request Request) (*Manifests, error) {
	trees, refs, err := s.trees(ctx, request.Project, request.Sources, request.Revisions)
	if err != nil {
		return nil, err
	}
	manifests := &Manifests{
		Revisions: request.Revisions, Project: request.Project, Sources: request.Sources, Reused: true, results: make([]*render.Result, len(request.Sources)),
	}
	for i, source := range request.Sources {
		if source.Ref != "" && source.Path == "" && source.Chart == "" {
			continue // only other sources' value files are there
		}
		result, err := s.renderer.Render(ctx, render.Request{
			Tree: trees[i], Refs: refs, Source: source, AppName: request.Instance, Project: request.Project,
			DestinationNamespace: request.Namespace, KubeVersion: request.KubeVersion, APIVersions: request.APIVersions, Fresh: request.Hard,
		})
		if err != nil {
			return nil, fmt.Errorf("rendering %s at %s: %w", source.Path, request.Revisions[i][:min(7, len(request.Revisions[i]))], err)
		}
		manifests.results[i] = result
		manifests.Reused = manifests.Reused && result.Cached
		manifests.Objects = append(manifests.Objects, result.Objects...)
		manifests.Types = append(manifests.Types, result.SourceType)
	}
	return manifests, nil
}

// Unchanged tells that rendering the same at other commits would give the same manifests, because nothing that was read
// has changed.
func (s *Source) Unchanged(ctx context.Context, manifests *Manifests, revisions []string) bool {
	trees, refs, err := s.trees(ctx, manifests.Project, manifests.Sources, revisions)
	if err != nil {
		return false
	}
	for i, result := range manifests.results {
		if result != nil && !result.Holds(trees[i], refs) {
			return false
		}
	}
	return true
}
