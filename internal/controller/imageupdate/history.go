package imageupdate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
)

// maxSteps bounds the changes of one file that are read.
const maxSteps = 50

// revision is a commit that changed a file.
type revision struct {
	commit, author, email, message string
	// date is when it was committed: an author's is older after a rebase, and whatever the author wants it to be.
	date time.Time
	// content is the file's after the commit; nil if it was gone.
	content []byte
}

// histories reads who changed the files, the newest first: in one walk along the first parents, because that is the order in
// which the branch moved. It goes Options.HistoryDepth commits deep, also beyond the commit that made a file: a revert of a
// first update deletes the file, and the next update makes it again.
func (r *Reconciler) histories(ctx context.Context, rd *round, files []string) (map[string][]revision, error) {
	fail := func(err error) error {
		return fmt.Errorf("reading the history of branch %q of repository %q: %w", rd.base, rd.repository.URL(), err)
	}
	histories := map[string][]revision{}
	tree, commit, pending := rd.tree, rd.head, slices.Compact(slices.Sorted(slices.Values(files)))
	ids := fileIDs(tree, pending)
	for range r.options.HistoryDepth {
		info, err := rd.repository.Info(ctx, commit)
		if err != nil {
			return nil, fail(err)
		}
		parent, before := (*git.Tree)(nil), map[string]git.ID{}
		if len(info.Parents) > 0 {
			if parent, err = rd.repository.Tree(ctx, info.Parents[0]); err != nil {
				return nil, fail(err)
			}
			before = fileIDs(parent, pending)
		}
		for _, file := range pending {
			if ids[file] == before[file] {
				continue
			}
			content, err := readFile(tree, file)
			if err != nil {
				return nil, fail(err)
			}
			name, email := splitAuthor(info.Author)
			histories[file] = append(histories[file], revision{commit, name, email, info.Message, info.Committed, content})
		}
		pending = slices.DeleteFunc(pending, func(file string) bool { return len(histories[file]) == maxSteps })
		if parent == nil || len(pending) == 0 {
			break
		}
		tree, commit, ids = parent, info.Parents[0], before
	}
	return histories, nil
}

// fileIDs are the Git objects of the files; zero for one that isn't there.
func fileIDs(tree *git.Tree, files []string) map[string]git.ID {
	ids := make(map[string]git.ID, len(files))
	for _, file := range files {
		if id, err := tree.ID(file); err == nil {
			ids[file] = id
		}
	}
	return ids
}

// splitAuthor takes "Name <mail>" apart.
func splitAuthor(author string) (name, email string) {
	name, rest, _ := strings.Cut(author, "<")
	return strings.TrimSpace(name), strings.TrimSuffix(strings.TrimSpace(rest), ">")
}

// steps reads the versions of one image out of a file's history. A content that can't be read held no version.
func (c *candidate) steps(history []revision, image int) []imagepolicy.Step {
	steps := make([]imagepolicy.Step, len(history))
	for i, h := range history {
		steps[i] = imagepolicy.Step{Commit: h.commit, AuthorName: h.author, AuthorEmail: h.email, Date: h.date, Message: h.message}
		if versions, err := c.policy.Recorded(h.content); err == nil {
			steps[i].Version = versions[image]
		}
	}
	return steps
}
