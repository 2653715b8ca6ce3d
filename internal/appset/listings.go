package appset

import (
	"net/url"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// Hears tells whether news of what a Git host lists may change what a set makes. What is a template may be anything.
func Hears(set *v1alpha1.ApplicationSet, news event.Listing) (hears bool) {
	leaves(set, func(g *v1alpha1.ApplicationSetTerminalGenerator) {
		hears = hears || lists(g.SCMProvider, g.PullRequest, g.Plugin, news)
	})
	return hears
}

// Lists tells the same of one generator that is no combination.
func Lists(g *v1alpha1.ApplicationSetGenerator, news event.Listing) bool {
	return lists(g.SCMProvider, g.PullRequest, g.Plugin, news)
}

func lists(provider *v1alpha1.SCMProviderGenerator, pulls *v1alpha1.PullRequestGenerator, plugin *v1alpha1.PluginGenerator, news event.Listing) bool {
	switch {
	case plugin != nil: // it may list anything; Argo CD also asks it at each event
		return true
	case news.PullRequests:
		return pulls != nil && listsPulls(pulls, news)
	default:
		return provider != nil && listsRepositories(provider, news)
	}
}

func listsPulls(g *v1alpha1.PullRequestGenerator, news event.Listing) bool {
	is := func(api, public, owner, repository string) bool {
		return isSite(api, public, news.Site) && isName(owner, news.Owner) && isName(repository, news.Repository)
	}
	switch {
	case news.Host == "github" && g.Github != nil:
		return is(g.Github.API, "github.com", g.Github.Owner, g.Github.Repo)
	case news.Host == "gitlab" && g.GitLab != nil:
		project := g.GitLab.Project
		return isSite(g.GitLab.API, "gitlab.com", news.Site) && (news.ID != "" && project == news.ID || isName(project, news.Owner+"/"+news.Repository))
	case news.Host == "gitea" && g.Gitea != nil:
		return is(g.Gitea.API, "", g.Gitea.Owner, g.Gitea.Repo)
	case news.Host == "bitbucket" && g.Bitbucket != nil:
		return is(g.Bitbucket.API, "bitbucket.org", g.Bitbucket.Owner, g.Bitbucket.Repo)
	case news.Host == "bitbucketserver" && g.BitbucketServer != nil:
		return is(g.BitbucketServer.API, "", g.BitbucketServer.Project, g.BitbucketServer.Repo)
	case news.Host == "azuredevops" && g.AzureDevOps != nil:
		// The address says little: an organization has several.
		return isName(g.AzureDevOps.Project, news.Owner) && isName(g.AzureDevOps.Repo, news.Repository)
	}
	return false
}

func listsRepositories(g *v1alpha1.SCMProviderGenerator, news event.Listing) bool {
	is := func(api, public, owner string) bool {
		return isSite(api, public, news.Site) && isName(owner, news.Owner)
	}
	switch {
	case news.Host == "github" && g.Github != nil:
		return is(g.Github.API, "github.com", g.Github.Organization)
	case news.Host == "gitlab" && g.Gitlab != nil:
		inside := g.Gitlab.IncludeSubgroups && strings.HasPrefix(strings.ToLower(news.Owner), strings.ToLower(g.Gitlab.Group)+"/")
		// Of which group a number is, nobody says here.
		numbered := strings.Trim(g.Gitlab.Group, "0123456789") == ""
		return is(g.Gitlab.API, "gitlab.com", g.Gitlab.Group) || isSite(g.Gitlab.API, "gitlab.com", news.Site) && (inside || numbered)
	case news.Host == "gitea" && g.Gitea != nil:
		return is(g.Gitea.API, "", g.Gitea.Owner)
	case news.Host == "bitbucket" && g.Bitbucket != nil:
		return isName(g.Bitbucket.Owner, news.Owner)
	case news.Host == "bitbucketserver" && g.BitbucketServer != nil:
		return is(g.BitbucketServer.API, "", g.BitbucketServer.Project)
	case news.Host == "azuredevops" && g.AzureDevOps != nil:
		return isName(g.AzureDevOps.TeamProject, news.Owner)
	}
	return false
}

func isTemplate(text string) bool { return strings.Contains(text, "{{") }

// isName compares names as hosts do, without regard to case.
func isName(name, is string) bool { return isTemplate(name) || strings.EqualFold(name, is) }

// isSite tells whether an API, empty for the public one, is that of a site, which is empty if the host didn't say.
func isSite(api, public, site string) bool {
	if site == "" || isTemplate(api) {
		return true
	}
	if api == "" {
		return site == public
	}
	u, err := url.Parse(api)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == site || strings.TrimPrefix(host, "api.") == site
}
