package generator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/scm"
	"fairlead.dev/fairlead/internal/slug"
)

// PullRequest finds parameters in the pull requests of a repository on a Git host.
type PullRequest struct {
	options HostOptions
	answers answers[[]scm.PullRequest]
}

// NewPullRequest makes the generator.
func NewPullRequest(options HostOptions) *PullRequest {
	return &PullRequest{options: options, answers: answers[[]scm.PullRequest]{now: options.Now}}
}

// RequeueAfter implements Generator.
func (p *PullRequest) RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	return After(g.PullRequest.RequeueAfterSeconds, DefaultRequeue)
}

// Forget has the host asked again the next time by the generators that are concerned.
func (p *PullRequest) Forget(concerned func(*v1alpha1.ApplicationSetGenerator) bool) {
	p.answers.forget(concerned)
}

// Params implements Generator.
func (p *PullRequest) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, listingTimeout, errors.New("the host doesn't answer in time"))
	defer cancel()
	lister, access, err := p.lister(ctx, g.PullRequest, set)
	if err != nil {
		return nil, fmt.Errorf("failed to select pull request service provider: %w", err)
	}
	filters, err := pullRequestFilters(g.PullRequest.Filters)
	if err != nil {
		return nil, fmt.Errorf("error listing repos: %w", err)
	}
	question := *g.PullRequest
	question.Template, question.Values, question.RequeueAfterSeconds = v1alpha1.ApplicationSetTemplate{}, nil, nil
	found, err := p.answers.get(v1alpha1.ApplicationSetGenerator{PullRequest: &question}, set, p.RequeueAfter(g), access, func() ([]scm.PullRequest, error) {
		return scm.FindPullRequests(ctx, lister, filters)
	})
	if errors.Is(err, scm.ErrNotFound) && g.PullRequest.ContinueOnRepoNotFoundError {
		return []Params{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("error listing repos: %w", err)
	}
	all := make([]Params, 0, len(found))
	for _, request := range found {
		params := pullRequestParams(request)
		if set.Spec.GoTemplate { // they are a list, which the other templates don't know
			params["labels"] = slices.Clone(request.Labels)
		}
		if err := appset.AddValues(params, g.PullRequest.Values, set); err != nil {
			return nil, fmt.Errorf("failed to append templated values: %w", err)
		}
		all = append(all, params)
	}
	return all, nil
}

func pullRequestParams(p scm.PullRequest) Params {
	return Params{
		"number": strconv.FormatInt(p.Number, 10), "title": p.Title, "author": p.Author,
		"branch": p.Branch, "branch_slug": branchSlug(p.Branch),
		"target_branch": p.TargetBranch, "target_branch_slug": branchSlug(p.TargetBranch),
		"head_sha": p.HeadSHA, "head_short_sha": short(p.HeadSHA, 8), "head_short_sha_7": short(p.HeadSHA, 7),
	}
}

// branchSlug leaves 13 of the 63 bytes that a label may have for what is put before or behind it.
func branchSlug(branch string) string {
	return slug.Make(strings.ReplaceAll(branch, "_", "-"), 50, true)
}

// pullRequestAPI is the address that the generator names.
func pullRequestAPI(g *v1alpha1.PullRequestGenerator) string {
	switch {
	case g.Github != nil:
		return g.Github.API
	case g.GitLab != nil:
		return g.GitLab.API
	case g.Gitea != nil:
		return g.Gitea.API
	case g.BitbucketServer != nil:
		return g.BitbucketServer.API
	case g.Bitbucket != nil:
		return g.Bitbucket.API
	case g.AzureDevOps != nil:
		return g.AzureDevOps.API
	}
	return ""
}

func (p *PullRequest) lister(ctx context.Context, g *v1alpha1.PullRequestGenerator, set *v1alpha1.ApplicationSet) (scm.PullRequests, scm.Access, error) {
	asking, err := p.options.ask(ctx, set, pullRequestAPI(g))
	if err != nil {
		return nil, scm.Access{}, err
	}
	kind, access, err := asking.pullRequestAccess(ctx, g)
	if err != nil {
		return nil, access, err
	}
	c, err := p.options.Hosts.Client(kind, access)
	if err != nil {
		return nil, access, err
	}
	switch {
	case g.Github != nil:
		return scm.GitHubPullRequests{Client: c, Owner: g.Github.Owner, Repository: g.Github.Repo, Labels: g.Github.Labels}, access, nil
	case g.GitLab != nil:
		return scm.GitLabMergeRequests{Client: c, Project: g.GitLab.Project, Labels: g.GitLab.Labels, State: g.GitLab.PullRequestState}, access, nil
	case g.Gitea != nil:
		return scm.GiteaPullRequests{Client: c, Owner: g.Gitea.Owner, Repository: g.Gitea.Repo, Labels: g.Gitea.Labels}, access, nil
	case g.BitbucketServer != nil:
		return scm.BitbucketServerPullRequests{Client: c, Project: g.BitbucketServer.Project, Repository: g.BitbucketServer.Repo}, access, nil
	case g.Bitbucket != nil:
		return scm.BitbucketPullRequests{Client: c, Owner: g.Bitbucket.Owner, Repository: g.Bitbucket.Repo}, access, nil
	default:
		z := g.AzureDevOps
		return scm.AzurePullRequests{Client: c, Organization: z.Organization, Project: z.Project, Repository: z.Repo, Labels: z.Labels}, access, nil
	}
}

// pullRequestAccess is the kind of host that the generator asks, and how.
func (a asking) pullRequestAccess(ctx context.Context, g *v1alpha1.PullRequestGenerator) (kind scm.Kind, access scm.Access, err error) {
	var token *v1alpha1.SecretRef
	switch {
	case g.Github != nil:
		access, err = a.github(ctx, g.Github.API, g.Github.Owner, g.Github.AppSecretName, g.Github.TokenRef)
		if err != nil && g.Github.AppSecretName != "" {
			return scm.GitHub, access, fmt.Errorf("error getting GitHub App secret: %w", err)
		} else if err != nil {
			err = fmt.Errorf("error fetching Secret token: %w", err)
		}
		return scm.GitHub, access, err
	case g.BitbucketServer != nil:
		b := g.BitbucketServer
		var ca string
		if ca, err = a.ca(ctx, b.CARef); err == nil {
			access, err = a.bitbucket(ctx, b.API, tokenOf(b.BearerToken), b.BasicAuth)
		}
		access.CA, access.Insecure = ca, b.Insecure
		return scm.BitbucketServer, access, err
	case g.Bitbucket != nil:
		if g.Bitbucket.BearerToken != nil {
			token = g.Bitbucket.BearerToken.TokenRef
		}
		access, err = a.bitbucket(ctx, g.Bitbucket.API, token, g.Bitbucket.BasicAuth)
		return scm.Bitbucket, access, err
	case g.GitLab != nil:
		kind, token, access = scm.GitLab, g.GitLab.TokenRef, scm.Access{API: g.GitLab.API, Insecure: g.GitLab.Insecure}
		if access.CA, err = a.ca(ctx, g.GitLab.CARef); err != nil {
			return kind, access, err
		}
	case g.Gitea != nil:
		kind, token, access = scm.Gitea, g.Gitea.TokenRef, scm.Access{API: g.Gitea.API, Insecure: g.Gitea.Insecure}
	case g.AzureDevOps != nil:
		kind, token, access = scm.AzureDevOps, g.AzureDevOps.TokenRef, scm.Access{API: g.AzureDevOps.API}
	default:
		return "", access, errors.New("no Pull Request provider implementation configured")
	}
	if access.Token, err = a.secret(ctx, token); err != nil {
		err = fmt.Errorf("error fetching Secret token: %w", err)
	}
	return kind, access, err
}

func pullRequestFilters(given []v1alpha1.PullRequestGeneratorFilter) ([]scm.PullRequestFilter, error) {
	filters := make([]scm.PullRequestFilter, len(given))
	for i, f := range given {
		if err := compile(map[string]match{
			"BranchMatch": {f.BranchMatch, &filters[i].Branch}, "TargetBranchMatch": {f.TargetBranchMatch, &filters[i].TargetBranch},
			"TitleMatch": {f.TitleMatch, &filters[i].Title},
		}); err != nil {
			return nil, err
		}
	}
	return filters, nil
}
