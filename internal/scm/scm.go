package scm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Repository is a branch of a repository, or a repository of which only the default branch's name is known.
type Repository struct {
	// Organization is the owner as the host calls it: organization, group, workspace, project.
	Organization string
	// Name is the repository's own name.
	Name string
	// URL is for cloning, by the protocol that was asked for.
	URL string
	// Branch is the short name; empty if the repository has none.
	Branch string
	// SHA is the branch's commit; empty where the branch hasn't been asked for.
	SHA string
	// Labels are the repository's topics or labels; never nil.
	Labels []string
	// ID is the host's own number (int64) or identifier (string) of the repository.
	ID any

	// slug is how the repository is written in the host's API; empty means Name.
	slug string
}

// at is the repository at a branch.
func (r Repository) at(branch, sha string) Repository {
	r.Branch, r.SHA = branch, sha
	return r
}

// Provider lists the repositories of one owner.
type Provider interface {
	// Repositories are all of the owner's. Protocol is ssh (also if empty) or https; what else there is depends on the host.
	Repositories(ctx context.Context, protocol string) ([]Repository, error)
	// Branches are the repository at its default branch, or at all branches. It is empty if the repository is.
	Branches(ctx context.Context, of Repository) ([]Repository, error)
	// HasPath tells whether there is a file or folder at the path, without slashes at its ends, in the repository's branch.
	HasPath(ctx context.Context, in Repository, path string) (bool, error)
}

// PullRequest is a pull request, which GitLab calls a merge request.
type PullRequest struct {
	Number int64
	Title  string
	// Branch is the source, TargetBranch what it is to be merged into; both are short names.
	Branch, TargetBranch string
	// HeadSHA is the commit of the source.
	HeadSHA string
	// Labels may be nil.
	Labels []string
	// Author is the login name.
	Author string
}

// PullRequests lists the pull requests of one repository.
type PullRequests interface {
	// PullRequests are the open ones, unless the lister says something else. ErrNotFound says that there is no such repository.
	PullRequests(ctx context.Context) ([]PullRequest, error)
}

// ErrNotFound says that a host has no such repository, or hides it from who asks.
var ErrNotFound = errors.New("there is no such repository, or the credentials may not see it")

// notFoundError is an ErrNotFound with the host's own answer.
type notFoundError struct{ cause error }

func (e notFoundError) Error() string        { return e.cause.Error() }
func (e notFoundError) Is(target error) bool { return target == ErrNotFound }
func (e notFoundError) Unwrap() error        { return e.cause }

// LimitError says that a host wants to be left alone for a while: it limits the rate of questions, or is overloaded.
type LimitError struct {
	// Host is its name, Until when it may be asked again.
	Host  string
	Until time.Time
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s limits the rate of requests: it will be asked again after %s", e.Host, e.Until.UTC().Format(time.RFC3339))
}

// StatusError is an answer other than success.
type StatusError struct {
	// Request is method and path, Status a code of HTTP.
	Request string
	Status  int
	// Message is what the host says, shortened; Kind its name for the kind of error. Both may be empty.
	Message, Kind string
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %d", e.Request, e.Status)
	if e.Message != "" {
		text += " " + e.Message
	}
	if e.Status == 401 || e.Status == 403 {
		text += ": check the token and what it may read"
	}
	return text
}

// says tells whether an error is the host's own answer with this status, and has one of the phrases, in any case; none means any.
// A status without a word of the host's doesn't count: proxies, and addresses that are no API, give those too.
func says(err error, status int, phrases ...string) bool {
	var answer *StatusError
	if !errors.As(err, &answer) || answer.Status != status {
		return false
	}
	text := strings.ToLower(strings.TrimSpace(answer.Message + " " + answer.Kind))
	for _, phrase := range phrases {
		if strings.Contains(text, strings.ToLower(phrase)) {
			return true
		}
	}
	return len(phrases) == 0 && text != ""
}

// repositoryGone turns a host's 404 into ErrNotFound.
func repositoryGone(err error) error {
	if says(err, 404) {
		return notFoundError{err}
	}
	return err
}

// hasAll tells whether all wanted labels are there.
func hasAll(labels, wanted []string) bool {
	for _, want := range wanted {
		found := false
		for _, label := range labels {
			found = found || label == want
		}
		if !found {
			return false
		}
	}
	return true
}
