package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fairlead.dev/fairlead/internal/event"
)

// What of hosts' events changes which pull requests or repositories they list. Comments, reviews and assignments don't.
var (
	// docs.github.com/webhooks, "pull_request" and "repository"; docs.gitea.com, "Webhooks", has other names for some.
	hubPullRequestActions = []string{"opened", "closed", "reopened", "edited", "synchronize", "synchronized", "labeled", "unlabeled", "label_updated", "label_cleared"}
	hubRepositoryActions  = []string{"created", "deleted", "archived", "unarchived", "edited", "renamed", "transferred"}
	// docs.gitlab.com, "Webhook events", "System hooks".
	gitlabMergeActions   = []string{"open", "close", "reopen", "update", "merge"}
	gitlabProjectChanges = []string{"project_create", "project_destroy", "project_rename", "project_transfer", "project_update"}
	// support.atlassian.com, "Event payloads"; confluence.atlassian.com, "Event payload".
	bitbucketPullRequests       = []string{"pullrequest:created", "pullrequest:updated", "pullrequest:fulfilled", "pullrequest:rejected"}
	bitbucketRepositories       = []string{"repo:created", "repo:deleted", "repo:updated", "repo:transfer", "repo:imported"}
	bitbucketServerPullRequests = []string{"pr:opened", "pr:modified", "pr:from_ref_updated", "pr:merged", "pr:declined", "pr:deleted", "pr:reopened"}
)

var errNotListing = errors.New("it names no repository")

// listed is news of one listing, which must say whose it is.
func listed(l event.Listing) (news, error) {
	if l.Repository == "" && l.ID == "" {
		return news{}, errNotListing
	}
	return news{listings: []event.Listing{l}}, nil
}

// siteOf is the host's name in an address; empty if there is none.
func siteOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// hubEvents reads what GitHub and its relatives send: pushes, pull requests and repositories.
func hubEvents(eventHeader, host string) func(http.Header, []byte) (news, error) {
	push := pushOf(eventHeader)
	return func(header http.Header, body []byte) (news, error) {
		kind := header.Get(eventHeader)
		if kind != "pull_request" && kind != "repository" {
			return push(header, body)
		}
		body, err := payload(header, body)
		if err != nil {
			return news{}, err
		}
		var p struct {
			Action     string
			Repository struct {
				Name    string
				Owner   struct{ Login string }
				HTMLURL string `json:"html_url"`
			}
		}
		if json.Unmarshal(body, &p) != nil {
			return news{}, errors.New("it is not the JSON of a " + kind + " event")
		}
		actions := hubRepositoryActions
		if kind == "pull_request" {
			actions = hubPullRequestActions
		}
		if !slices.Contains(actions, p.Action) {
			return news{}, nil
		}
		return listed(event.Listing{Host: host, Site: siteOf(p.Repository.HTMLURL), Owner: p.Repository.Owner.Login, Repository: p.Repository.Name, PullRequests: kind == "pull_request"})
	}
}

// parseGitLabListing reads merge requests, and projects that came, went or moved.
func parseGitLabListing(body []byte) (news, error) {
	var p struct {
		ObjectKind       string `json:"object_kind"`
		EventName        string `json:"event_name"`
		ObjectAttributes struct {
			Action          string
			TargetProjectID int64 `json:"target_project_id"`
		} `json:"object_attributes"`
		Project struct {
			WebURL string `json:"web_url"`
			Path   string `json:"path_with_namespace"`
		}
		ProjectID int64  `json:"project_id"`
		Path      string `json:"path_with_namespace"`
	}
	if json.Unmarshal(body, &p) != nil {
		return news{}, errors.New("it is not the JSON of an event")
	}
	l := event.Listing{Host: "gitlab", Site: siteOf(p.Project.WebURL)}
	path := p.Project.Path
	switch {
	case p.ObjectKind == "merge_request":
		if !slices.Contains(gitlabMergeActions, p.ObjectAttributes.Action) {
			return news{}, nil
		}
		l.PullRequests, l.ID = true, strconv.FormatInt(p.ObjectAttributes.TargetProjectID, 10)
	case slices.Contains(gitlabProjectChanges, p.EventName):
		l.ID, path = strconv.FormatInt(p.ProjectID, 10), p.Path
	default:
		return news{}, nil
	}
	if cut := strings.LastIndex(path, "/"); cut >= 0 {
		l.Owner, l.Repository = path[:cut], path[cut+1:]
	}
	return listed(l)
}

// bitbucketListing reads pull requests and repositories of Bitbucket Cloud.
func bitbucketListing(key string, body []byte) (news, error) {
	pull := slices.Contains(bitbucketPullRequests, key)
	if !pull && !slices.Contains(bitbucketRepositories, key) {
		return news{}, nil
	}
	var p struct {
		Repository struct {
			FullName string `json:"full_name"`
			Links    struct{ HTML struct{ Href string } }
		}
	}
	if json.Unmarshal(body, &p) != nil {
		return news{}, errors.New("it is not the JSON of a " + key + " event")
	}
	owner, name, _ := strings.Cut(p.Repository.FullName, "/")
	return listed(event.Listing{Host: "bitbucket", Site: siteOf(p.Repository.Links.HTML.Href), Owner: owner, Repository: name, PullRequests: pull})
}

// bitbucketServerListing reads pull requests of Bitbucket Server, which doesn't say its own address.
func bitbucketServerListing(key string, body []byte) (news, error) {
	if !slices.Contains(bitbucketServerPullRequests, key) {
		return news{}, nil
	}
	var p struct {
		PullRequest struct {
			ToRef struct {
				Repository struct {
					Slug    string
					Project struct{ Key string }
				}
			}
		}
	}
	if json.Unmarshal(body, &p) != nil {
		return news{}, errors.New("it is not the JSON of a " + key + " event")
	}
	to := p.PullRequest.ToRef.Repository
	return listed(event.Listing{Host: "bitbucketserver", Owner: to.Project.Key, Repository: to.Slug, PullRequests: true})
}

// movedBranches are the branches that came or went with pushes.
func movedBranches(host string, pushes []event.Push) []event.Listing {
	var moved []event.Listing
	for _, push := range pushes {
		if !strings.HasPrefix(push.Ref, "refs/heads/") || !isNone(push.Before) && !isNone(push.After) {
			continue
		}
		if l := listingOf(host, push.Repository); l.Repository != "" && !slices.Contains(moved, l) {
			moved = append(moved, l)
		}
	}
	return moved
}

// listingOf takes the normal form of a repository's address apart.
func listingOf(host, repository string) event.Listing {
	parts := strings.Split(repository, "/")
	if len(parts) < 3 {
		return event.Listing{}
	}
	site, _, _ := strings.Cut(parts[0], ":")
	owner := parts[1 : len(parts)-1]
	switch host {
	case "azuredevops": // organization/project/_git, or v3/organization/project
		if owner[len(owner)-1] == "_git" {
			owner = owner[:len(owner)-1]
		}
		fallthrough
	case "bitbucketserver": // after the path of the server, and scm
		owner = owner[max(len(owner)-1, 0):]
	}
	return event.Listing{Host: host, Site: site, Owner: strings.Join(owner, "/"), Repository: parts[len(parts)-1]}
}
