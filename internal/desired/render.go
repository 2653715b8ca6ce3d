package desired

import (
	"context"
	"fmt"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/render/plugin"
)

// trees are the sources' files at the revisions, and by ref names those of the sources that have one.
func (s *Source) trees(ctx context.Context, request Request) (trees []render.Tree, refs map[string]render.Tree, err error) {
	if len(request.Revisions) != len(request.Sources) {
		return nil, nil, fmt.Errorf("rendering %d sources at %d revisions", len(request.Sources), len(request.Revisions))
	}
	trees = make([]render.Tree, len(request.Sources))
	for i, source := range request.Sources {
		if trees[i], err = s.treeOf(ctx, request, i); err != nil {
			return nil, nil, inSource(request.Sources, i, err)
		}
		if source.Ref != "" {
			if refs == nil {
				refs = map[string]render.Tree{}
			}
			if _, ok := refs[source.Ref]; ok {
				return nil, nil, inSource(request.Sources, i, fmt.Errorf("multiple sources have the ref %q: name each only once", source.Ref))
			}
			refs[source.Ref] = trees[i]
		}
	}
	return trees, refs, nil
}

// treeOf is the files of one source.
func (s *Source) treeOf(ctx context.Context, request Request, i int) (render.Tree, error) {
	if i == 0 && request.Files != nil {
		return request.Files, nil
	}
	o, err := s.origin(ctx, request.Project, request.Sources[i])
	if err != nil {
		return nil, err
	}
	return o.tree(ctx, request.Revisions[i], request.Hard)
}

// Render gives the manifests of all sources at the given revisions.
func (s *Source) Render(ctx context.Context, request Request) (*Manifests, error) {
	trees, refs, err := s.trees(ctx, request)
	if err != nil {
		return nil, err
	}
	var settings render.Settings
	if s.settings != nil {
		if settings, err = s.settings(ctx); err != nil {
			return nil, err
		}
	}
	manifests := &Manifests{
		Revisions: request.Revisions, Project: request.Project, Sources: request.Sources, settings: settings, Reused: true, results: make([]*render.Result, len(request.Sources)),
	}
	for i, source := range request.Sources {
		if onlyReferred(source) {
			continue
		}
		result, err := s.renderer.Render(ctx, render.Request{
			Tree: trees[i], Refs: refs, Source: source, AppName: request.Instance, Project: request.Project,
			DestinationNamespace: request.Namespace, KubeVersion: request.KubeVersion, APIVersions: request.APIVersions,
			Network: s.network(request.Project, source, request.Hard), Fresh: request.Hard,
			Login: s.login(request.Project, source), Settings: settings, GeneratePaths: render.GeneratePaths(request.GeneratePaths, source.Path),
		})
		if err != nil {
			return nil, inSource(request.Sources, i, err)
		}
		manifests.results[i] = result
		if s.artifacts.Client != nil {
			manifests.Bases = append(manifests.Bases, (&network{source: s, project: request.Project}).watchedBases(ctx, result)...)
		}
		manifests.Reused = manifests.Reused && result.Cached
		manifests.Objects = append(manifests.Objects, result.Objects...)
		manifests.Types = append(manifests.Types, result.SourceType)
	}
	return manifests, nil
}

// login finds what a plugin may log on to a source's Git repository with.
func (s *Source) login(project string, source v1alpha1.ApplicationSource) func(context.Context) (plugin.Login, error) {
	if source.IsChart() || source.IsOCI() {
		return nil
	}
	return func(ctx context.Context) (plugin.Login, error) {
		remote, err := s.remote(ctx, source.RepoURL, project)
		if err != nil {
			return plugin.Login{}, err
		}
		login, err := s.git.Repository(remote).Login(ctx)
		lent := plugin.Login{Username: login.Username, Password: login.Password, Keys: login.Keys}
		if login.BearerToken != "" {
			lent.Header = plugin.HeaderLogin{Variable: "ARGOCD_GIT_BEARER_AUTH_HEADER", Value: "Authorization: Bearer " + login.BearerToken}
		}
		return lent, err
	}
}

// onlyReferred tells a source that renders nothing: only other sources' value files are there.
func onlyReferred(source v1alpha1.ApplicationSource) bool {
	return source.Ref != "" && source.Path == "" && source.Chart == ""
}

// inSource says in Argo CD's words which source an error is about; people search for them.
func inSource(sources v1alpha1.ApplicationSources, i int, err error) error {
	name := ""
	if sources[i].Name != "" {
		name = fmt.Sprintf(" (%s)", sources[i].Name)
	}
	return fmt.Errorf("failed to generate manifest for source %d of %d%s: %w", i+1, len(sources), name, err)
}

// Unchanged tells that rendering the same at other revisions would give the same manifests, because nothing that was read
// has changed, nor the operator's options.
func (s *Source) Unchanged(ctx context.Context, manifests *Manifests, revisions []string) bool {
	if s.settings != nil {
		if settings, err := s.settings(ctx); err != nil || !settings.Equal(manifests.settings) {
			return false
		}
	}
	request := Request{Project: manifests.Project, Sources: manifests.Sources, Revisions: revisions}
	trees, refs, err := s.trees(ctx, request)
	if err != nil {
		return false
	}
	for i, result := range manifests.results {
		if result != nil && !result.Holds(trees[i], refs, s.network(manifests.Project, manifests.Sources[i], false)) {
			return false
		}
	}
	return true
}
