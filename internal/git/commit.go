package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"
)

// Change is a commit to be made on top of a branch.
type Change struct {
	// Branch is where the commit goes; empty means the remote's default branch.
	Branch string
	// BaseBranch is where Branch starts if the remote doesn't have it yet; empty means that Branch must exist (or the
	// repository be empty).
	BaseBranch string
	// Author is author and committer.
	Author Signature
	// Message is the commit message: a subject, and a body after an empty line.
	Message string
	// Edit reads the tip of the branch and returns the new content of each file that changes, by path; nil deletes the file.
	// It is called again, with the new tip, when somebody else has pushed meanwhile, so it must not remember what it saw.
	Edit func(tip fs.FS) (map[string][]byte, error)
}

// Signature is who made a commit.
type Signature struct {
	Name, Email string
}

// errMoved means that the branch isn't where we thought; the next attempt starts from its new tip.
var errMoved = errors.New("the branch has moved")

// Commit edits the tip of a branch and pushes the result as one commit; there is no checkout. If somebody else pushes
// meanwhile, it starts again from their tip, at most Options.PushAttempts times, with growing random pauses. The commit's
// ID is returned once the remote has it, and the mirror knows it then. Errors: ErrNoChange if the edit changes nothing, a
// *RefusedError if the host refuses, those of Fetch, and what Edit returns.
func (r *Repository) Commit(ctx context.Context, change Change) (string, error) {
	if r.invalid != nil {
		return "", r.invalid
	}
	if err := acquire(ctx, r.committing); err != nil {
		return "", fmt.Errorf("committing to repository %q: %w", r.URL(), err)
	}
	defer func() { <-r.committing }()
	if change.Branch == "" {
		branch, err := r.DefaultBranch(ctx)
		if err != nil {
			return "", err
		}
		change.Branch = branch
	}
	if err := checkBranch(change.Branch); err != nil {
		return "", err
	}
	var err error
	for attempt := range r.store.options.PushAttempts {
		if attempt > 0 {
			slog.DebugContext(ctx, "push was overtaken, starting again", "repository", r.URL(), "branch", change.Branch, "attempt", attempt+1)
			if err := pause(ctx, attempt); err != nil {
				return "", err
			}
		}
		var commit string
		commit, err = r.commitOnce(ctx, change)
		if err == nil {
			return commit, nil
		}
		if !errors.Is(err, errMoved) {
			break
		}
	}
	return "", fmt.Errorf("committing to branch %q of repository %q: %w", change.Branch, r.URL(), err)
}

// pause waits up to 50 ms, 100 ms, 200 ms … 3.2 s: random, so that writers who collided once don't again.
func pause(ctx context.Context, attempt int) error {
	limit := 50 * time.Millisecond << min(attempt-1, 6)
	timer := time.NewTimer(rand.N(limit) + time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// checkBranch follows git-check-ref-format(1).
func checkBranch(branch string) error {
	bad := branch == "" || strings.HasPrefix(branch, "-") || strings.HasPrefix(branch, "/") || strings.HasSuffix(branch, "/") ||
		strings.HasSuffix(branch, ".") || strings.ContainsAny(branch, " ~^:?*[\\\x7f") || branch == "@" ||
		strings.Contains(branch, "..") || strings.Contains(branch, "//") || strings.Contains(branch, "@{") ||
		strings.ContainsFunc(branch, func(r rune) bool { return r < ' ' })
	for part := range strings.SplitSeq(branch, "/") {
		bad = bad || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return fmt.Errorf("%q can't be the name of a branch", branch)
	}
	return nil
}

func (r *Repository) commitOnce(ctx context.Context, change Change) (string, error) {
	if err := r.Fetch(ctx); err != nil {
		return "", err
	}
	parent, err := r.base(ctx, change)
	if err != nil {
		return "", err
	}
	tip := &Tree{repository: r}
	if parent == "" {
		// A repository without commits: Git's empty tree, written so that it can be read.
		if tip.root, err = writeObject(r.dir, "tree", nil); err != nil {
			return "", err
		}
	} else if tip, err = r.Tree(ctx, parent); err != nil {
		return "", err
	}
	files, err := change.Edit(tip)
	if err != nil {
		return "", err
	}
	root, err := r.writeTree(tip.root, files)
	if err != nil {
		return "", err
	}
	if root == tip.root {
		return "", ErrNoChange
	}
	commit, err := writeObject(r.dir, "commit", commitContent(root, parent, change, r.store.options.Clock.Now()))
	if err != nil {
		return "", err
	}
	return commit.String(), r.push(ctx, commit.String(), change.Branch)
}

// base is the commit to build on; empty for the first commit of an empty repository.
func (r *Repository) base(ctx context.Context, change Change) (string, error) {
	refs, err := r.mirrored(ctx)
	if err != nil {
		return "", err
	}
	if tip, ok := refs["refs/heads/"+change.Branch]; ok {
		return tip.commit, nil
	}
	if change.BaseBranch != "" {
		if tip, ok := refs["refs/heads/"+change.BaseBranch]; ok {
			return tip.commit, nil
		}
		return "", fmt.Errorf("%w: neither it nor its base branch %q exists", ErrUnknownRevision, change.BaseBranch)
	}
	for name := range refs {
		if strings.HasPrefix(name, "refs/heads/") {
			return "", fmt.Errorf("%w: push the branch first, or name a base branch", ErrUnknownRevision)
		}
	}
	return "", nil
}

// commitContent is a commit object; see gitformat-commit in git's documentation of objects.
func commitContent(root ID, parent string, change Change, now time.Time) []byte {
	clean := strings.NewReplacer("<", "", ">", "", "\n", " ", "\x00", "")
	stamp := fmt.Sprintf("%s <%s> %d +0000", clean.Replace(change.Author.Name), clean.Replace(change.Author.Email), now.Unix())
	var text strings.Builder
	fmt.Fprintf(&text, "tree %s\n", root)
	if parent != "" {
		fmt.Fprintf(&text, "parent %s\n", parent)
	}
	fmt.Fprintf(&text, "author %s\ncommitter %s\n\n", stamp, stamp)
	text.WriteString(strings.TrimRight(strings.ReplaceAll(change.Message, "\x00", ""), "\n") + "\n")
	return []byte(text.String())
}
