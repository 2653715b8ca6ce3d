package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fairlead.dev/fairlead/internal/event"
)

// gitea, gogs and github share the form of their push events: Gogs took GitHub's, Gitea took Gogs'.
var (
	gitea = sender{
		name: "gitea", secretKeys: []string{"webhook.gitea.secret", "webhook.gogs.secret"},
		genuine: hmacHeader("X-Gitea-Signature", ""),
		parse:   hubEvents("X-Gitea-Event", "gitea"),
	}
	gogs = sender{
		name: "gogs", secretKeys: []string{"webhook.gogs.secret"},
		genuine: hmacHeader("X-Gogs-Signature", ""),
		parse:   pushOf("X-Gogs-Event"),
	}
	github = sender{
		name: "github", secretKeys: []string{"webhook.github.secret"},
		genuine: githubSignature,
		parse: func(header http.Header, body []byte) (news, error) {
			if kind := header.Get("X-GitHub-Event"); kind == "package" || kind == "registry_package" {
				body, err := payload(header, body)
				if err != nil {
					return news{}, err
				}
				return parsePackage(body)
			}
			return hubEvents("X-GitHub-Event", "github")(header, body)
		},
	}
	gitlab = sender{
		name: "gitlab", secretKeys: []string{"webhook.gitlab.secret"},
		genuine: token("X-Gitlab-Token"),
		parse:   parseGitLab,
	}
)

// push is what matters of the push events of GitHub (docs.github.com/webhooks, "push"), Gitea and Gogs.
type push struct {
	Ref     string `json:"ref"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Created bool   `json:"created"`
	Deleted bool   `json:"deleted"`
	Forced  bool   `json:"forced"`
	// TotalCommits is Gitea's, where Commits may be fewer.
	TotalCommits int            `json:"total_commits"`
	Commits      []commit       `json:"commits"`
	Repository   repositoryURLs `json:"repository"`
}

type commit struct {
	Added    []string `json:"added"`
	Modified []string `json:"modified"`
	Removed  []string `json:"removed"`
}

// repositoryURLs are the ways in which a repository may be written in an Application or BuildRule.
type repositoryURLs struct {
	CloneURL string `json:"clone_url"`
	SSHURL   string `json:"ssh_url"`
	GitURL   string `json:"git_url"`
	HTMLURL  string `json:"html_url"`
	// GitLab's names.
	GitHTTPURL string `json:"git_http_url"`
	GitSSHURL  string `json:"git_ssh_url"`
	WebURL     string `json:"web_url"`
}

// normal are the distinct normal forms of the URLs.
func (u repositoryURLs) normal() []string {
	var all []string
	for _, text := range []string{u.CloneURL, u.SSHURL, u.GitURL, u.HTMLURL, u.GitHTTPURL, u.GitSSHURL, u.WebURL} {
		if normal := event.NormalizeURL(text); normal != "" && !slices.Contains(all, normal) {
			all = append(all, normal)
		}
	}
	return all
}

// pushOf parses what GitHub and its relatives send. They word the push of a tag as a push too; what else they send (pings,
// the "create" that goes with each new ref, issues) tells nothing new.
func pushOf(eventHeader string) func(http.Header, []byte) (news, error) {
	return func(header http.Header, body []byte) (news, error) {
		if header.Get(eventHeader) != "push" {
			return news{}, nil
		}
		body, err := payload(header, body)
		if err != nil {
			return news{}, err
		}
		var p push
		if err := json.Unmarshal(body, &p); err != nil {
			return news{}, errors.New("it is not the JSON of a push event")
		}
		var files []string
		// New refs, tags and forced pushes change more than their commits tell; and a shortened list tells too little.
		if !p.Created && !p.Forced && len(p.Commits) > 0 && len(p.Commits) >= p.TotalCommits {
			files = filesOf(p.Commits)
		}
		return pushNews(p.Repository, event.Push{Ref: p.Ref, Before: p.Before, After: p.After, Files: files})
	}
}

// payload is the JSON of a delivery, which GitHub and Gitea can also send as a form.
func payload(header http.Header, body []byte) ([]byte, error) {
	if !strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return body, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("it is not a form")
	}
	return []byte(form.Get("payload")), nil
}

// gitlabPush is what matters of GitLab's "Push Hook" and "Tag Push Hook".
type gitlabPush struct {
	Ref               string         `json:"ref"`
	Before            string         `json:"before"`
	After             string         `json:"after"`
	TotalCommitsCount int            `json:"total_commits_count"`
	Commits           []commit       `json:"commits"`
	Project           repositoryURLs `json:"project"`
}

func parseGitLab(header http.Header, body []byte) (news, error) {
	switch header.Get("X-Gitlab-Event") {
	case "Push Hook", "Tag Push Hook":
	case "Merge Request Hook", "Project Hook", "System Hook":
		if told, err := parseGitLabListing(body); err != nil || !told.empty() || header.Get("X-Gitlab-Event") != "System Hook" {
			return told, err
		}
	default:
		return news{}, nil
	}
	var p gitlabPush
	if err := json.Unmarshal(body, &p); err != nil {
		return news{}, errors.New("it is not the JSON of a push event")
	}
	if p.Ref == "" && header.Get("X-Gitlab-Event") == "System Hook" {
		return news{}, nil // one of the many system events that aren't pushes
	}
	var files []string
	if !isNone(p.Before) && len(p.Commits) > 0 && len(p.Commits) >= p.TotalCommitsCount && strings.HasPrefix(p.Ref, "refs/heads/") {
		files = filesOf(p.Commits)
	}
	return pushNews(p.Project, event.Push{Ref: p.Ref, Before: p.Before, After: p.After, Files: files})
}

// pushNews is the same push for each way of writing the repository.
func pushNews(urls repositoryURLs, push event.Push) (news, error) {
	if !strings.HasPrefix(push.Ref, "refs/") {
		return news{}, errors.New("it names no ref")
	}
	repositories := urls.normal()
	if len(repositories) == 0 {
		return news{}, errors.New("it names no repository")
	}
	var n news
	for _, repository := range repositories {
		push.Repository = repository
		n.pushes = append(n.pushes, push)
	}
	return n, nil
}

func filesOf(commits []commit) []string {
	files := []string{} // known, even if there are none
	for _, c := range commits {
		files = append(files, c.Added...)
		files = append(files, c.Modified...)
		files = append(files, c.Removed...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// isNone tells whether a commit stands for "there is none".
func isNone(sha string) bool { return strings.Trim(sha, "0") == "" }
