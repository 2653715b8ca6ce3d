// Package scm asks the REST APIs of Git hosts which repositories, branches and pull requests there are: GitHub, GitLab, Gitea,
// Bitbucket Cloud and Server (Data Center), Azure DevOps.
//
// It serves the SCM provider and pull request generators of ApplicationSets, whose applications are deleted when what they came
// from is gone. So nothing here guesses: an answer that can't be read, is cut off, or isn't there is an error, never a shorter list,
// and what a host doesn't have counts as gone only where the host itself says so in so many words. Package git speaks Git's own
// protocol with the same hosts; package githost is such a host.
//
// A [Provider] lists repositories, a [PullRequests] lists pull requests; each host has a file with one of both. They ask through a
// [Client], which [Hosts] makes: it knows how the host wants credentials, and waits when the host has said so. Start with
// [Find] and [FindPullRequests], which filter what they list.
package scm
