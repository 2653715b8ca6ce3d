package imagepolicy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Step is one commit that changed a target file, with the version of one image that the file held after it.
type Step struct {
	Commit                  string
	AuthorName, AuthorEmail string
	// Date is when the commit was made.
	Date    time.Time
	Message string
	// Version is zero if the file, or the image in it, was not there.
	Version Version
}

// Rejection is a version that a person took back in Git.
type Rejection struct {
	Version Version
	// Commit is the one that replaced the version, By its author, At its date.
	Commit string
	By     string
	At     time.Time
}

// String says what happened and what to do, for people.
func (r Rejection) String() string {
	return fmt.Sprintf("%s was taken back by %s in commit %.8s: it stays so until a newer tag appears, or a commit sets it again",
		r.Version, r.By, r.Commit)
}

// Rejections finds the versions that people took back, in the history of one image in one target file, the newest step first.
//
// This is how a `git revert` of an update sticks without any state but Git's: a version that the file had, and that a commit
// other than the updater's own replaced, is one that somebody didn't want. It counts until somebody sets it again. A commit
// counts as a person's if its author isn't one of automatic (e-mail addresses), or if it says that it reverts another, as
// `git revert` does: people may share the updater's identity, and the updater itself reverts nothing.
func Rejections(history []Step, automatic ...string) []Rejection {
	taken := map[Version]Rejection{}
	for i := len(history) - 2; i >= 0; i-- {
		before, after := history[i+1].Version, history[i]
		if before == after.Version {
			continue
		}
		delete(taken, after.Version)
		if !before.IsZero() && byPerson(after, automatic) {
			taken[before] = Rejection{Version: before, Commit: after.Commit, By: after.AuthorName, At: after.Date}
		}
	}
	rejections := make([]Rejection, 0, len(taken))
	for _, rejection := range taken {
		rejections = append(rejections, rejection)
	}
	slices.SortFunc(rejections, func(a, b Rejection) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(a.Version.String(), b.Version.String())
	})
	return rejections
}

func byPerson(step Step, automatic []string) bool {
	if strings.Contains(step.Message, "This reverts commit ") {
		return true
	}
	return !slices.ContainsFunc(automatic, func(email string) bool { return strings.EqualFold(email, step.AuthorEmail) })
}

func rejected(image Image, version Version, rejections []Rejection) *Rejection {
	for _, rejection := range rejections {
		if image.same(rejection.Version, version) {
			return &rejection
		}
	}
	return nil
}
