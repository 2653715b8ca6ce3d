package scm

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// GitLabGroup lists the projects of a group of GitLab: docs.gitlab.com/api, "List a group's projects", "List repository branches",
// "Get file from repository", "List repository tree".
type GitLabGroup struct {
	Client *Client
	// Name is the group's full path or number.
	Name string
	// AllBranches asks for more than the default branch. The others say which projects are listed: those of subgroups, those that
	// other groups share with it, those that are archived.
	AllBranches, IncludeSubgroups, IncludeShared, IncludeArchived bool
	// Topic is one that projects must have; empty asks for none.
	Topic string
}

type gitlabBranch struct {
	Name   string
	Commit struct{ ID string }
}

func (b gitlabBranch) tip() (name, sha string) { return b.Name, b.Commit.ID }

// Repositories implements Provider. The ID is an int64.
func (g GitLabGroup) Repositories(ctx context.Context, protocol string) ([]Repository, error) {
	type project struct {
		ID        int64
		Path      string
		Namespace struct {
			FullPath string `json:"full_path"`
		}
		SSHURL        string `json:"ssh_url_to_repo"`
		HTTPURL       string `json:"http_url_to_repo"`
		DefaultBranch string `json:"default_branch"`
		Topics        []string
		TagList       []string `json:"tag_list"` // what topics were called before GitLab 14.5
	}
	query := perPage(pageSize)
	query.Set("include_subgroups", strconv.FormatBool(g.IncludeSubgroups))
	query.Set("with_shared", strconv.FormatBool(g.IncludeShared))
	query.Set("topic", g.Topic)
	if g.IncludeArchived {
		query.Set("archived", "true")
	}
	listed, err := all(ctx, g.Client, route{"groups", g.Name, "projects"}, query, arrays[project](g.Client, pageSize))
	if err != nil {
		return nil, fmt.Errorf("error listing projects for %s: %w", g.Name, err)
	}
	found := make([]Repository, 0, len(listed))
	for _, p := range listed {
		if p.ID == 0 || p.Path == "" || p.Namespace.FullPath == "" {
			return nil, incomplete(GitLab, "a project")
		}
		address, err := cloneURL("Gitlab", protocol, p.SSHURL, p.HTTPURL)
		if err != nil {
			return nil, err
		}
		if len(p.Topics) == 0 {
			p.Topics = p.TagList
		}
		found = append(found, Repository{Organization: p.Namespace.FullPath, Name: p.Path, URL: address, Branch: p.DefaultBranch, Labels: notNil(p.Topics),
			ID: p.ID, slug: strconv.FormatInt(p.ID, 10)})
	}
	return found, nil
}

// Branches implements Provider.
func (g GitLabGroup) Branches(ctx context.Context, of Repository) ([]Repository, error) {
	at := route{"projects", of.slug, "repository", "branches"}
	var branches []gitlabBranch
	var err error
	if g.AllBranches {
		branches, err = all(ctx, g.Client, at, perPage(pageSize), arrays[gitlabBranch](g.Client, pageSize))
	} else if of.Branch != "" {
		var branch gitlabBranch
		branch, err = one[gitlabBranch](ctx, g.Client, append(at, of.Branch), nil)
		branches = []gitlabBranch{branch}
	}
	if says(err, 404, "branch not found", "repository not found") {
		return nil, nil // a project without commits, or without a repository
	}
	return branchesAt(of, branches, gitlabBranch.tip, err)
}

// HasPath implements Provider.
func (g GitLabGroup) HasPath(ctx context.Context, in Repository, path string) (bool, error) {
	ref := url.Values{"ref": {in.Branch}}
	if has, err := g.Client.exists(ctx, route{"projects", in.slug, "repository", "files", path}, ref); has || err != nil {
		return has, err
	}
	entries, err := one[[]struct{ ID string }](ctx, g.Client, route{"projects", in.slug, "repository", "tree"}, with(ref, "path", path))
	if says(err, 404) {
		return false, nil
	}
	// GitLab before 15.0 answers with an empty folder, which Git doesn't have.
	return len(entries) > 0, err
}

// GitLabMergeRequests lists the merge requests of a project of GitLab that have all of the labels: "List project merge requests".
type GitLabMergeRequests struct {
	Client *Client
	// Project is its full path or number.
	Project string
	Labels  []string
	// State is opened, closed, merged or locked; empty means all.
	State string
}

// PullRequests implements PullRequests.
func (g GitLabMergeRequests) PullRequests(ctx context.Context) ([]PullRequest, error) {
	type mergeRequest struct {
		IID          int64
		Title        string
		SourceBranch string `json:"source_branch"`
		TargetBranch string `json:"target_branch"`
		SHA          string
		Labels       []string
		Author       struct{ Username string }
	}
	query := perPage(pageSize)
	if len(g.Labels) > 0 {
		query.Set("labels", strings.Join(g.Labels, ","))
	}
	if g.State != "" {
		query.Set("state", g.State)
	}
	listed, err := all(ctx, g.Client, route{"projects", g.Project, "merge_requests"}, query, arrays[mergeRequest](g.Client, pageSize))
	if err != nil {
		return nil, fmt.Errorf("error listing merge requests for project '%s': %w", g.Project, repositoryGone(err))
	}
	found := make([]PullRequest, 0, len(listed))
	for _, m := range listed {
		if m.IID == 0 || m.SourceBranch == "" {
			return nil, incomplete(GitLab, "a merge request")
		}
		found = append(found, PullRequest{Number: m.IID, Title: m.Title, Branch: m.SourceBranch, TargetBranch: m.TargetBranch, HeadSHA: m.SHA, Labels: m.Labels, Author: m.Author.Username})
	}
	return found, nil
}
