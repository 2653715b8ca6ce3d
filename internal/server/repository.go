package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// errNoPayload is upstream's text for a request without what it is about.
var errNoPayload = invalid("missing payload in request")

// repositoryFilter is what a listing shows: those for which the row, or getting, is allowed.
type repositoryFilter struct {
	store repositoryStore
	check access.Check
	force bool
}

func (s *Server) listRepositories(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.RepositoryList, error) {
	return s.repositoryList(ctx, repositoryFilter{readStore, c.filter(), q.ForceRefresh})
}

func (s *Server) listWriteRepositories(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.RepositoryList, error) {
	check := c.filter()
	if err := s.hydrates(ctx); err != nil {
		return nil, err
	}
	return s.repositoryList(ctx, repositoryFilter{writeStore, check, q.ForceRefresh})
}

// hydrates tells whether the operator lets credentials for pushing be kept.
func (s *Server) hydrates(ctx context.Context) error {
	parameters, err := s.options.Settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
	if err != nil {
		return err
	}
	if parameters[settings.HydratorKey] != "true" {
		return fail(connect.CodeUnimplemented, errHydrator)
	}
	return nil
}

func (s *Server) repositoryList(ctx context.Context, filter repositoryFilter) (*protocol.RepositoryList, error) {
	kept, err := s.keptRepositories(ctx, filter.store)
	if err != nil {
		return nil, err
	}
	list := &protocol.RepositoryList{Items: []*protocol.Repository{}}
	var tests sync.WaitGroup
	places := make(chan struct{}, 8)
	for _, one := range kept {
		if filter.check(access.InProject(one.Project, one.Repo)) != access.Allowed {
			continue
		}
		answer, reach, err := s.showRepository(ctx, filter.store, &one)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, answer)
		if one.broken != nil {
			s.options.Logger.WarnContext(ctx, "a repository can't be read", "error", one.broken)
			answer.ConnectionState = s.connections.broken(s.options.Clock.Now())
			continue
		}
		tests.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			answer.ConnectionState = s.connectionState(ctx, reach, filter.force)
		})
	}
	tests.Wait()
	slices.SortStableFunc(list.Items, func(a, b *protocol.Repository) int {
		return cmp.Compare(a.Project+"/"+a.Repo, b.Project+"/"+b.Repo)
	})
	return list, nil
}

// showRepository is a kept repository as it may be shown, and as it is reached, both with what it inherits.
func (s *Server) showRepository(ctx context.Context, store repositoryStore, one *keptRepository) (*protocol.Repository, settings.Repository, error) {
	answer := shown(&one.Repository)
	if one.broken != nil {
		return answer, settings.Repository{}, nil
	}
	reach, err := reachable(&one.Repository)
	if err != nil || store.secretType != settings.SecretTypeRepository || one.HasCredentials() {
		return answer, reach, err
	}
	inherited, inherits, err := s.options.Settings.Inherited(ctx, reach, one.Project)
	if err != nil || !inherits {
		return answer, reach, err
	}
	answer.InheritedCreds, answer.Username = true, inherited.Username
	answer.GithubAppID, answer.GithubAppInstallationID = inherited.GitHubAppID, inherited.GitHubAppInstallationID
	answer.GithubAppEnterpriseBaseURL = inherited.GitHubAppEnterpriseBaseURL
	return answer, inherited, nil
}

// oneRepository picks from a list the repository that a query names. Of several with the same address it is the one of the
// query's project. Who sees none can't tell whether it exists.
func oneRepository(list *protocol.RepositoryList, q *protocol.RepoQuery) (*protocol.Repository, error) {
	var found []*protocol.Repository
	for _, r := range list.Items {
		if settings.SameURL(r.Repo, q.Repo) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0:
		return nil, errPermission
	case len(found) == 1 && q.AppProject == "":
		return found[0], nil
	}
	for _, r := range found {
		if r.Project == q.AppProject {
			return r, nil
		}
	}
	return nil, fail(connect.CodeUnknown, fmt.Errorf("repository not found for url %q and project %q", publicURL(q.Repo), q.AppProject))
}

func (s *Server) getRepository(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.Repository, error) {
	list, err := s.listRepositories(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return oneRepository(list, q)
}

func (s *Server) getWriteRepository(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.Repository, error) {
	list, err := s.listWriteRepositories(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return oneRepository(list, q)
}

// repositoryFor is the repository with an address as a project's applications see it, which may be one that nobody configured;
// the row's permission on it is checked.
func (s *Server) repositoryFor(ctx context.Context, c *call, address, project string) (settings.Repository, error) {
	r, err := s.options.Settings.RepositoryFor(ctx, address, project)
	if err != nil {
		return r, err
	}
	return r, c.allow(access.InProject(r.Project, r.URL))
}
