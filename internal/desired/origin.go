package desired

import (
	"context"
	"errors"
	"fmt"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/oci"
	"fairlead.dev/fairlead/internal/render"
)

// origin is where a source's revisions are.
type origin interface {
	reader
	watched
}

type reader interface {
	// resolve finds the revision that a target means, from what was seen at the last fetch.
	resolve(ctx context.Context, target string) (string, error)
	// tree gives the files of a revision; fresh gets anew what may have been replaced under the same name.
	tree(ctx context.Context, revision string, fresh bool) (render.Tree, error)
}

type watched interface {
	// fetch brings what is known up to date, and refs tells in some words what there is now.
	fetch(ctx context.Context) error
	refs(ctx context.Context) (map[string]string, error)
	// access is the same for those who see the same, with the same credentials.
	access() string
}

// origin of a source, as the project's applications reach it.
func (s *Source) origin(ctx context.Context, project string, source v1alpha1.ApplicationSource) (origin, error) {
	if source.IsChart() || source.IsOCI() {
		return s.artifactOrigin(ctx, project, source)
	}
	return together(ctx, way{source.RepoURL, source.TagPrefix, project}, func() (origin, error) { return s.gitOrigin(ctx, project, source) })
}

func (s *Source) gitOrigin(ctx context.Context, project string, source v1alpha1.ApplicationSource) (gitOrigin, error) {
	remote, err := s.remote(ctx, source.RepoURL, project)
	if err != nil {
		return gitOrigin{}, fmt.Errorf("finding the credentials of repository %q: %w", event.NormalizeURL(source.RepoURL), err)
	}
	o := gitOrigin{repository: s.git.Repository(remote), tagPrefix: source.TagPrefix}
	if !s.noSubmodules {
		o.submodule = func(ctx context.Context, url string) (git.Remote, error) {
			own, err := s.remote(ctx, url, project)
			return remote.Submodule(own), err
		}
	}
	return o, nil
}

// gitOrigin is a Git repository.
type gitOrigin struct {
	repository *git.Repository
	// tagPrefix is what tags begin with of which a range of versions is the rest.
	tagPrefix string
	// submodule finds the address and credentials of a submodule; nil leaves their files out.
	submodule func(ctx context.Context, url string) (git.Remote, error)
}

func (o gitOrigin) fetch(ctx context.Context) error { return o.repository.Fetch(ctx) }
func (o gitOrigin) refs(ctx context.Context) (map[string]string, error) {
	return o.repository.Refs(ctx)
}
func (o gitOrigin) access() string { return o.repository.Access() }

// resolve fetches what this process never did: a mirror that lies around from before may be old, and to deploy from it would
// roll back.
func (o gitOrigin) resolve(ctx context.Context, target string) (string, error) {
	if err := o.repository.Current(ctx); err != nil {
		return "", err
	}
	return o.repository.ResolveTagged(ctx, o.tagPrefix, target)
}

func (o gitOrigin) tree(ctx context.Context, revision string, _ bool) (render.Tree, error) {
	tree, err := o.repository.Tree(ctx, revision)
	if err != nil {
		return nil, err
	}
	if o.submodule != nil {
		tree = tree.WithSubmodules(o.submodule)
	}
	return render.FromGit(tree), nil
}

// artifactOrigin is a chart, or an artifact of a registry, of which the source wants some target.
type artifactOrigin struct {
	client *artifact.Client
	artifact.Origin
	target     string
	layerTypes []string
}

func (o artifactOrigin) access() string { return o.Repository.Access() }

func (o artifactOrigin) fetch(ctx context.Context) error {
	return o.client.Refresh(ctx, o.Origin, o.target)
}

func (o artifactOrigin) refs(ctx context.Context) (map[string]string, error) {
	state, err := o.client.State(ctx, o.Origin, o.target)
	if errors.Is(err, oci.ErrNotFound) {
		state, err = "absent", nil // which concerns those who want it, not all who use the registry
	}
	return map[string]string{o.Chart + "@" + o.target: state}, err
}

func (o artifactOrigin) resolve(ctx context.Context, target string) (string, error) {
	return o.client.Resolve(ctx, o.Origin, target)
}

func (o artifactOrigin) tree(ctx context.Context, revision string, fresh bool) (render.Tree, error) {
	tree, err := o.client.Tree(ctx, o.Origin, revision, artifact.TreeOptions{Fresh: fresh, LayerTypes: o.layerTypes})
	if err != nil {
		return nil, err
	}
	return render.FromArchive(tree, revision), nil
}
