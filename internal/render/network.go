package render

import (
	"context"
	"fmt"
	"io/fs"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/helm"
	"fairlead.dev/fairlead/internal/render/kustomize"
)

// Network gets for a rendering what its source only names: charts of repositories, value files and manifests at URLs, and the
// bases of kustomizations. It decides what is allowed, with whose credentials, and bounds size and time.
type Network interface {
	Charts
	Bases
	Files
}

// Charts are those of repositories.
type Charts interface {
	// Chart gets the chart of a dependency.
	Chart(ctx context.Context, dependency helm.Dependency) (Tree, error)
	// Known is the version that a dependency means as far as it is known without asking anybody; empty if it isn't.
	Known(ctx context.Context, dependency helm.Dependency) string
	// Explain adds to the error of a chart that can't be had what the project has to do with it: a repository that it doesn't
	// permit is asked without credentials.
	Explain(ctx context.Context, dependencies []helm.Dependency, err error) error
}

// Bases are the Git repositories that kustomizations name.
type Bases interface {
	// Base gets a repository's files.
	Base(ctx context.Context, base kustomize.Base) (Tree, error)
	// KnownBase is the commit that a base means by what was fetched last; empty if it isn't known.
	KnownBase(ctx context.Context, base kustomize.Base) string
}

// Files are texts at URLs.
type Files interface {
	// File gets a value file.
	File(ctx context.Context, address string) ([]byte, error)
	// Manifest gets a kustomization's resource.
	Manifest(ctx context.Context, address string) ([]byte, error)
}

// fetched is what a job got by its Network.
type fetched struct {
	charts   map[helm.Dependency]fs.FS
	versions map[helm.Dependency]string
	files    map[string][]byte
	// bases are the repositories that kustomizations name, commits those that were taken.
	bases   map[kustomize.Base]fs.FS
	commits map[kustomize.Base]string
}

func nothingFetched() fetched {
	return fetched{
		charts: map[helm.Dependency]fs.FS{}, versions: map[helm.Dependency]string{}, files: map[string][]byte{},
		bases: map[kustomize.Base]fs.FS{}, commits: map[kustomize.Base]string{},
	}
}

// fetch gets what a source needs from elsewhere. A failure of it is not remembered: it says nothing of the source.
func (j *job) fetch(ctx context.Context) error {
	switch {
	case j.request.Network == nil:
		return nil
	case j.sourceType == v1alpha1.ApplicationSourceTypeKustomize:
		return j.fetchForKustomize(ctx)
	case j.sourceType != v1alpha1.ApplicationSourceTypeHelm:
		return nil
	}
	needs, err := j.helmInput().Needs(ctx)
	if err != nil {
		return err
	}
	j.fetched = nothingFetched()
	for _, dependency := range needs.Charts {
		if err := j.fetchChart(ctx, dependency); err != nil {
			err = fmt.Errorf("getting the chart's dependency %q %s: %w", dependency.Name, dependency.Version, err)
			return fmt.Errorf("%s: %w", j.root, j.request.Network.Explain(ctx, needs.Charts, err))
		}
	}
	return j.fetchFiles(ctx, needs.Files, "a value file", j.request.Network.File)
}

// fetchFiles gets what is at addresses, each of which is what the error says.
func (j *job) fetchFiles(ctx context.Context, addresses []string, what string, get func(context.Context, string) ([]byte, error)) error {
	for _, address := range addresses {
		content, err := get(ctx, address)
		if err != nil {
			j.transient = true
			return fmt.Errorf("%s: getting %s: %w", j.root, what, err)
		}
		j.fetched.files[address] = content
		// What is at a URL may change at any time; as in Argo CD, it is looked at with each revision.
		j.environment.usedRevision = true
	}
	return nil
}

func (j *job) fetchChart(ctx context.Context, dependency helm.Dependency) error {
	tree, err := j.request.Network.Chart(ctx, dependency)
	if err != nil {
		j.transient = true
		return err
	}
	j.fetched.charts[dependency] = tree
	j.fetched.versions[dependency] = tree.Revision()
	return nil
}

func (j *job) helmInput() helm.Input {
	refs := map[string]fs.FS{}
	for name, recording := range j.refs {
		refs[name] = recording
	}
	return helm.Input{
		Files: j.tree, Root: j.root, Refs: refs, Options: j.source.Helm,
		Release: j.request.release(), Namespace: j.request.DestinationNamespace,
		KubeVersion: j.request.KubeVersion, APIVersions: j.request.APIVersions,
		Charts: j.fetched.charts, Remote: j.fetched.files,
		Expand: j.environment.expand,
	}
}

// sameCharts tells whether floating dependencies still mean the charts that a rendering took.
func (r *reads) sameCharts(network Network) bool {
	for dependency, version := range r.charts {
		if network == nil {
			return false
		}
		if known := network.Known(context.Background(), dependency); known != "" && known != version {
			return false
		}
	}
	return true
}
