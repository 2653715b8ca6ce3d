package scm

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

// GitHubOrganization lists the repositories of an organization of GitHub: docs.github.com/rest, "List organization repositories",
// "List branches", "Get repository content".
type GitHubOrganization struct {
	Client *Client
	Name   string
	// AllBranches asks for more than the default branch; ExcludeArchived leaves out repositories that are archived.
	AllBranches, ExcludeArchived bool
}

type githubBranch struct {
	Name   string
	Commit struct{ SHA string }
}

// Repositories implements Provider. The ID is an int64.
func (g GitHubOrganization) Repositories(ctx context.Context, protocol string) ([]Repository, error) {
	type repository struct {
		ID            int64
		Name          string
		Owner         struct{ Login string }
		SSHURL        string `json:"ssh_url"`
		CloneURL      string `json:"clone_url"`
		DefaultBranch string `json:"default_branch"`
		Archived      bool
		Topics        []string
	}
	listed, err := all(ctx, g.Client, route{"orgs", g.Name, "repos"}, perPage(pageSize), arrays[repository](g.Client, pageSize))
	if err != nil {
		return nil, fmt.Errorf("error listing repositories for %s: %w", g.Name, err)
	}
	found := make([]Repository, 0, len(listed))
	for _, r := range listed {
		if r.Name == "" || r.Owner.Login == "" {
			return nil, incomplete(GitHub, "a repository")
		}
		if r.Archived && g.ExcludeArchived {
			continue
		}
		address, err := cloneURL("GitHub", protocol, r.SSHURL, r.CloneURL)
		if err != nil {
			return nil, err
		}
		found = append(found, Repository{Organization: r.Owner.Login, Name: r.Name, URL: address, Branch: r.DefaultBranch, Labels: notNil(r.Topics), ID: r.ID})
	}
	return found, nil
}

// Branches implements Provider.
func (g GitHubOrganization) Branches(ctx context.Context, of Repository) ([]Repository, error) {
	at := route{"repos", of.Organization, of.Name, "branches"}
	if !g.AllBranches {
		if of.Branch == "" {
			return nil, nil
		}
		branch, err := one[githubBranch](ctx, g.Client, append(at, of.Branch), nil)
		if says(err, 404, "branch not found") {
			return nil, nil // a repository without commits
		}
		return branchesAt(of, []githubBranch{branch}, githubBranch.tip, err)
	}
	branches, err := all(ctx, g.Client, at, perPage(pageSize), arrays[githubBranch](g.Client, pageSize))
	return branchesAt(of, branches, githubBranch.tip, err)
}

func (b githubBranch) tip() (name, sha string) { return b.Name, b.Commit.SHA }

// HasPath implements Provider.
func (g GitHubOrganization) HasPath(ctx context.Context, in Repository, path string) (bool, error) {
	return g.Client.exists(ctx, route{"repos", in.Organization, in.Name, "contents"}.deeper(path), url.Values{"ref": {in.Branch}})
}

// GitHubPullRequests lists the open pull requests of a repository of GitHub that have all of the labels: "List pull requests".
type GitHubPullRequests struct {
	Client            *Client
	Owner, Repository string
	Labels            []string
}

// PullRequests implements PullRequests.
func (g GitHubPullRequests) PullRequests(ctx context.Context) ([]PullRequest, error) {
	at := route{"repos", g.Owner, g.Repository, "pulls"}
	listed, err := all(ctx, g.Client, at, perPage(pageSize), arrays[hubPullRequest](g.Client, pageSize))
	if err != nil {
		return nil, fmt.Errorf("error listing pull requests for %s/%s: %w", g.Owner, g.Repository, repositoryGone(err))
	}
	return hubPullRequests(GitHub, listed, g.Labels)
}

// hubPullRequest is a pull request as GitHub and Gitea have it.
type hubPullRequest struct {
	Number     int64
	Title      string
	Head, Base struct{ Ref, SHA string }
	Labels     []struct{ Name string }
	User       struct{ Login string }
}

func hubPullRequests(kind Kind, listed []hubPullRequest, labels []string) ([]PullRequest, error) {
	found := make([]PullRequest, 0, len(listed))
	for _, p := range listed {
		if p.Number == 0 || p.Head.Ref == "" || p.Head.SHA == "" {
			return nil, incomplete(kind, "a pull request")
		}
		request := PullRequest{Number: p.Number, Title: p.Title, Branch: p.Head.Ref, TargetBranch: p.Base.Ref, HeadSHA: p.Head.SHA, Author: p.User.Login}
		for _, label := range p.Labels {
			request.Labels = append(request.Labels, label.Name)
		}
		if hasAll(request.Labels, labels) {
			found = append(found, request)
		}
	}
	return found, nil
}

// perPage asks for pages of a size as GitHub and GitLab want it.
func perPage(size int) url.Values { return url.Values{"per_page": {strconv.Itoa(size)}} }

func notNil(labels []string) []string {
	if labels == nil {
		return []string{}
	}
	return labels
}

// branchesAt is the repository at each of its branches. A branch without name or commit is an error, because an application
// would be made of it.
func branchesAt[T any](of Repository, branches []T, tip func(T) (name, sha string), err error) ([]Repository, error) {
	if err != nil {
		return nil, fmt.Errorf("error listing branches for %s/%s: %w", of.Organization, of.Name, err)
	}
	found := make([]Repository, 0, len(branches))
	for _, branch := range branches {
		name, sha := tip(branch)
		if name == "" || sha == "" {
			return nil, fmt.Errorf("error listing branches for %s/%s: the host names a branch without its commit", of.Organization, of.Name)
		}
		found = append(found, of.at(name, sha))
	}
	return found, nil
}
