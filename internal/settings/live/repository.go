package live

import (
	"context"
	_ "embed" // the default known hosts
	"net/url"
	"slices"
	"sort"
	"strings"

	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/settings"
)

// defaultKnownHosts are the public keys of github.com, gitlab.com, bitbucket.org and Azure DevOps, as these hosts publish
// them and Argo CD's installation has them.
//
//go:embed known_hosts
var defaultKnownHosts string

// RepositoryFor returns the repository with that URL and its credentials, as applications of the project may use it: those of
// the project's own Secret, else of one of no project, else of the repo-creds template with the longest matching prefix, else
// none. An empty project has no Secret of its own.
func (s *Source) RepositoryFor(ctx context.Context, url, project string) (settings.Repository, error) {
	read, err := s.read(ctx)
	if err != nil {
		return settings.Repository{}, err
	}
	return read.catalog.Find(url, project), nil
}

// Repositories are the configured repositories, by URL, with the credentials of their templates filled in.
func (s *Source) Repositories(ctx context.Context) ([]settings.Repository, error) {
	read, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	repositories := slices.Clone(read.catalog.Repositories())
	for i, r := range repositories {
		repositories[i] = read.catalog.Find(r.URL, r.Project)
	}
	sort.Slice(repositories, func(i, j int) bool { return repositories[i].URL < repositories[j].URL })
	return repositories, nil
}

// Inherited is a repository, which need not be kept, with what it inherits from a repo-creds template that the project may use,
// and whether there is one.
func (s *Source) Inherited(ctx context.Context, r settings.Repository, project string) (settings.Repository, bool, error) {
	read, err := s.read(ctx)
	if err != nil {
		return r, false, err
	}
	r, inherits := read.catalog.Inherited(r, project)
	return r, inherits, nil
}

// Remote is how applications of a project reach the Git repository with that URL: with the credentials that RepositoryFor
// finds, the certificates of argocd-tls-certs-cm and the host keys of argocd-ssh-known-hosts-cm.
func (s *Source) Remote(ctx context.Context, url, project string) (git.Remote, error) {
	r, err := s.RepositoryFor(ctx, url, project)
	if err != nil {
		return git.Remote{}, err
	}
	return s.RemoteOf(ctx, r)
}

// RemoteOf is how a configured repository is reached.
func (s *Source) RemoteOf(ctx context.Context, r settings.Repository) (git.Remote, error) {
	remote := git.Remote{
		URL: r.URL, Username: r.Username, Password: r.Password, BearerToken: r.BearerToken,
		SSHPrivateKey: r.SSHPrivateKey, ClientCertificate: r.TLSClientCertData, ClientKey: r.TLSClientCertKey,
		Proxy: r.Proxy, NoProxy: r.NoProxy, Insecure: r.Insecure, LFS: r.EnableLFS, Scope: r.Project,
		GitHubApp: git.GitHubApp{
			ID: r.GitHubAppID, Installation: r.GitHubAppInstallationID, PrivateKey: r.GitHubAppPrivateKey, BaseURL: r.GitHubAppEnterpriseBaseURL,
		},
	}
	host, overHTTP := hostOf(r.URL)
	if r.Insecure {
		return remote, nil
	}
	if overHTTP {
		certificates, err := s.ConfigMap(ctx, settings.TLSCertsConfigMap)
		if err != nil {
			return git.Remote{}, err
		}
		remote.CA = certificates[host]
		return remote, nil
	}
	hosts, err := s.ConfigMap(ctx, settings.KnownHostsConfigMap)
	if err != nil {
		return git.Remote{}, err
	}
	remote.KnownHosts = defaultKnownHosts
	if known, ok := hosts[settings.KnownHostsKey]; ok {
		remote.KnownHosts = known
	}
	return remote, nil
}

// hostOf is the host of a repository, without its port, which no key of a ConfigMap could hold.
func hostOf(repository string) (host string, overHTTP bool) {
	u, err := url.Parse(strings.TrimSpace(repository))
	if err != nil {
		return "", false
	}
	return u.Hostname(), u.Scheme == "https" || u.Scheme == "http"
}
