package scm

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

// GiteaOwner lists the repositories of an organization of Gitea (or Forgejo): docs.gitea.com/api, orgListRepos,
// issueListLabels, repoListBranches, repoGetContents.
type GiteaOwner struct {
	Client *Client
	Name   string
	// AllBranches asks for more than the default branch; ExcludeArchived leaves out repositories that are archived.
	AllBranches, ExcludeArchived bool
}

// giteaPage is Gitea's own most (MAX_RESPONSE_ITEMS), unless it is configured.
const giteaPage = 50

func limit(size int) url.Values { return url.Values{"limit": {strconv.Itoa(size)}} }

// Repositories implements Provider. The ID is an int64.
func (g GiteaOwner) Repositories(ctx context.Context, protocol string) ([]Repository, error) {
	type repository struct {
		ID            int64
		Name          string
		SSHURL        string `json:"ssh_url"`
		HTMLURL       string `json:"html_url"`
		DefaultBranch string `json:"default_branch"`
		Archived      bool
		Empty         bool
	}
	listed, err := all(ctx, g.Client, route{"orgs", g.Name, "repos"}, limit(giteaPage), arrays[repository](g.Client, giteaPage))
	if err != nil {
		return nil, fmt.Errorf("error listing repositories for %s: %w", g.Name, err)
	}
	found := make([]Repository, 0, len(listed))
	for _, r := range listed {
		if r.Name == "" {
			return nil, incomplete(Gitea, "a repository")
		}
		if r.Archived && g.ExcludeArchived || r.Empty {
			continue
		}
		address, err := cloneURL("Gitea", protocol, r.SSHURL, r.HTMLURL)
		if err != nil {
			return nil, err
		}
		named, err := all(ctx, g.Client, route{"repos", g.Name, r.Name, "labels"}, limit(giteaPage), arrays[struct{ Name string }](g.Client, giteaPage))
		if err != nil {
			return nil, fmt.Errorf("error listing labels for %s/%s: %w", g.Name, r.Name, err)
		}
		labels := []string{}
		for _, label := range named {
			labels = append(labels, label.Name)
		}
		found = append(found, Repository{Organization: g.Name, Name: r.Name, URL: address, Branch: r.DefaultBranch, Labels: labels, ID: r.ID})
	}
	return found, nil
}

// Branches implements Provider.
func (g GiteaOwner) Branches(ctx context.Context, of Repository) ([]Repository, error) {
	at := route{"repos", of.Organization, of.Name, "branches"}
	if !g.AllBranches {
		branch, err := one[gitlabBranch](ctx, g.Client, append(at, of.Branch), nil)
		if says(err, 404) {
			err = fmt.Errorf("got 404 while getting default branch %q for repo %q - check your repo config: %w", of.Branch, of.Name, err)
		}
		return branchesAt(of, []gitlabBranch{branch}, gitlabBranch.tip, err)
	}
	branches, err := all(ctx, g.Client, at, limit(giteaPage), arrays[gitlabBranch](g.Client, giteaPage))
	return branchesAt(of, branches, gitlabBranch.tip, err)
}

// HasPath implements Provider.
func (g GiteaOwner) HasPath(ctx context.Context, in Repository, path string) (bool, error) {
	return g.Client.exists(ctx, route{"repos", in.Organization, in.Name, "contents"}.deeper(path), url.Values{"ref": {in.Branch}})
}

// GiteaPullRequests lists the open pull requests of a repository of Gitea that have all of the labels: repoListPullRequests.
type GiteaPullRequests struct {
	Client            *Client
	Owner, Repository string
	Labels            []string
}

// PullRequests implements PullRequests.
func (g GiteaPullRequests) PullRequests(ctx context.Context) ([]PullRequest, error) {
	query := with(limit(giteaPage), "state", "open")
	listed, err := all(ctx, g.Client, route{"repos", g.Owner, g.Repository, "pulls"}, query, arrays[hubPullRequest](g.Client, giteaPage))
	if err != nil {
		return nil, fmt.Errorf("error listing pull requests for %s/%s: %w", g.Owner, g.Repository, repositoryGone(err))
	}
	return hubPullRequests(Gitea, listed, g.Labels)
}
