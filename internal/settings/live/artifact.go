package live

import (
	"context"
	"strings"

	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/settings"
)

// ArtifactRepository is how applications of a project reach a Helm repository or OCI registry: with the credentials that
// RepositoryFor finds, and the certificates of argocd-tls-certs-cm. A registry's Secret may have oci:// in front or not.
func (s *Source) ArtifactRepository(ctx context.Context, url, project string) (artifact.Repository, error) {
	r, err := s.RepositoryFor(ctx, url, project)
	if err != nil {
		return artifact.Repository{}, err
	}
	if artifact.IsRegistry(url) && !r.HasCredentials() {
		other, bare := strings.CutPrefix(url, "oci://")
		if !bare {
			other = "oci://" + url
		}
		if r, err = s.RepositoryFor(ctx, other, project); err != nil {
			return artifact.Repository{}, err
		}
	}
	r.URL = url
	return s.ArtifactRepositoryOf(ctx, r)
}

// ArtifactRepositoryOf is how a configured repository is reached.
func (s *Source) ArtifactRepositoryOf(ctx context.Context, r settings.Repository) (artifact.Repository, error) {
	repository := artifact.Repository{
		URL: r.URL, Username: r.Username, Password: r.Password,
		ClientCertificate: r.TLSClientCertData, ClientKey: r.TLSClientCertKey,
		Insecure: r.Insecure, PlainHTTP: r.InsecureOCIForceHTTP, Proxy: r.Proxy, NoProxy: r.NoProxy,
	}
	if r.Insecure {
		return repository, nil
	}
	address := r.URL
	if !strings.Contains(address, "://") {
		address = "oci://" + address
	}
	certificates, err := s.ConfigMap(ctx, settings.TLSCertsConfigMap)
	if err != nil {
		return artifact.Repository{}, err
	}
	host, _ := hostOf(address)
	repository.CA = certificates[host]
	return repository, nil
}

// HelmRepositoryNamed is the URL of the Helm repository that an operator gave that name, as a project sees it; empty if there
// is none.
func (s *Source) HelmRepositoryNamed(ctx context.Context, name, project string) (string, error) {
	read, err := s.read(ctx)
	if err != nil {
		return "", err
	}
	found := ""
	for _, r := range read.catalog.Repositories() {
		if r.Type != "helm" || r.Name != name || r.Project != "" && r.Project != project {
			continue
		}
		found = r.URL
		if r.EnableOCI && !strings.Contains(found, "://") {
			found = "oci://" + found
		}
		if r.Project == project {
			break
		}
	}
	return found, nil
}
