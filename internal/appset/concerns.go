package appset

import (
	"encoding/json"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// leaves visits each generator that is no combination, wherever it is.
func leaves(set *v1alpha1.ApplicationSet, visit func(*v1alpha1.ApplicationSetTerminalGenerator)) {
	for i := range set.Spec.Generators {
		g := &set.Spec.Generators[i]
		visit(&v1alpha1.ApplicationSetTerminalGenerator{
			List: g.List, Clusters: g.Clusters, Git: g.Git, SCMProvider: g.SCMProvider, ClusterDecisionResource: g.ClusterDecisionResource,
			PullRequest: g.PullRequest, Plugin: g.Plugin, Oci: g.Oci,
		})
		if g.Matrix != nil {
			nested(g.Matrix.Generators, visit)
		}
		if g.Merge != nil {
			nested(g.Merge.Generators, visit)
		}
	}
}

func nested(all []v1alpha1.ApplicationSetNestedGenerator, visit func(*v1alpha1.ApplicationSetTerminalGenerator)) {
	for i := range all {
		n := &all[i]
		visit(&v1alpha1.ApplicationSetTerminalGenerator{
			List: n.List, Clusters: n.Clusters, Git: n.Git, SCMProvider: n.SCMProvider, ClusterDecisionResource: n.ClusterDecisionResource,
			PullRequest: n.PullRequest, Plugin: n.Plugin, Oci: n.Oci,
		})
		for _, raw := range []*apiextensionsv1.JSON{n.Matrix, n.Merge} {
			var inner v1alpha1.NestedMatrixGenerator // a merge has the same field
			if raw == nil || json.Unmarshal(raw.Raw, &inner) != nil {
				continue // what can't be read is told when it is reconciled
			}
			for j := range inner.Generators {
				visit(&inner.Generators[j])
			}
		}
	}
}

// KnowsClusters tells whether what a set makes depends on which clusters are registered.
func KnowsClusters(set *v1alpha1.ApplicationSet) (knows bool) {
	leaves(set, func(g *v1alpha1.ApplicationSetTerminalGenerator) {
		knows = knows || g.Clusters != nil || g.ClusterDecisionResource != nil
	})
	return knows
}

// Reads tells whether a push may change what a set makes: it reads the repository, at the ref that moved, or asks its host for
// pull requests of it. A repository or revision that is a template may be any.
func Reads(set *v1alpha1.ApplicationSet, push event.Push) (reads bool) {
	leaves(set, func(g *v1alpha1.ApplicationSetTerminalGenerator) {
		// What a plugin answers may hang on any repository; Argo CD asks it at each push too.
		reads = reads || g.Plugin != nil || asks(g.Git, g.PullRequest, push)
	})
	return reads
}

// Asks tells the same of one generator that is no combination.
func Asks(g *v1alpha1.ApplicationSetGenerator, push event.Push) bool {
	return asks(g.Git, g.PullRequest, push)
}

func asks(git *v1alpha1.GitGenerator, pulls *v1alpha1.PullRequestGenerator, push event.Push) bool {
	repository := event.NormalizeURL(push.Repository)
	if git != nil && concerns(git.Revision, push.Ref) && (strings.Contains(git.RepoURL, "{{") || event.NormalizeURL(git.RepoURL) == repository) {
		return true
	}
	if pulls == nil {
		return false
	}
	for _, name := range pullRequestRepositories(pulls) {
		if strings.HasSuffix(strings.ToLower(repository), "/"+strings.ToLower(strings.Trim(name, "/"))) {
			return true
		}
	}
	return false
}

// concerns tells whether a revision may mean a ref. Commits stay; what is no branch name may be a range of versions.
func concerns(revision, ref string) bool {
	if revision == "" || revision == "HEAD" || ref == "" || strings.Contains(revision, "{{") || strings.HasPrefix(ref, "refs/tags/") {
		return true
	}
	return strings.TrimPrefix(revision, "refs/heads/") == strings.TrimPrefix(ref, "refs/heads/")
}

// pullRequestRepositories are the paths of the repositories, below their hosts, that a generator asks about.
func pullRequestRepositories(g *v1alpha1.PullRequestGenerator) []string {
	var all []string
	if g.Github != nil {
		all = append(all, g.Github.Owner+"/"+g.Github.Repo)
	}
	if g.GitLab != nil {
		all = append(all, g.GitLab.Project)
	}
	if g.Gitea != nil {
		all = append(all, g.Gitea.Owner+"/"+g.Gitea.Repo)
	}
	if g.Bitbucket != nil {
		all = append(all, g.Bitbucket.Owner+"/"+g.Bitbucket.Repo)
	}
	if g.BitbucketServer != nil {
		all = append(all, g.BitbucketServer.Project+"/"+g.BitbucketServer.Repo)
	}
	if g.AzureDevOps != nil {
		all = append(all, g.AzureDevOps.Organization+"/"+g.AzureDevOps.Project+"/_git/"+g.AzureDevOps.Repo)
	}
	return all
}
