// Package source is the repositories that builds come from: which refs they have, when a commit was made, and its files.
// It joins internal/git's mirrors with the hub's credentials in the three questions that builds ask.
//
// It decides nothing; package build does. Start with Git.
package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/git"
)

// Git answers from Git hosts. It is safe for concurrent use.
type Git struct {
	// Store holds the mirrors.
	Store *git.Store
	// Remote tells the credentials for a clone URL; nil means none are needed.
	Remote func(ctx context.Context, url string) (git.Remote, error)
	// Clock tells when somebody started a build; nil means the real time.
	Clock clock.PassiveClock
}

func (g *Git) repository(ctx context.Context, url string) (*git.Repository, error) {
	remote := git.Remote{URL: url}
	if g.Remote != nil {
		var err error
		if remote, err = g.Remote(ctx, url); err != nil {
			return nil, err
		}
	}
	return g.Store.Repository(remote), nil
}

// Refs are all refs of the repository, full name → commit, as the Git host has them now.
func (g *Git) Refs(ctx context.Context, url string) (map[string]string, error) {
	repository, err := g.repository(ctx, url)
	if err != nil {
		return nil, err
	}
	return repository.Refs(ctx)
}

// Commit tells what tags can say of a commit, given by its full ID. It fetches if the mirror doesn't have it.
func (g *Git) Commit(ctx context.Context, url, sha string) (build.Commit, error) {
	repository, err := g.repository(ctx, url)
	if err != nil {
		return build.Commit{}, err
	}
	info, err := repository.Info(ctx, sha)
	if err != nil {
		return build.Commit{}, err
	}
	return build.Commit{SHA: sha, Time: info.Committed}, nil
}

// Tree are the files of a commit, given by its full ID. It fetches if the mirror doesn't have it.
func (g *Git) Tree(ctx context.Context, url, sha string) (fs.FS, error) {
	repository, err := g.repository(ctx, url)
	if err != nil {
		return nil, err
	}
	return repository.Tree(ctx, sha)
}

// ErrNoSuchRef means that a person asked for a build of something that the repository doesn't have.
var ErrNoSuchRef = errors.New("the repository has no such branch or tag")

var fullSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Start makes the Build for which a user asks: of the rule, at a ref. ref is a short or full name of a branch or tag
// (which of both follows from the rule's type), or empty where the rule's pattern fits exactly one of the repository's.
// The Build is to be created by the caller. Errors are *build.RuleError, ErrNoSuchRef, and those of the Git host.
func (g *Git) Start(ctx context.Context, rule *v1alpha1.BuildRule, ref, user string) (*v1alpha1.Build, error) {
	compiled, err := build.Compile(rule)
	if err != nil {
		return nil, err
	}
	url := rule.Spec.Source.RepoURL
	refs, err := g.Refs(ctx, url)
	if err != nil {
		return nil, err
	}
	ref, err = pick(compiled, refs, ref)
	if err != nil {
		return nil, fmt.Errorf("starting build rule %q: %w", rule.Name, err)
	}
	commit := build.Commit{SHA: refs[ref]}
	if compiled.NeedsCommitTime() {
		if commit, err = g.Commit(ctx, url, refs[ref]); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	if g.Clock != nil {
		now = g.Clock.Now()
	}
	return build.Start(compiled, ref, commit, user, now)
}

// pick finds the ref that is meant.
func pick(rule *build.Rule, refs map[string]string, ref string) (string, error) {
	if ref == "" {
		var fitting []string
		for name := range refs {
			if rule.Matches(name) {
				fitting = append(fitting, name)
			}
		}
		if len(fitting) != 1 {
			return "", fmt.Errorf("%d refs match its pattern: say which one to build", len(fitting))
		}
		return fitting[0], nil
	}
	if fullSHA.MatchString(ref) {
		return "", fmt.Errorf("a build is made of a branch or tag, not of the commit %s: say which one", ref)
	}
	if !strings.HasPrefix(ref, "refs/") {
		ref = rule.Prefix() + ref
	}
	if refs[ref] == "" {
		return "", fmt.Errorf("%w: %s", ErrNoSuchRef, ref)
	}
	return ref, nil
}
