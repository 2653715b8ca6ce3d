package scm

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

// BitbucketWorkspace lists the repositories of a workspace of Bitbucket Cloud that the user is a member of:
// developer.atlassian.com/cloud/bitbucket/rest, "List repositories in a workspace", "List open branches", "Get file or directory".
type BitbucketWorkspace struct {
	Client *Client
	Name   string
	// AllBranches asks for more than the main branch.
	AllBranches bool
}

type bitbucketBranch struct {
	Name   string
	Target struct{ Hash string }
}

func (b bitbucketBranch) tip() (name, sha string) { return b.Name, b.Target.Hash }

// cloudPages reads Bitbucket Cloud's pages, which name the next one.
func cloudPages[T any](c *Client) reader[T] {
	return func(got reply, _ url.Values) ([]T, url.Values, error) {
		var page struct {
			Values *[]T
			Next   string
		}
		if err := decode(c, got.body, &page); err != nil {
			return nil, nil, err
		}
		if page.Values == nil {
			return nil, nil, incomplete(c.kind, "a list")
		}
		if page.Next == "" {
			return *page.Values, nil, nil
		}
		next, err := url.Parse(page.Next)
		if err != nil || next.RawQuery == "" {
			return nil, nil, incomplete(c.kind, "a next page")
		}
		return *page.Values, next.Query(), nil
	}
}

// Repositories implements Provider. The ID is a string.
func (b BitbucketWorkspace) Repositories(ctx context.Context, protocol string) ([]Repository, error) {
	type repository struct {
		UUID, Slug string
		MainBranch struct{ Name string }
		Links      struct{ Clone []cloneLink }
	}
	if protocol == "" {
		protocol = "ssh"
	}
	query := url.Values{"role": {"member"}, "pagelen": {strconv.Itoa(pageSize)}}
	listed, err := all(ctx, b.Client, route{"repositories", b.Name}, query, cloudPages[repository](b.Client))
	if err != nil {
		return nil, fmt.Errorf("error listing repositories for %s: %w", b.Name, err)
	}
	found := make([]Repository, 0, len(listed))
	for _, r := range listed {
		if r.Slug == "" {
			return nil, incomplete(Bitbucket, "a repository")
		}
		address := linkNamed(r.Links.Clone, protocol)
		if address == "" {
			return nil, fmt.Errorf("error fetching clone url for repo %s: unknown clone protocol for Bitbucket cloud %v", r.Slug, protocol)
		}
		found = append(found, Repository{Organization: b.Name, Name: r.Slug, URL: address, Branch: r.MainBranch.Name, Labels: []string{}, ID: r.UUID})
	}
	return found, nil
}

// cloneLink is an address of a repository, by protocol.
type cloneLink struct{ Name, Href string }

func linkNamed(links []cloneLink, name string) string {
	for _, link := range links {
		if link.Name == name {
			return link.Href
		}
	}
	return ""
}

// Branches implements Provider.
func (b BitbucketWorkspace) Branches(ctx context.Context, of Repository) ([]Repository, error) {
	at := route{"repositories", b.Name, of.Name, "refs", "branches"}
	if b.AllBranches {
		branches, err := all(ctx, b.Client, at, url.Values{"pagelen": {strconv.Itoa(pageSize)}}, cloudPages[bitbucketBranch](b.Client))
		return branchesAt(of, branches, bitbucketBranch.tip, err)
	}
	if of.Branch == "" {
		return nil, nil // a repository without commits
	}
	branch, err := one[bitbucketBranch](ctx, b.Client, at.deeper(of.Branch), nil)
	return branchesAt(of, []bitbucketBranch{branch}, bitbucketBranch.tip, err)
}

// HasPath implements Provider.
func (b BitbucketWorkspace) HasPath(ctx context.Context, in Repository, path string) (bool, error) {
	return b.Client.exists(ctx, route{"repositories", b.Name, in.Name, "src", in.SHA}.deeper(path), url.Values{"format": {"meta"}})
}

// BitbucketPullRequests lists the open pull requests of a repository of Bitbucket Cloud, which knows no labels.
type BitbucketPullRequests struct {
	Client            *Client
	Owner, Repository string
}

// PullRequests implements PullRequests.
func (b BitbucketPullRequests) PullRequests(ctx context.Context) ([]PullRequest, error) {
	type end struct {
		Branch struct{ Name string }
		Commit struct{ Hash string }
	}
	type pullRequest struct {
		ID                  int64
		Title               string
		Source, Destination end
		Author              struct{ Nickname string }
	}
	const most = 50 // of pull requests, Bitbucket gives no more at once
	listed, err := all(ctx, b.Client, route{"repositories", b.Owner, b.Repository, "pullrequests"},
		url.Values{"pagelen": {strconv.Itoa(most)}}, cloudPages[pullRequest](b.Client))
	if err != nil {
		return nil, fmt.Errorf("error listing pull requests for %s/%s: %w", b.Owner, b.Repository, repositoryGone(err))
	}
	found := make([]PullRequest, 0, len(listed))
	for _, p := range listed {
		if p.ID == 0 || p.Source.Branch.Name == "" || p.Source.Commit.Hash == "" {
			return nil, incomplete(Bitbucket, "a pull request")
		}
		found = append(found, PullRequest{Number: p.ID, Title: p.Title, Branch: p.Source.Branch.Name, TargetBranch: p.Destination.Branch.Name,
			HeadSHA: p.Source.Commit.Hash, Author: p.Author.Nickname})
	}
	return found, nil
}

// BitbucketProject lists the repositories of a project of Bitbucket Server or Data Center:
// developer.atlassian.com/server/bitbucket/rest, version 1.0 of its API.
type BitbucketProject struct {
	Client *Client
	// Key is the project's.
	Key string
	// AllBranches asks for more than the default branch.
	AllBranches bool
}

type serverBranch struct{ DisplayID, LatestCommit string }

func (b serverBranch) tip() (name, sha string) { return b.DisplayID, b.LatestCommit }

// serverPages reads Bitbucket Server's pages, which name where the next starts.
func serverPages[T any](c *Client) reader[T] {
	return func(got reply, query url.Values) ([]T, url.Values, error) {
		var page struct {
			Values        *[]T
			IsLastPage    *bool
			NextPageStart *int64
		}
		if err := decode(c, got.body, &page); err != nil {
			return nil, nil, err
		}
		if page.Values == nil || page.IsLastPage == nil || !*page.IsLastPage && page.NextPageStart == nil {
			return nil, nil, incomplete(c.kind, "a list")
		}
		if *page.IsLastPage {
			return *page.Values, nil, nil
		}
		return *page.Values, with(query, "start", strconv.FormatInt(*page.NextPageStart, 10)), nil
	}
}

// Repositories implements Provider. The ID is an int64.
func (b BitbucketProject) Repositories(ctx context.Context, protocol string) ([]Repository, error) {
	type repository struct {
		ID         int64
		Slug, Name string
		Project    struct{ Key string }
		Links      struct{ Clone []cloneLink }
	}
	listed, err := all(ctx, b.Client, route{"projects", b.Key, "repos"}, limit(pageSize), serverPages[repository](b.Client))
	if err != nil {
		return nil, fmt.Errorf("error listing repositories for %s: %w", b.Key, err)
	}
	found := make([]Repository, 0, len(listed))
	for _, r := range listed {
		if r.Name == "" || r.Project.Key == "" {
			return nil, incomplete(BitbucketServer, "a repository")
		}
		// Bitbucket Server's links name HTTPS http too.
		address, err := cloneURL("Bitbucket Server", protocol, linkNamed(r.Links.Clone, "ssh"), linkNamed(r.Links.Clone, "http"))
		if err != nil {
			return nil, err
		}
		found = append(found, Repository{Organization: r.Project.Key, Name: r.Name, URL: address, Labels: []string{}, ID: r.ID, slug: r.Slug})
	}
	return found, nil
}

func (b BitbucketProject) at(r Repository) route {
	if r.slug == "" {
		r.slug = r.Name
	}
	return route{"projects", r.Organization, "repos", r.slug}
}

// Branches implements Provider.
func (b BitbucketProject) Branches(ctx context.Context, of Repository) ([]Repository, error) {
	at := append(b.at(of), "branches")
	// A repository that says that it has no default branch is empty, also if all branches are asked for: so it is in Argo CD.
	got, err := b.Client.get(ctx, append(at[:len(at):len(at)], "default"), nil)
	if says(err, 404, "NoDefaultBranchException") || err == nil && len(got.body) == 0 {
		return nil, nil
	}
	var branch serverBranch
	if err == nil {
		err = decode(b.Client, got.body, &branch)
	}
	if err != nil || !b.AllBranches {
		return branchesAt(of, []serverBranch{branch}, serverBranch.tip, err)
	}
	branches, err := all(ctx, b.Client, at, limit(pageSize), serverPages[serverBranch](b.Client))
	return branchesAt(of, branches, serverBranch.tip, err)
}

// HasPath implements Provider.
func (b BitbucketProject) HasPath(ctx context.Context, in Repository, path string) (bool, error) {
	// With type, the answer is the kind of thing that is there, and not all that a file holds.
	return b.Client.exists(ctx, append(b.at(in), "browse").deeper(path), url.Values{"at": {in.Branch}, "limit": {strconv.Itoa(pageSize)}, "type": {"true"}})
}

// BitbucketServerPullRequests lists the open pull requests of a repository of Bitbucket Server, which knows no labels.
type BitbucketServerPullRequests struct {
	Client              *Client
	Project, Repository string
}

// PullRequests implements PullRequests.
func (b BitbucketServerPullRequests) PullRequests(ctx context.Context) ([]PullRequest, error) {
	type pullRequest struct {
		ID             int64
		Title          string
		FromRef, ToRef serverBranch
		Author         struct{ User struct{ Name string } }
	}
	listed, err := all(ctx, b.Client, route{"projects", b.Project, "repos", b.Repository, "pull-requests"}, limit(pageSize), serverPages[pullRequest](b.Client))
	if err != nil {
		return nil, fmt.Errorf("error listing pull requests for %s/%s: %w", b.Project, b.Repository, repositoryGone(err))
	}
	found := make([]PullRequest, 0, len(listed))
	for _, p := range listed {
		if p.ID == 0 || p.FromRef.DisplayID == "" || p.FromRef.LatestCommit == "" {
			return nil, incomplete(BitbucketServer, "a pull request")
		}
		found = append(found, PullRequest{Number: p.ID, Title: p.Title, Branch: p.FromRef.DisplayID, TargetBranch: p.ToRef.DisplayID,
			HeadSHA: p.FromRef.LatestCommit, Labels: []string{}, Author: p.Author.User.Name})
	}
	return found, nil
}
