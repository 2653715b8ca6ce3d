package desired

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
	remote   func(ctx context.Context, url string) (git.Remote, error)

	mu sync.Mutex
	// fetched are the repositories whose mirrors this process has brought up to date at least once.
	fetched map[string]bool
}

// New makes a source. Remote finds the address and the credentials for a URL (live.Source.Remote).
func New(store *git.Store, renderer *render.Renderer, remote func(ctx context.Context, url string) (git.Remote, error)) *Source {
	return &Source{git: store, renderer: renderer, remote: remote, fetched: map[string]bool{}}
}

func (s *Source) repository(ctx context.Context, url string) (*git.Repository, error) {
	remote, err := s.remote(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("finding the credentials of repository %q: %w", event.NormalizeURL(url), err)
	}
	return s.git.Repository(remote), nil
}

// Fetch brings the mirrors of the sources' repositories up to date, each once.
func (s *Source) Fetch(ctx context.Context, sources v1alpha1.ApplicationSources) error {
	seen := map[string]bool{}
	group, ctx := errgroup.WithContext(ctx)
	for _, source := range sources {
		key := event.NormalizeURL(source.RepoURL)
		if seen[key] || source.Chart != "" {
			continue
		}
		seen[key] = true
		group.Go(func() error { return s.fetch(ctx, source.RepoURL) })
	}
	return group.Wait()
}

func (s *Source) fetch(ctx context.Context, url string) error {
	repository, err := s.repository(ctx, url)
	if err != nil {
		return err
	}
	if err := repository.Fetch(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched[event.NormalizeURL(url)] = true
	return nil
}

// current is the repository, with a mirror that is not from before this process began.
func (s *Source) current(ctx context.Context, url string) (*git.Repository, error) {
	s.mu.Lock()
	known := s.fetched[event.NormalizeURL(url)]
	s.mu.Unlock()
	if !known {
		if err := s.fetch(ctx, url); err != nil {
			return nil, err
		}
	}
	return s.repository(ctx, url)
}

// Resolve finds the commits that the revisions mean, one a source; without revisions, or with an empty one, the source's
// own target. It answers from the mirrors as they were at the last fetch, and fetches what this process never did: a mirror
// that lies around from before may be old, and to deploy from it would roll back.
func (s *Source) Resolve(ctx context.Context, sources v1alpha1.ApplicationSources, revisions []string) ([]string, error) {
	resolved := make([]string, len(sources))
	for i, source := range sources {
		if source.Chart != "" {
			return nil, errors.New("charts from Helm repositories can't be deployed yet: keep the chart in Git, and name its path")
		}
		revision := source.TargetRevision
		if i < len(revisions) && revisions[i] != "" {
			revision = revisions[i]
		}
		repository, err := s.current(ctx, source.RepoURL)
		if err != nil {
			return nil, err
		}
		if resolved[i], err = repository.Resolve(ctx, revision); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// Refs are the refs that the repository itself has now.
func (s *Source) Refs(ctx context.Context, url string) (map[string]string, error) {
	repository, err := s.repository(ctx, url)
	if err != nil {
		return nil, err
	}
	return repository.Refs(ctx)
}

// trees are the sources' repositories at the revisions, and by ref names those that have one.
func (s *Source) trees(ctx context.Context, sources v1alpha1.ApplicationSources, revisions []string) (trees []render.Tree, refs map[string]render.Tree, err error) {
	if len(revisions) != len(sources) {
		return nil, nil, fmt.Errorf("rendering %d sources at %d revisions", len(sources), len(revisions))
	}
	trees = make([]render.Tree, len(sources))
	for i, source := range sources {
		repository, err := s.repository(ctx, source.RepoURL)
		if err != nil {
			return nil, nil, err
		}
		tree, err := repository.Tree(ctx, revisions[i])
		if err != nil {
			return nil, nil, err
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
	trees, refs, err := s.trees(ctx, request.Sources, request.Revisions)
	if err != nil {
		return nil, err
	}
	manifests := &Manifests{
		Revisions: request.Revisions, Sources: request.Sources, Reused: true, results: make([]*render.Result, len(request.Sources)),
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
	trees, refs, err := s.trees(ctx, manifests.Sources, revisions)
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
