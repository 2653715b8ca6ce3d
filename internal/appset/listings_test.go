package appset

import (
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

func TestHears(t *testing.T) {
	pull := func(p v1alpha1.PullRequestGenerator) v1alpha1.ApplicationSetGenerator {
		return v1alpha1.ApplicationSetGenerator{PullRequest: &p}
	}
	provider := func(p v1alpha1.SCMProviderGenerator) v1alpha1.ApplicationSetGenerator {
		return v1alpha1.ApplicationSetGenerator{SCMProvider: &p}
	}
	opened := func(host, site, owner, repository string) event.Listing {
		return event.Listing{Host: host, Site: site, Owner: owner, Repository: repository, PullRequests: true}
	}
	made := func(host, site, owner, repository string) event.Listing {
		return event.Listing{Host: host, Site: site, Owner: owner, Repository: repository}
	}
	github := pull(v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "Org", Repo: "repo"}})
	enterprise := pull(v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{API: "https://api.ghe.example:8443/", Owner: "org", Repo: "repo"}})
	number := pull(v1alpha1.PullRequestGenerator{GitLab: &v1alpha1.PullRequestGeneratorGitLab{Project: "7"}})
	path := pull(v1alpha1.PullRequestGenerator{GitLab: &v1alpha1.PullRequestGeneratorGitLab{Project: "a/b/p", API: "https://gitlab.example/"}})
	group := provider(v1alpha1.SCMProviderGenerator{Gitlab: &v1alpha1.SCMProviderGeneratorGitlab{Group: "a", IncludeSubgroups: true}})
	merge := event.Listing{Host: "gitlab", Site: "gitlab.com", Owner: "a/b", Repository: "p", ID: "7", PullRequests: true}
	for name, test := range map[string]struct {
		generator v1alpha1.ApplicationSetGenerator
		news      event.Listing
		want      bool
	}{
		"GitHub":                         {github, opened("github", "github.com", "org", "Repo"), true},
		"another repository":             {github, opened("github", "github.com", "org", "other"), false},
		"another owner":                  {github, opened("github", "github.com", "other", "repo"), false},
		"another site":                   {github, opened("github", "ghe.example", "org", "repo"), false},
		"a repository":                   {github, made("github", "github.com", "org", "repo"), false},
		"another kind of host":           {github, opened("gitea", "github.com", "org", "repo"), false},
		"GitHub Enterprise":              {enterprise, opened("github", "ghe.example", "org", "repo"), true},
		"not that enterprise":            {enterprise, opened("github", "github.com", "org", "repo"), false},
		"GitLab, by number":              {number, merge, true},
		"GitLab, by path":                {path, opened("gitlab", "gitlab.example", "a/b", "p"), true},
		"GitLab, elsewhere":              {path, merge, false},
		"a group's project":              {group, made("gitlab", "gitlab.com", "a", "p"), true},
		"a subgroup's":                   {group, made("gitlab", "", "a/b", "p"), true},
		"a group with such a beginning":  {group, made("gitlab", "gitlab.com", "ab", "p"), false},
		"a pull request of its projects": {group, merge, false},
		"a group by number":              {provider(v1alpha1.SCMProviderGenerator{Gitlab: &v1alpha1.SCMProviderGeneratorGitlab{Group: "12"}}), made("gitlab", "gitlab.com", "x", "p"), true},
		"Gitea":                          {pull(v1alpha1.PullRequestGenerator{Gitea: &v1alpha1.PullRequestGeneratorGitea{API: "http://127.0.0.1:3000", Owner: "o", Repo: "r"}}), opened("gitea", "127.0.0.1", "o", "r"), true},
		"Bitbucket":                      {pull(v1alpha1.PullRequestGenerator{Bitbucket: &v1alpha1.PullRequestGeneratorBitbucket{API: "https://api.bitbucket.org/2.0", Owner: "o", Repo: "r"}}), opened("bitbucket", "bitbucket.org", "o", "r"), true},
		"Bitbucket Server":               {pull(v1alpha1.PullRequestGenerator{BitbucketServer: &v1alpha1.PullRequestGeneratorBitbucketServer{API: "https://bb.example/rest", Project: "PRJ", Repo: "r"}}), opened("bitbucketserver", "", "PRJ", "r"), true},
		"Azure DevOps":                   {pull(v1alpha1.PullRequestGenerator{AzureDevOps: &v1alpha1.PullRequestGeneratorAzureDevOps{Project: "p", Repo: "r"}}), opened("azuredevops", "dev.azure.com", "p", "r"), true},
		"an organization":                {provider(v1alpha1.SCMProviderGenerator{Github: &v1alpha1.SCMProviderGeneratorGithub{Organization: "org"}}), made("github", "github.com", "Org", "new"), true},
		"a plugin":                       {v1alpha1.ApplicationSetGenerator{Plugin: &v1alpha1.PluginGenerator{}}, made("github", "github.com", "x", "y"), true},
		"a list":                         {v1alpha1.ApplicationSetGenerator{List: &v1alpha1.ListGenerator{}}, merge, false},
		"in a matrix, as a template": {v1alpha1.ApplicationSetGenerator{Matrix: &v1alpha1.MatrixGenerator{Generators: []v1alpha1.ApplicationSetNestedGenerator{
			{List: &v1alpha1.ListGenerator{}}, {PullRequest: &v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "org", Repo: "{{repository}}"}}}}}},
			opened("github", "github.com", "org", "any"), true},
		"two deep": {v1alpha1.ApplicationSetGenerator{Merge: &v1alpha1.MergeGenerator{Generators: []v1alpha1.ApplicationSetNestedGenerator{
			{Matrix: &apiextensionsv1.JSON{Raw: []byte(`{"generators":[{"pullRequest":{"github":{"owner":"org","repo":"repo"}}}]}`)}}}}}, opened("github", "github.com", "org", "repo"), true},
	} {
		set := &v1alpha1.ApplicationSet{Spec: v1alpha1.ApplicationSetSpec{Generators: []v1alpha1.ApplicationSetGenerator{{List: &v1alpha1.ListGenerator{}}, test.generator}}}
		if got := Hears(set, test.news); got != test.want {
			t.Errorf("%s: it hears %v", name, got)
		}
		if test.generator.Matrix == nil && test.generator.Merge == nil {
			if got := Lists(&test.generator, test.news); got != test.want {
				t.Errorf("%s: the generator lists %v", name, got)
			}
		}
	}
}
