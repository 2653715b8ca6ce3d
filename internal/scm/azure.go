package scm

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// AzureProject lists the repositories of a team project of Azure DevOps: learn.microsoft.com/rest/api/azure/devops/git,
// Repositories, Stats and Items.
type AzureProject struct {
	Client             *Client
	Organization, Name string
	// AllBranches asks for more than the default branch.
	AllBranches bool
}

// azureAPI is the version that Azure DevOps Server 2020 knows, and later ones and the cloud still do.
const azureAPI = "6.0"

func azure(pairs ...string) url.Values {
	query := url.Values{"api-version": {azureAPI}}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return query
}

// azureList is a list; Azure DevOps pages none of those here but that of pull requests.
type azureList[T any] struct{ Value *[]T }

func azureAll[T any](ctx context.Context, c *Client, r route, query url.Values) ([]T, error) {
	list, err := one[azureList[T]](ctx, c, r, query)
	if err != nil {
		return nil, err
	}
	if list.Value == nil {
		return nil, incomplete(AzureDevOps, "a list")
	}
	return *list.Value, nil
}

const headsPrefix = "refs/heads/"

func (a AzureProject) at(more ...string) route {
	return append(route{a.Organization, a.Name, "_apis", "git", "repositories"}, more...)
}

// Repositories implements Provider: the address is that for HTTPS whatever the protocol, as in Argo CD. The ID is a string.
func (a AzureProject) Repositories(ctx context.Context, _ string) ([]Repository, error) {
	type repository struct {
		ID, Name, RemoteURL, DefaultBranch string
		IsDisabled                         bool
	}
	listed, err := azureAll[repository](ctx, a.Client, a.at(), azure())
	if err != nil {
		return nil, fmt.Errorf("error listing repositories for %s/%s: %w", a.Organization, a.Name, err)
	}
	found := make([]Repository, 0, len(listed))
	for _, r := range listed {
		if r.ID == "" || r.Name == "" || r.RemoteURL == "" {
			return nil, incomplete(AzureDevOps, "a repository")
		}
		if r.DefaultBranch == "" || r.IsDisabled { // empty, or not to be read
			continue
		}
		found = append(found, Repository{Organization: a.Organization, Name: r.Name, URL: r.RemoteURL, Branch: r.DefaultBranch, Labels: []string{}, ID: r.ID, slug: r.ID})
	}
	return found, nil
}

type azureBranch struct {
	Name   string
	Commit struct{ CommitID string }
}

func (b azureBranch) tip() (name, sha string) { return b.Name, b.Commit.CommitID }

// Branches implements Provider.
func (a AzureProject) Branches(ctx context.Context, of Repository) ([]Repository, error) {
	at := a.at(of.slug, "stats", "branches")
	var branches []azureBranch
	var err error
	if a.AllBranches {
		branches, err = azureAll[azureBranch](ctx, a.Client, at, azure())
	} else {
		var branch azureBranch
		branch, err = one[azureBranch](ctx, a.Client, at, azure("name", strings.TrimPrefix(of.Branch, headsPrefix)))
		branches = []azureBranch{branch}
	}
	if says(err, 404, "GitRepositoryNotFoundException") {
		return nil, nil // deleted or disabled since it was listed
	}
	return branchesAt(of, branches, azureBranch.tip, err)
}

// HasPath implements Provider.
func (a AzureProject) HasPath(ctx context.Context, in Repository, path string) (bool, error) {
	_, err := a.Client.get(ctx, a.at(in.slug, "items"), azure("path", path, "$format", "json", "versionDescriptor.versionType", "branch", "versionDescriptor.version", in.Branch))
	if says(err, 404, "GitItemNotFoundException") {
		return false, nil
	}
	return err == nil, err
}

// AzurePullRequests lists the active pull requests of a repository of Azure DevOps that have all of the labels: "Get pull requests
// by project". Of a project's repositories, one that doesn't exist can't be told from one without pull requests, as in Argo CD.
type AzurePullRequests struct {
	Client                            *Client
	Organization, Project, Repository string
	Labels                            []string
}

type azurePullRequest struct {
	PullRequestID         int64
	Title                 string
	SourceRefName         string
	TargetRefName         string
	Repository            struct{ Name string }
	LastMergeSourceCommit struct{ CommitID string }
	Labels                []struct{ Name string }
	CreatedBy             struct{ UniqueName string }
}

// PullRequests implements PullRequests.
func (a AzurePullRequests) PullRequests(ctx context.Context) ([]PullRequest, error) {
	at := route{a.Organization, a.Project, "_apis", "git", "pullrequests"}
	listed, err := all(ctx, a.Client, at, azure("searchCriteria.status", "active", "$top", strconv.Itoa(pageSize)), azurePages(a.Client))
	if says(err, 404, "the following project does not exist", "ProjectDoesNotExist") {
		err = notFoundError{err}
	}
	if err != nil {
		return nil, fmt.Errorf("failed to get pull requests by project: %w", err)
	}
	found := make([]PullRequest, 0, len(listed))
	for _, p := range listed {
		if p.Repository.Name != a.Repository {
			continue
		}
		if p.PullRequestID == 0 || p.SourceRefName == "" {
			return nil, incomplete(AzureDevOps, "a pull request")
		}
		if p.LastMergeSourceCommit.CommitID == "" { // Azure DevOps hasn't looked at it yet
			continue
		}
		labels := []string{}
		for _, label := range p.Labels {
			labels = append(labels, label.Name)
		}
		if !hasAll(labels, a.Labels) {
			continue
		}
		author, _, _ := strings.Cut(p.CreatedBy.UniqueName, "@")
		found = append(found, PullRequest{Number: p.PullRequestID, Title: p.Title, Branch: strings.TrimPrefix(p.SourceRefName, headsPrefix),
			TargetBranch: strings.TrimPrefix(p.TargetRefName, headsPrefix), HeadSHA: p.LastMergeSourceCommit.CommitID, Labels: labels, Author: author})
	}
	return found, nil
}

// azurePages reads pages that tell neither how many there are nor which is next: the last is the one that isn't full.
func azurePages(c *Client) reader[azurePullRequest] {
	return func(got reply, query url.Values) ([]azurePullRequest, url.Values, error) {
		var page azureList[azurePullRequest]
		if err := decode(c, got.body, &page); err != nil {
			return nil, nil, err
		}
		if page.Value == nil {
			return nil, nil, incomplete(AzureDevOps, "a list")
		}
		if len(*page.Value) < pageSize {
			return *page.Value, nil, nil
		}
		skipped, _ := strconv.Atoi(query.Get("$skip")) // none at first
		return *page.Value, with(query, "$skip", strconv.Itoa(skipped+len(*page.Value))), nil
	}
}
