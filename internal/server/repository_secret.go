package server

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// repositoryStore is where repositories of one sort are kept: those that are read, or those that are written to.
type repositoryStore struct {
	secretType, templateType     string
	namePrefix, templatePrefix   string
	notFound, kind, templateKind string
}

var (
	readStore = repositoryStore{
		settings.SecretTypeRepository, settings.SecretTypeRepoCreds, "repo", "creds", "repo '%s' not found", "repository", "repository credentials",
	}
	writeStore = repositoryStore{
		settings.SecretTypeRepositoryWrite, settings.SecretTypeRepoCredsWrite, "repo-write", "creds-write", "write repo '%s' not found",
		"write repository", "write repository credentials",
	}
)

// repositoryFields are the keys of a repository's Secret.
func repositoryFields(r *protocol.Repository) []secretField {
	return []secretField{
		{"name", &r.Name}, {"project", &r.Project}, {"url", &r.Repo}, {"username", &r.Username}, {"password", &r.Password},
		{"bearerToken", &r.BearerToken}, {"sshPrivateKey", &r.SSHPrivateKey}, {"enableOCI", &r.EnableOCI},
		{"insecureOCIForceHttp", &r.InsecureOCIForceHTTP}, {"tlsClientCertData", &r.TLSClientCertData},
		{"tlsClientCertKey", &r.TLSClientCertKey}, {"type", &r.Type}, {"githubAppPrivateKey", &r.GithubAppPrivateKey},
		{"githubAppID", &r.GithubAppID}, {"githubAppInstallationID", &r.GithubAppInstallationID},
		{"githubAppEnterpriseBaseUrl", &r.GithubAppEnterpriseBaseURL}, {"insecureIgnoreHostKey", &r.InsecureIgnoreHostKey},
		{"insecure", &r.Insecure}, {"enableLfs", &r.EnableLFS}, {"proxy", &r.Proxy}, {"noProxy", &r.NoProxy},
		{"gcpServiceAccountKey", &r.GCPServiceAccountKey}, {"forceHttpBasicAuth", &r.ForceHTTPBasicAuth},
		{"useAzureWorkloadIdentity", &r.UseAzureWorkloadIdentity}, {"depth", &r.Depth},
		{"webhookManifestCacheWarmDisabled", &r.WebhookManifestCacheWarmDisabled},
		{"azureServicePrincipalClientId", &r.AzureServicePrincipalClientID},
		{"azureServicePrincipalClientSecret", &r.AzureServicePrincipalClientSecret},
		{"azureServicePrincipalTenantId", &r.AzureServicePrincipalTenantID},
		{"azureActiveDirectoryEndpoint", &r.AzureActiveDirectoryEndpoint},
	}
}

// templateFields are the keys of a credential template's Secret. Two of them upstream spells otherwise than a repository's.
func templateFields(c *protocol.RepoCreds) []secretField {
	return []secretField{
		{"url", &c.URL}, {"username", &c.Username}, {"password", &c.Password}, {"bearerToken", &c.BearerToken},
		{"sshPrivateKey", &c.SSHPrivateKey}, {"enableOCI", &c.EnableOCI}, {"insecureOCIForceHttp", &c.InsecureOCIForceHTTP},
		{"tlsClientCertData", &c.TLSClientCertData}, {"tlsClientCertKey", &c.TLSClientCertKey}, {"type", &c.Type},
		{"githubAppPrivateKey", &c.GithubAppPrivateKey}, {"githubAppID", &c.GithubAppID},
		{"githubAppInstallationID", &c.GithubAppInstallationID}, {"githubAppEnterpriseBaseUrl", &c.GithubAppEnterpriseBaseURL},
		{"gcpServiceAccountKey", &c.GCPServiceAccountKey}, {"proxy", &c.Proxy}, {"noProxy", &c.NoProxy},
		{"forceHttpBasicAuth", &c.ForceHTTPBasicAuth}, {"useAzureWorkloadIdentity", &c.UseAzureWorkloadIdentity},
		{"azureServicePrincipalClientID", &c.AzureServicePrincipalClientID},
		{"azureServicePrincipalClientSecret", &c.AzureServicePrincipalClientSecret},
		{"azureServicePrincipalTenantID", &c.AzureServicePrincipalTenantID},
		{"azureActiveDirectoryEndpoint", &c.AzureActiveDirectoryEndpoint},
	}
}

// keptRepository is a repository that has a Secret.
type keptRepository struct {
	// secret is a copy, and may be changed.
	secret *corev1.Secret
	protocol.Repository
	// broken is why its Secret can't be read; nil if it can.
	broken error
}

// keptRepositories are those of a store, with what they inherit not filled in.
func (s *Server) keptRepositories(ctx context.Context, store repositoryStore) ([]keptRepository, error) {
	secrets, err := s.secretsOf(ctx, store.secretType)
	if err != nil {
		return nil, err
	}
	kept := make([]keptRepository, 0, len(secrets))
	for i := range secrets {
		one := keptRepository{secret: secrets[i].DeepCopy()}
		one.broken = readSecret(one.secret, repositoryFields(&one.Repository))
		kept = append(kept, one)
	}
	return kept, nil
}

// findRepository finds a project's repository by its address; with fallback, also one of no project. Nil if there is none.
func (s *Server) findRepository(ctx context.Context, store repositoryStore, address, project string, fallback bool) (*keptRepository, error) {
	kept, err := s.keptRepositories(ctx, store)
	if err != nil {
		return nil, err
	}
	var found *keptRepository
	for i := range kept {
		if !settings.SameURL(kept[i].Repo, address) {
			continue
		}
		if kept[i].Project == project {
			return &kept[i], nil
		}
		if kept[i].Project == "" && fallback && found == nil {
			found = &kept[i]
		}
	}
	return found, nil
}

// ofNoProject refuses an address of no project's repository that policies would take for one of a project's: a registry without
// a scheme whose host is called as a project is. Who may configure repositories in that project mustn't configure it for all.
func (s *Server) ofNoProject(ctx context.Context, address, name string) error {
	first, _, found := strings.Cut(address, "/")
	if name != "" || !found || first == "" || strings.ContainsAny(first, ":@") {
		return nil
	}
	_, err := s.project(ctx, first)
	if apierrors.IsNotFound(err) || apierrors.IsInvalid(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading project '%s': %w", first, err)
	}
	return invalid(fmt.Sprintf("the repository's URL begins with the name of project '%s': write it with a scheme, such as oci://", first))
}

// keepRepository writes a repository to a Secret: the given one, or a new one if it is nil.
func (s *Server) keepRepository(ctx context.Context, store repositoryStore, secret *corev1.Secret, r *protocol.Repository) error {
	if secret == nil {
		secret = s.newSecret(repositorySecretName(store.namePrefix, r.Repo, r.Project))
	}
	writeSecret(secret, store.secretType, repositoryFields(r))
	return s.saveSecret(ctx, secret)
}

// reachable is a repository as the hub reaches it: as if it were kept.
func reachable(r *protocol.Repository) (settings.Repository, error) {
	secret := &corev1.Secret{}
	writeSecret(secret, settings.SecretTypeRepository, repositoryFields(r))
	found, err := settings.RepositoryFromSecret(secret)
	if err != nil {
		return found, fmt.Errorf("reading the repository: %w", err)
	}
	return found, nil
}

// shown is a repository as it may be shown: without credentials, with its type.
func shown(r *protocol.Repository) *protocol.Repository {
	return &protocol.Repository{
		Repo: publicURL(r.Repo), Type: typeOf(r), Name: r.Name, Username: r.Username,
		Insecure: r.Insecure || r.InsecureIgnoreHostKey || r.InsecureOCIForceHTTP, EnableLFS: r.EnableLFS, EnableOCI: r.EnableOCI,
		Proxy: publicURL(r.Proxy), NoProxy: r.NoProxy, Project: r.Project, ForceHTTPBasicAuth: r.ForceHTTPBasicAuth,
		InheritedCreds: r.InheritedCreds, GithubAppID: r.GithubAppID, GithubAppInstallationID: r.GithubAppInstallationID,
		GithubAppEnterpriseBaseURL: r.GithubAppEnterpriseBaseURL, UseAzureWorkloadIdentity: r.UseAzureWorkloadIdentity,
		AzureActiveDirectoryEndpoint:  r.AzureActiveDirectoryEndpoint,
		AzureServicePrincipalClientID: r.AzureServicePrincipalClientID, AzureServicePrincipalTenantID: r.AzureServicePrincipalTenantID,
		Depth: r.Depth,
	}
}

func typeOf(r *protocol.Repository) string {
	switch {
	case r.Type != "":
		return r.Type
	case strings.HasPrefix(r.Repo, "oci://"):
		return "oci"
	}
	return "git"
}

// publicURL is a URL without a password in it.
func publicURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		// What can't be read may have a password anywhere before the last @.
		scheme, rest, ok := strings.Cut(text, "://")
		if at := strings.LastIndexByte(rest, '@'); ok && at >= 0 {
			return scheme + "://" + rest[at+1:]
		}
		return text
	}
	if _, has := u.User.Password(); has {
		u.User = url.User(u.User.Username())
		return u.String()
	}
	return text
}
