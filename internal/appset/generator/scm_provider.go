package generator

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/scm"
	"fairlead.dev/fairlead/internal/slug"
)

// SCMProvider finds parameters in the repositories that a Git host has.
type SCMProvider struct {
	options HostOptions
	answers answers[[]scm.Repository]
}

// NewSCMProvider makes the generator.
func NewSCMProvider(options HostOptions) *SCMProvider {
	return &SCMProvider{options: options, answers: answers[[]scm.Repository]{now: options.Now}}
}

// RequeueAfter implements Generator.
func (s *SCMProvider) RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	return After(g.SCMProvider.RequeueAfterSeconds, DefaultRequeue)
}

// Forget has the host asked again the next time by the generators that are concerned.
func (s *SCMProvider) Forget(concerned func(*v1alpha1.ApplicationSetGenerator) bool) {
	s.answers.forget(concerned)
}

// Params implements Generator.
func (s *SCMProvider) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, listingTimeout, errors.New("the host doesn't answer in time"))
	defer cancel()
	asking, err := s.options.ask(ctx, set, scmAPI(g.SCMProvider))
	if err != nil {
		return nil, err
	}
	filters, err := scmFilters(g.SCMProvider.Filters)
	if err != nil {
		return nil, fmt.Errorf("error listing repos: %w", err)
	}
	kind, access, err := asking.scmAccess(ctx, g.SCMProvider)
	if err != nil {
		return nil, err
	}
	client, err := s.options.Hosts.Client(kind, access)
	if err != nil {
		return nil, fmt.Errorf("error initializing %s service: %w", kind, err)
	}
	question := *g.SCMProvider
	question.Template, question.Values, question.RequeueAfterSeconds = v1alpha1.ApplicationSetTemplate{}, nil, nil
	found, err := s.answers.get(v1alpha1.ApplicationSetGenerator{SCMProvider: &question}, set, s.RequeueAfter(g), access, func() ([]scm.Repository, error) {
		return scm.Find(ctx, scmProvider(g.SCMProvider, client), filters, g.SCMProvider.CloneProtocol)
	})
	if err != nil {
		return nil, fmt.Errorf("error listing repos: %w", err)
	}
	all := make([]Params, 0, len(found))
	for _, repository := range found {
		params := repositoryParams(repository)
		if err := appset.AddValues(params, g.SCMProvider.Values, set); err != nil {
			return nil, fmt.Errorf("failed to append templated values: %w", err)
		}
		all = append(all, params)
	}
	return all, nil
}

func repositoryParams(r scm.Repository) Params {
	return Params{
		"organization": r.Organization, "repository": r.Name, "repository_id": r.ID, "url": r.URL,
		"branch": r.Branch, "branchNormalized": slug.DNSName(r.Branch),
		"sha": r.SHA, "short_sha": short(r.SHA, 8), "short_sha_7": short(r.SHA, 7),
		"labels": strings.Join(r.Labels, ","),
	}
}

func short(sha string, length int) string { return sha[:min(len(sha), length)] }

// scmAPI is the address that the generator names; empty for those that can't name any.
func scmAPI(g *v1alpha1.SCMProviderGenerator) string {
	switch {
	case g.Github != nil:
		return g.Github.API
	case g.Gitlab != nil:
		return g.Gitlab.API
	case g.Gitea != nil:
		return g.Gitea.API
	case g.BitbucketServer != nil:
		return g.BitbucketServer.API
	case g.AzureDevOps != nil:
		return g.AzureDevOps.API
	}
	return ""
}

// scmAccess is the kind of host that the generator asks, and how.
func (a asking) scmAccess(ctx context.Context, g *v1alpha1.SCMProviderGenerator) (kind scm.Kind, access scm.Access, err error) {
	switch {
	case g.Github != nil:
		if access, err = a.github(ctx, g.Github.API, g.Github.Organization, g.Github.AppSecretName, g.Github.TokenRef); err != nil {
			what := "token"
			if g.Github.AppSecretName != "" {
				what = "app secret"
			}
			err = fmt.Errorf("scm provider: error fetching Github %s: %w", what, err)
		}
		return scm.GitHub, access, err
	case g.Gitlab != nil:
		access = scm.Access{API: g.Gitlab.API, Insecure: g.Gitlab.Insecure}
		if access.CA, err = a.ca(ctx, g.Gitlab.CARef); err == nil {
			if access.Token, err = a.secret(ctx, g.Gitlab.TokenRef); err != nil {
				err = fmt.Errorf("error fetching Gitlab token: %w", err)
			}
		}
		return scm.GitLab, access, err
	case g.Gitea != nil:
		access = scm.Access{API: g.Gitea.API, Insecure: g.Gitea.Insecure}
		if access.Token, err = a.secret(ctx, g.Gitea.TokenRef); err != nil {
			err = fmt.Errorf("error fetching Gitea token: %w", err)
		}
		return scm.Gitea, access, err
	case g.BitbucketServer != nil:
		b := g.BitbucketServer
		var ca string
		if ca, err = a.ca(ctx, b.CARef); err == nil {
			access, err = a.bitbucket(ctx, b.API, tokenOf(b.BearerToken), b.BasicAuth)
		}
		access.CA, access.Insecure = ca, b.Insecure
		return scm.BitbucketServer, access, err
	case g.AzureDevOps != nil:
		access = scm.Access{API: g.AzureDevOps.API}
		if access.Token, err = a.secret(ctx, g.AzureDevOps.AccessTokenRef); err != nil {
			err = fmt.Errorf("error fetching Azure Devops access token: %w", err)
		} else if access.Token == "" {
			err = errors.New("error initializing Azure Devops service: no access token provided")
		}
		return scm.AzureDevOps, access, err
	case g.Bitbucket != nil:
		access = scm.Access{Username: g.Bitbucket.User}
		if access.Password, err = a.secret(ctx, g.Bitbucket.AppPasswordRef); err != nil {
			err = fmt.Errorf("error fetching Bitbucket cloud appPassword: %w", err)
		}
		return scm.Bitbucket, access, err
	case g.AWSCodeCommit != nil:
		return "", access, errors.New("AWS CodeCommit is not supported: list its repositories with another generator")
	}
	return "", access, errors.New("no SCM provider implementation configured")
}

func tokenOf(bearer *v1alpha1.BearerTokenBitbucket) *v1alpha1.SecretRef {
	if bearer == nil {
		return nil
	}
	return bearer.TokenRef
}

func scmProvider(g *v1alpha1.SCMProviderGenerator, c *scm.Client) scm.Provider {
	switch {
	case g.Github != nil:
		return scm.GitHubOrganization{Client: c, Name: g.Github.Organization, AllBranches: g.Github.AllBranches, ExcludeArchived: g.Github.ExcludeArchivedRepos}
	case g.Gitlab != nil:
		l := g.Gitlab
		return scm.GitLabGroup{Client: c, Name: l.Group, AllBranches: l.AllBranches, IncludeSubgroups: l.IncludeSubgroups,
			IncludeShared: l.IncludeSharedProjects == nil || *l.IncludeSharedProjects, IncludeArchived: l.IncludeArchivedRepos, Topic: l.Topic}
	case g.Gitea != nil:
		return scm.GiteaOwner{Client: c, Name: g.Gitea.Owner, AllBranches: g.Gitea.AllBranches, ExcludeArchived: g.Gitea.ExcludeArchivedRepos}
	case g.BitbucketServer != nil:
		return scm.BitbucketProject{Client: c, Key: g.BitbucketServer.Project, AllBranches: g.BitbucketServer.AllBranches}
	case g.AzureDevOps != nil:
		return scm.AzureProject{Client: c, Organization: g.AzureDevOps.Organization, Name: g.AzureDevOps.TeamProject, AllBranches: g.AzureDevOps.AllBranches}
	default:
		return scm.BitbucketWorkspace{Client: c, Name: g.Bitbucket.Owner, AllBranches: g.Bitbucket.AllBranches}
	}
}

func scmFilters(given []v1alpha1.SCMProviderGeneratorFilter) ([]scm.Filter, error) {
	filters := make([]scm.Filter, len(given))
	for i, f := range given {
		filters[i] = scm.Filter{PathsExist: slices.Clone(f.PathsExist), PathsDoNotExist: slices.Clone(f.PathsDoNotExist)}
		if err := compile(map[string]match{
			"RepositoryMatch": {f.RepositoryMatch, &filters[i].Repository}, "LabelMatch": {f.LabelMatch, &filters[i].Label},
			"BranchMatch": {f.BranchMatch, &filters[i].Branch},
		}); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

// match is a regular expression, nil for none, and where it is to be once it is read.
type match struct {
	text *string
	into **regexp.Regexp
}

func compile(matches map[string]match) error {
	for name, m := range matches {
		if m.text == nil {
			continue
		}
		expression, err := regexp.Compile(*m.text)
		if err != nil {
			return fmt.Errorf("error compiling %s regexp %q: %w", name, *m.text, err)
		}
		*m.into = expression
	}
	return nil
}
