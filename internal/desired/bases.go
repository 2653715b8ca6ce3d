package desired

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/render/kustomize"
	"fairlead.dev/fairlead/internal/settings"
)

// Base gets the repository of a remote base, at the newest commit that its ref means. It is fetched if this process never
// did, if it is wanted fresh, or if nobody watches it.
func (n *network) Base(ctx context.Context, base kustomize.Base) (render.Tree, error) {
	o, watched, err := n.base(ctx, base)
	if err != nil {
		return nil, err
	}
	return n.newest(ctx, o, base.Ref, n.fresh || !watched)
}

// KnownBase is the commit that a base means by what was fetched last.
func (n *network) KnownBase(ctx context.Context, base kustomize.Base) string {
	o, _, err := n.base(ctx, base)
	if err != nil {
		return ""
	}
	commit, err := o.resolve(ctx, base.Ref)
	if err != nil {
		return ""
	}
	return commit
}

// base finds out how the project's applications reach a base: with the project's credentials if it permits the repository as a
// source, and without any if only the host is allowed. The latter isn't watched: whoever watches goes by the project's.
func (n *network) base(ctx context.Context, base kustomize.Base) (o gitOrigin, watched bool, err error) {
	because, err := n.allow(ctx, base.URL)
	if err != nil {
		return o, false, err
	}
	if because == permittedByHost {
		remote, err := n.source.remote(ctx, base.URL, n.project)
		if err != nil {
			return o, false, err
		}
		anonymous := git.Remote{URL: base.URL, CA: remote.CA, KnownHosts: remote.KnownHosts, Scope: remote.Scope}
		return gitOrigin{repository: n.source.git.Repository(anonymous)}, false, nil
	}
	o, err = n.source.gitOrigin(ctx, n.project, v1alpha1.ApplicationSource{RepoURL: base.URL})
	if !base.Submodules {
		o.submodule = nil
	}
	return o, true, err
}

// watchedBases are the bases of a rendering that may move, as sources of the project.
func (n *network) watchedBases(ctx context.Context, result *render.Result) v1alpha1.ApplicationSources {
	var sources v1alpha1.ApplicationSources
	for _, base := range result.Bases() {
		if because, err := n.allow(ctx, base.URL); err == nil && because == permittedByProject {
			sources = append(sources, v1alpha1.ApplicationSource{RepoURL: base.URL, TargetRevision: base.Ref})
		}
	}
	return sources
}

// Manifest downloads a resource of a kustomization, if the project permits its URL, or its host is allowed.
func (n *network) Manifest(ctx context.Context, address string) ([]byte, error) {
	if _, err := n.allow(ctx, address); err != nil {
		return nil, err
	}
	return n.source.artifacts.Client.File(ctx, address)
}

// permission is why something remote may be used.
type permission int

const (
	permittedByProject permission = iota + 1
	permittedByHost
)

// allow tells whether kustomizations of the project may use what is at an address.
func (n *network) allow(ctx context.Context, address string) (permission, error) {
	// The hub's own disk is nobody's base.
	if u, err := url.Parse(address); strings.Contains(address, "://") && (err != nil || !slices.Contains([]string{"https", "http", "ssh"}, u.Scheme)) {
		return 0, errors.New("only addresses over https, http and ssh are fetched")
	}
	permitted, err := n.permits(ctx, address)
	if err != nil {
		return 0, err
	}
	if permitted {
		return permittedByProject, nil
	}
	configured, err := n.source.artifacts.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return 0, err
	}
	normal := event.NormalizeURL(address)
	host, _, _ := strings.Cut(normal, "/")
	if slices.Contains(list(strings.ToLower(configured[settings.KustomizeRemoteHostsKey])), host) {
		return permittedByHost, nil
	}
	return 0, fmt.Errorf("%s is not permitted in project %q: add it to the project's sourceRepos, or its host %s to %s in argocd-cm",
		normal, n.project, host, settings.KustomizeRemoteHostsKey)
}
