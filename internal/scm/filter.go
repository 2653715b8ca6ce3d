package scm

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Filter says which repositories are wanted: those for which all of what is set holds. Nil and empty fields ask for nothing.
type Filter struct {
	Repository, Label, Branch   *regexp.Regexp
	PathsExist, PathsDoNotExist []string
}

// ofBranch tells whether the filter looks at a branch, rather than only at the repository.
func (f Filter) ofBranch() bool {
	return f.Branch != nil || len(f.PathsExist) > 0 || len(f.PathsDoNotExist) > 0
}

// ofRepository tells whether the filter can be applied before branches are known.
func (f Filter) ofRepository() bool {
	return !f.ofBranch() && (f.Repository != nil || f.Label != nil)
}

// parallel bounds how many repositories are asked about at once. Hosts ask not to be asked a lot at once (GitHub: "make requests
// serially"), but one by one an organization of a thousand repositories takes minutes.
const parallel = 4

// Find lists the branches that the filters want, in the host's order. There are two rounds, as in Argo CD: a repository
// must pass one of the filters that look at repositories alone, if there are any; and then each of its branches one of those
// that look at branches, if there are any.
func Find(ctx context.Context, provider Provider, filters []Filter, protocol string) ([]Repository, error) {
	repositories, err := provider.Repositories(ctx, protocol)
	if err != nil {
		return nil, err
	}
	ofRepository, ofBranch := split(filters)
	repositories = slices.DeleteFunc(repositories, func(r Repository) bool {
		return len(ofRepository) > 0 && !slices.ContainsFunc(ofRepository, func(f Filter) bool { return f.names(r) })
	})
	found := make([][]Repository, len(repositories))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, repository := range repositories {
		group.Go(func() error {
			branches, err := provider.Branches(ctx, repository)
			if err != nil {
				return err
			}
			for _, branch := range branches {
				wanted, err := anyWants(ctx, provider, ofBranch, branch)
				if err != nil {
					return err
				}
				if wanted {
					found[i] = append(found[i], branch)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

func split(filters []Filter) (ofRepository, ofBranch []Filter) {
	for _, filter := range filters {
		if filter.ofBranch() {
			ofBranch = append(ofBranch, filter)
		} else if filter.ofRepository() {
			ofRepository = append(ofRepository, filter)
		}
	}
	return ofRepository, ofBranch
}

func anyWants(ctx context.Context, provider Provider, filters []Filter, branch Repository) (bool, error) {
	if len(filters) == 0 {
		return true, nil
	}
	for _, filter := range filters {
		if wants, err := filter.wants(ctx, provider, branch); wants || err != nil {
			return wants, err
		}
	}
	return false, nil
}

// names tells whether the repository's name and labels are those that are wanted.
func (f Filter) names(r Repository) bool {
	return (f.Repository == nil || f.Repository.MatchString(r.Name)) &&
		(f.Label == nil || slices.ContainsFunc(r.Labels, f.Label.MatchString))
}

func (f Filter) wants(ctx context.Context, provider Provider, branch Repository) (bool, error) {
	if !f.names(branch) || f.Branch != nil && !f.Branch.MatchString(branch.Branch) {
		return false, nil
	}
	for _, paths := range []struct {
		names []string
		exist bool
	}{{f.PathsExist, true}, {f.PathsDoNotExist, false}} {
		for _, path := range paths.names {
			has, err := provider.HasPath(ctx, branch, strings.TrimRight(path, "/"))
			if err != nil || has != paths.exist {
				return false, err
			}
		}
	}
	return true, nil
}

// PullRequestFilter says which pull requests are wanted: those for which all of what is set holds.
type PullRequestFilter struct {
	Branch, TargetBranch, Title *regexp.Regexp
}

func (f PullRequestFilter) wants(p PullRequest) bool {
	return (f.Branch == nil || f.Branch.MatchString(p.Branch)) &&
		(f.TargetBranch == nil || f.TargetBranch.MatchString(p.TargetBranch)) &&
		(f.Title == nil || f.Title.MatchString(p.Title))
}

// FindPullRequests lists the pull requests that one of the filters wants; without filters, all.
func FindPullRequests(ctx context.Context, lister PullRequests, filters []PullRequestFilter) ([]PullRequest, error) {
	all, err := lister.PullRequests(ctx)
	if err != nil || len(filters) == 0 {
		return all, err
	}
	return slices.DeleteFunc(all, func(p PullRequest) bool {
		return !slices.ContainsFunc(filters, func(f PullRequestFilter) bool { return f.wants(p) })
	}), nil
}
