package desired

import (
	"context"
	"errors"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/oci"
	"fairlead.dev/fairlead/internal/render"
)

// Source gets manifests from repositories.
type Source struct {
	git       *git.Store
	renderer  *render.Renderer
	remote    func(ctx context.Context, url, project string) (git.Remote, error)
	artifacts Artifacts
	// settings are the operator's; nil means none.
	settings func(context.Context) (render.Settings, error)
	// noSubmodules leaves the files of Git submodules out.
	noSubmodules bool
}

// New makes a source. Remote finds the address and the credentials for a URL that applications of a project may use
// (live.Source.Remote). Charts of repositories and artifacts need WithArtifacts.
func New(store *git.Store, renderer *render.Renderer, remote func(ctx context.Context, url, project string) (git.Remote, error)) *Source {
	return &Source{git: store, renderer: renderer, remote: remote}
}

// WithSettings has the operator's settings asked for with each rendering. Call it before anything else.
func (s *Source) WithSettings(settings func(context.Context) (render.Settings, error)) *Source {
	s.settings = settings
	return s
}

// LeaveSubmodulesOut has Git submodules not followed. Call it before anything else.
func (s *Source) LeaveSubmodulesOut() { s.noSubmodules = true }

// Fetch brings what is known of the sources' repositories up to date, each once, with what the project has for them.
func (s *Source) Fetch(ctx context.Context, project string, sources v1alpha1.ApplicationSources) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	asked := distinct(sources)
	for _, source := range asked {
		group.Go(func() error {
			o, err := s.origin(ctx, project, source)
			if err != nil {
				return err
			}
			if err = o.fetch(ctx); errors.Is(err, oci.ErrNotFound) && len(asked) > 1 {
				return nil // Resolve tells those who want it; others of the same registry must not suffer
			}
			return err
		})
	}
	return group.Wait()
}

// distinct are the sources that have to be asked about: one for each Git repository, and for each chart and artifact one for
// each target.
func distinct(sources v1alpha1.ApplicationSources) v1alpha1.ApplicationSources {
	type question struct{ repository, chart, target string }
	seen := map[question]bool{}
	var some v1alpha1.ApplicationSources
	for _, source := range sources {
		q := question{repository: event.NormalizeURL(source.RepoURL)}
		if source.IsChart() || source.IsOCI() {
			q.chart, q.target = "chart "+source.Chart, source.TargetRevision
		}
		if !seen[q] {
			seen[q] = true
			some = append(some, source)
		}
	}
	return some
}

// Access names the way in which a project's applications reach a source's repository: projects with the same answer see the
// same with the same credentials, so that one fetch serves them all.
func (s *Source) Access(ctx context.Context, project string, source v1alpha1.ApplicationSource) (string, error) {
	o, err := s.origin(ctx, project, source)
	if err != nil {
		return "", err
	}
	return o.access(), nil
}

// Resolve finds the commits, versions or digests that the revisions mean, one a source; without revisions, or with an empty
// one, the source's own target. It answers from what was seen at the last fetch, and asks where this process never did.
func (s *Source) Resolve(ctx context.Context, project string, sources v1alpha1.ApplicationSources, revisions []string) ([]string, error) {
	resolved := make([]string, len(sources))
	for i, source := range sources {
		revision := source.TargetRevision
		if i < len(revisions) && revisions[i] != "" {
			revision = revisions[i]
		}
		o, err := s.origin(ctx, project, source)
		if err != nil {
			return nil, err
		}
		if revision == "" && source.IsOCI() && !source.IsChart() {
			revision = "latest"
		}
		if resolved[i], err = o.resolve(ctx, revision); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// Refs are words for what there is now in the one repository that all the sources have: they differ if something moved. Of a
// Git repository they are its refs.
func (s *Source) Refs(ctx context.Context, project string, sources v1alpha1.ApplicationSources) (map[string]string, error) {
	all := map[string]string{}
	for _, source := range distinct(sources) {
		o, err := s.origin(ctx, project, source)
		if err != nil {
			return nil, err
		}
		refs, err := o.refs(ctx)
		if err != nil {
			return nil, err
		}
		for name, state := range refs {
			all[name] = state
		}
	}
	return all, nil
}

// Files are those at what a source's target is now, and the revision. Fresh asks the repository's host first; else what was
// seen at the last fetch counts, and the host is asked only where this process never did.
func (s *Source) Files(ctx context.Context, project string, source v1alpha1.ApplicationSource, fresh bool) (fs.FS, string, error) {
	if fresh {
		if err := s.Fetch(ctx, project, v1alpha1.ApplicationSources{source}); err != nil {
			return nil, "", err
		}
	}
	revisions, err := s.Resolve(ctx, project, v1alpha1.ApplicationSources{source}, nil)
	if err != nil {
		return nil, "", err
	}
	o, err := s.origin(ctx, project, source)
	if err != nil {
		return nil, "", err
	}
	tree, err := o.tree(ctx, revisions[0], false)
	return tree, revisions[0], err
}
