package server

import (
	"context"
	"fmt"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// written is what upstream answers to who writes a repository.
func written(r *protocol.Repository) *protocol.Repository {
	return &protocol.Repository{Repo: publicURL(r.Repo), Type: r.Type, Name: r.Name}
}

func (s *Server) createRepository(ctx context.Context, c *call, q *protocol.RepoCreateRequest) (*protocol.Repository, error) {
	if q.Repo == nil || q.Repo.Repo == "" {
		return nil, errNoPayload
	}
	if err := c.allow(access.InProject(q.Repo.Project, q.Repo.Repo)); err != nil {
		return nil, err
	}
	if err := s.ofNoProject(ctx, q.Repo.Repo, q.Repo.Project); err != nil {
		return nil, err
	}
	// A project's repository isn't tested: who may only create it must not learn what its template's credentials can reach.
	if q.Repo.Project == "" {
		if err := s.testNew(ctx, q.Repo, true); err != nil {
			return nil, err
		}
	} else if _, err := reachable(q.Repo); err != nil {
		return nil, invalid(err.Error())
	}
	return s.storeRepository(ctx, c, readStore, q)
}

func (s *Server) createWriteRepository(ctx context.Context, c *call, q *protocol.RepoCreateRequest) (*protocol.Repository, error) {
	if q.Repo == nil || q.Repo.Repo == "" {
		return nil, errNoPayload
	}
	if err := c.allow(access.InProject(q.Repo.Project, q.Repo.Repo)); err != nil {
		return nil, err
	}
	if err := s.ofNoProject(ctx, q.Repo.Repo, q.Repo.Project); err != nil {
		return nil, err
	}
	if err := s.hydrates(ctx); err != nil {
		return nil, err
	}
	if !q.Repo.HasCredentials() {
		return nil, invalid("missing credentials in request")
	}
	if err := s.testNew(ctx, q.Repo, false); err != nil {
		return nil, err
	}
	return s.storeRepository(ctx, c, writeStore, q)
}

// testNew tests a repository that isn't kept yet; it may use what a template has for it.
func (s *Server) testNew(ctx context.Context, r *protocol.Repository, inherits bool) error {
	reach, err := reachable(r)
	if err != nil {
		return invalid(err.Error())
	}
	if inherits {
		if reach, _, err = s.options.Settings.Inherited(ctx, reach, ""); err != nil {
			return err
		}
	}
	return s.testRepository(ctx, reach)
}

// storeRepository keeps a new repository, or replaces one of the same address if the caller wants and may.
func (s *Server) storeRepository(ctx context.Context, c *call, store repositoryStore, q *protocol.RepoCreateRequest) (*protocol.Repository, error) {
	q.Repo.ConnectionState, q.Repo.InheritedCreds = protocol.ConnectionState{}, false
	existing, err := s.findRepository(ctx, store, q.Repo.Repo, q.Repo.Project, false)
	if err != nil {
		return nil, err
	}
	if existing == nil {
		err := s.keepRepository(ctx, store, nil, q.Repo)
		if apierrors.IsAlreadyExists(err) {
			return nil, s.nameTaken(ctx, store, q.Repo)
		}
		if err != nil {
			return nil, fmt.Errorf("writing repository '%s': %w", publicURL(q.Repo.Repo), err)
		}
		return written(q.Repo), nil
	}
	existing.Type = typeOf(&existing.Repository)
	given := *q.Repo
	given.Type = typeOf(&given)
	keys := differentFields(existing.Repository, given)
	switch {
	case len(keys) == 0:
		return written(q.Repo), nil
	case !q.Upsert:
		return nil, differentSpec(store.kind, keys)
	}
	// Upstream lets who may create replace as well; here it takes the permission to update.
	if err := c.require(c.row.permission.resource, access.Update, access.InProject(q.Repo.Project, q.Repo.Repo)); err != nil {
		return nil, err
	}
	if !c.may(c.row.permission.resource, access.Update, access.InProject(existing.Project, existing.Repo)) {
		return nil, errPermission
	}
	if err := s.keepRepository(ctx, store, existing.secret, q.Repo); err != nil {
		return nil, fmt.Errorf("writing repository '%s': %w", publicURL(q.Repo.Repo), err)
	}
	return written(q.Repo), nil
}

// nameTaken explains why a new repository's Secret can't be made.
func (s *Server) nameTaken(ctx context.Context, store repositoryStore, r *protocol.Repository) error {
	name := repositorySecretName(store.namePrefix, r.Repo, r.Project)
	taken := s.newSecret(name)
	if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(taken), taken); err != nil {
		return err
	}
	if taken.Labels[settings.SecretTypeLabel] == "" {
		return invalid(fmt.Sprintf("secret %q doesn't have the proper %q label: please fix the secret or delete it", name, settings.SecretTypeLabel))
	}
	return fail(connect.CodeAlreadyExists, fmt.Errorf("%s %q already exists", store.kind, publicURL(r.Repo)))
}

func (s *Server) updateRepository(ctx context.Context, c *call, q *protocol.RepoUpdateRequest) (*protocol.Repository, error) {
	return s.replaceRepository(ctx, c, readStore, q)
}

func (s *Server) updateWriteRepository(ctx context.Context, c *call, q *protocol.RepoUpdateRequest) (*protocol.Repository, error) {
	if q.Repo != nil {
		if err := c.allow(access.InProject(q.Repo.Project, q.Repo.Repo)); err != nil {
			return nil, err
		}
	}
	if err := s.hydrates(ctx); err != nil {
		return nil, err
	}
	return s.replaceRepository(ctx, c, writeStore, q)
}

// replaceRepository replaces a repository; the caller must be allowed to update it where it is, and where it will be.
func (s *Server) replaceRepository(ctx context.Context, c *call, store repositoryStore, q *protocol.RepoUpdateRequest) (*protocol.Repository, error) {
	if q.Repo == nil || q.Repo.Repo == "" {
		return nil, errNoPayload
	}
	if err := c.allow(access.InProject(q.Repo.Project, q.Repo.Repo)); err != nil {
		return nil, err
	}
	found, err := s.findRepository(ctx, store, q.Repo.Repo, q.Repo.Project, true)
	if err != nil {
		return nil, err
	}
	// What is kept may be another address of the same repository; its text stays with those who may get it.
	if found != nil && !c.may(c.row.permission.resource, access.Update, access.InProject(found.Project, found.Repo)) {
		return nil, errPermission
	}
	if found == nil || found.Project != q.Repo.Project {
		return nil, fail(connect.CodeNotFound, fmt.Errorf("repo '%s' not found", publicURL(q.Repo.Repo)))
	}
	if _, err := reachable(q.Repo); err != nil {
		return nil, invalid(err.Error())
	}
	if err := s.keepRepository(ctx, store, found.secret, q.Repo); err != nil {
		return nil, fmt.Errorf("writing repository '%s': %w", publicURL(q.Repo.Repo), err)
	}
	return written(q.Repo), nil
}

func (s *Server) deleteRepository(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.RepoResponse, error) {
	return s.removeRepository(ctx, c, readStore, q)
}

func (s *Server) deleteWriteRepository(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.RepoResponse, error) {
	c.filter()
	if err := s.hydrates(ctx); err != nil {
		return nil, err
	}
	return s.removeRepository(ctx, c, writeStore, q)
}

// removeRepository deletes one of the repositories that the caller sees.
func (s *Server) removeRepository(ctx context.Context, c *call, store repositoryStore, q *protocol.RepoQuery) (*protocol.RepoResponse, error) {
	c.filter() // what the caller may not get isn't found; what they may not delete is refused below
	kept, err := s.keptRepositories(ctx, store)
	if err != nil {
		return nil, err
	}
	seen := &protocol.RepositoryList{}
	for i := range kept {
		if c.may(c.row.permission.resource, access.Get, access.InProject(kept[i].Project, kept[i].Repo)) {
			seen.Items = append(seen.Items, &kept[i].Repository)
		}
	}
	one, err := oneRepository(seen, q)
	if err != nil {
		return nil, err
	}
	if err := c.allow(access.InProject(one.Project, one.Repo)); err != nil {
		return nil, err
	}
	for i := range kept {
		if &kept[i].Repository == one {
			if err := s.dropSecret(ctx, kept[i].secret); err != nil {
				return nil, fmt.Errorf("deleting repository '%s': %w", publicURL(q.Repo), err)
			}
		}
	}
	return &protocol.RepoResponse{}, nil
}

func (s *Server) validateRepository(ctx context.Context, c *call, q *protocol.RepoAccessQuery) (*protocol.RepoResponse, error) {
	if err := c.allow(access.InProject(q.Project, q.Repo)); err != nil {
		return nil, err
	}
	return &protocol.RepoResponse{}, s.testNew(ctx, asked(q), true)
}

func (s *Server) validateWriteRepository(ctx context.Context, c *call, q *protocol.RepoAccessQuery) (*protocol.RepoResponse, error) {
	if err := c.allow(access.InProject(q.Project, q.Repo)); err != nil {
		return nil, err
	}
	if err := s.hydrates(ctx); err != nil {
		return nil, err
	}
	return &protocol.RepoResponse{}, s.testNew(ctx, asked(q), false)
}

// asked is the repository that a question is about.
func asked(q *protocol.RepoAccessQuery) *protocol.Repository {
	return &protocol.Repository{
		Repo: q.Repo, Type: q.Type, Name: q.Name, Username: q.Username, Password: q.Password, BearerToken: q.BearerToken,
		SSHPrivateKey: q.SSHPrivateKey, Insecure: q.Insecure, TLSClientCertData: q.TLSClientCertData, TLSClientCertKey: q.TLSClientCertKey,
		EnableOCI: q.EnableOCI, GithubAppPrivateKey: q.GithubAppPrivateKey, GithubAppID: q.GithubAppID,
		GithubAppInstallationID: q.GithubAppInstallationID, GithubAppEnterpriseBaseURL: q.GithubAppEnterpriseBaseURL, Proxy: q.Proxy,
		GCPServiceAccountKey: q.GCPServiceAccountKey, ForceHTTPBasicAuth: q.ForceHTTPBasicAuth, InsecureOCIForceHTTP: q.InsecureOCIForceHTTP,
		UseAzureWorkloadIdentity: q.UseAzureWorkloadIdentity, AzureServicePrincipalClientID: q.AzureServicePrincipalClientID,
		AzureServicePrincipalClientSecret: q.AzureServicePrincipalClientSecret,
		AzureServicePrincipalTenantID:     q.AzureServicePrincipalTenantID, AzureActiveDirectoryEndpoint: q.AzureActiveDirectoryEndpoint,
	}
}
