package desired

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/render/helm"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/web"
)

// Artifacts are what a Source needs for charts of repositories and artifacts of registries.
type Artifacts struct {
	Client   *artifact.Client
	Settings Settings
	// Permits tells whether a project may use a repository. A chart may depend on charts of others, but then without the
	// credentials for them. Nil permits none.
	Permits func(ctx context.Context, project, repository string) (bool, error)
}

// Settings are an operator's; *live.Source is one.
type Settings interface {
	// ArtifactRepository is how a Helm repository or registry is reached by a project's applications.
	ArtifactRepository(ctx context.Context, url, project string) (artifact.Repository, error)
	// HelmRepositoryNamed is the URL of a configured repository; empty if there is none of that name.
	HelmRepositoryNamed(ctx context.Context, name, project string) (string, error)
	ConfigMap(ctx context.Context, name string) (map[string]string, error)
}

// WithArtifacts lets the source get charts and artifacts too. It is for the set-up, before the source is used.
func (s *Source) WithArtifacts(artifacts Artifacts) *Source {
	s.artifacts = artifacts
	return s
}

var errNoArtifacts = errors.New("this hub isn't set up for charts of repositories and OCI artifacts: keep the manifests in Git")

func (s *Source) artifactOrigin(ctx context.Context, project string, source v1alpha1.ApplicationSource) (artifactOrigin, error) {
	if s.artifacts.Client == nil {
		return artifactOrigin{}, errNoArtifacts
	}
	repository, err := s.artifacts.Settings.ArtifactRepository(ctx, source.RepoURL, project)
	if err != nil {
		return artifactOrigin{}, fmt.Errorf("finding the credentials of a repository: %w", err)
	}
	o := artifactOrigin{client: s.artifacts.Client, target: source.TargetRevision}
	o.Repository, o.Chart = repository, source.Chart
	switch {
	case !source.IsChart():
		o.Kind = artifact.Image
		parameters, err := s.artifacts.Settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
		if err != nil {
			return o, err
		}
		o.layerTypes = list(parameters[settings.OCILayerTypesKey])
		if o.target == "" {
			o.target = "latest"
		}
	case artifact.IsRegistry(source.RepoURL):
		o.Kind = artifact.ChartInRegistry
	}
	if source.Helm != nil {
		o.Repository.PassCredentials = source.Helm.PassCredentials
	}
	return o, nil
}

// list reads values between commas.
func list(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// network gets for one application's renderings what their charts name. It implements render.Network.
type network struct {
	source  *Source
	project string
	// passes is true if the source passes credentials on: those of a repository to the other hosts that its index names.
	passes bool
	fresh  bool
}

var _ render.Network = (*network)(nil)

// network of a source of a project's applications; nil if there is none.
func (s *Source) network(project string, of v1alpha1.ApplicationSource, fresh bool) render.Network {
	if s.artifacts.Client == nil {
		return nil
	}
	return &network{s, project, of.Helm != nil && of.Helm.PassCredentials, fresh}
}

// Chart gets the newest chart that fits a dependency. Who wants it fresh looks for newer versions first.
func (n *network) Chart(ctx context.Context, dependency helm.Dependency) (render.Tree, error) {
	o, err := n.dependency(ctx, dependency)
	if err != nil {
		return nil, err
	}
	return n.newest(ctx, o, dependency.Version, n.fresh)
}

// newest gives the files of what a target means, after a look at the origin if that is wanted.
func (n *network) newest(ctx context.Context, o origin, target string, look bool) (render.Tree, error) {
	if look {
		if err := o.fetch(ctx); err != nil {
			return nil, err
		}
	}
	revision, err := o.resolve(ctx, target)
	if err != nil {
		return nil, err
	}
	return o.tree(ctx, revision, n.fresh)
}

// Known is the version that a dependency means by what was seen last.
func (n *network) Known(ctx context.Context, dependency helm.Dependency) string {
	o, err := n.dependency(ctx, dependency)
	if err != nil {
		return ""
	}
	return o.client.Known(o.Origin, dependency.Version)
}

// Explain names, in Argo CD's words, the repositories of dependencies that the project doesn't permit.
func (n *network) Explain(ctx context.Context, dependencies []helm.Dependency, err error) error {
	var refused []string
	for _, dependency := range dependencies {
		o, failed := n.dependency(ctx, dependency)
		if permitted, unknown := n.permits(ctx, o.Repository.URL); failed != nil || unknown != nil || permitted {
			continue
		}
		if address := strings.TrimPrefix(web.PublicAddress(o.Repository.URL), "oci://"); !slices.Contains(refused, address) {
			refused = append(refused, address)
		}
	}
	if len(refused) == 0 {
		return err
	}
	return fmt.Errorf("helm repos %s are not permitted in project '%s', so that their credentials aren't used: %w", strings.Join(refused, ", "), n.project, err)
}

// dependency finds where a chart of a Chart.yaml comes from. Credentials are only for repositories that the project may use.
func (n *network) dependency(ctx context.Context, dependency helm.Dependency) (artifactOrigin, error) {
	o := artifactOrigin{client: n.source.artifacts.Client, target: dependency.Version}
	o.Chart = dependency.Name
	address := dependency.Repository
	name, isAlias := strings.CutPrefix(address, "alias:")
	if !isAlias {
		name, isAlias = strings.CutPrefix(address, "@")
	}
	if isAlias {
		found, err := n.source.artifacts.Settings.HelmRepositoryNamed(ctx, name, n.project)
		if err != nil {
			return o, err
		}
		if found == "" {
			return o, fmt.Errorf("no repository definition for %s: add a Helm repository of that name", address)
		}
		address = found
	}
	switch u, err := url.Parse(address); {
	case err != nil || !slices.Contains([]string{"http", "https", "oci"}, u.Scheme) && !isAlias:
		return o, fmt.Errorf("repository %q is neither an http(s) nor an oci address", web.PublicAddress(address))
	case artifact.IsRegistry(address):
		o.Kind = artifact.ChartInRegistry
	}
	o.Repository = artifact.Repository{URL: address}
	permitted, err := n.permits(ctx, address)
	if err == nil && permitted {
		o.Repository, err = n.source.artifacts.Settings.ArtifactRepository(ctx, address, n.project)
		if image := strings.TrimSuffix(address, "/") + "/" + dependency.Name; err == nil && o.Kind == artifact.ChartInRegistry && o.Repository.Anonymous() {
			err = n.ofImage(ctx, image, &o.Repository)
		}
		o.Repository.PassCredentials = n.passes
	}
	return o, err
}

// ofImage takes the credentials that are configured for one image of a registry, if there are any.
func (n *network) ofImage(ctx context.Context, image string, r *artifact.Repository) error {
	own, err := n.source.artifacts.Settings.ArtifactRepository(ctx, image, n.project)
	if err == nil && !own.Anonymous() {
		own.URL = r.URL
		*r = own
	}
	return err
}

func (n *network) permits(ctx context.Context, repository string) (bool, error) {
	if n.source.artifacts.Permits == nil {
		return false, nil
	}
	return n.source.artifacts.Permits(ctx, n.project, repository)
}

// File downloads a value file, if its scheme is allowed.
func (n *network) File(ctx context.Context, address string) ([]byte, error) {
	configured, err := n.source.artifacts.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return nil, err
	}
	allowed := []string{"https", "http"} // Argo CD's default
	if text, ok := configured[settings.ValuesFileSchemesKey]; ok {
		allowed = list(text)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of a value file is no URL")
	}
	if !slices.Contains(allowed, u.Scheme) {
		return nil, fmt.Errorf("the URL scheme '%s' is not allowed", u.Scheme)
	}
	return n.source.artifacts.Client.File(ctx, address)
}
