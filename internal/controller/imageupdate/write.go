package imageupdate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
)

// write brings the changes to where they belong. Errors are the candidates' own, but for errOvertaken.
func (r *Reconciler) write(ctx context.Context, rd *round) error {
	if rd.destination.Repository == "" {
		for _, c := range rd.apps {
			if err := r.writeApplication(ctx, c); err != nil {
				c.errs = append(c.errs, err)
			}
		}
		return nil
	}
	// Templates of branches may send the applications apart; mostly there is one branch.
	branches, order := map[string][]*candidate{}, []string{}
	for _, c := range rd.apps {
		if len(c.changes) == 0 {
			continue
		}
		branch, err := c.policy.WriteBack.BranchName(c.summary())
		if err != nil {
			c.errs = append(c.errs, err)
			continue
		}
		if branch == "" {
			branch = rd.base
		}
		if branches[branch] == nil {
			order = append(order, branch)
		}
		branches[branch] = append(branches[branch], c)
	}
	for _, branch := range order {
		err := r.commit(ctx, rd, branch, branches[branch])
		if errors.Is(err, errOvertaken) {
			return err
		}
		for _, c := range branches[branch] {
			if err != nil {
				c.errs = append(c.errs, fmt.Errorf("writing the image update of application %s: %w", c.app.Name, err))
			}
		}
	}
	return nil
}

func (c *candidate) summary() imagepolicy.AppChanges {
	return imagepolicy.AppChanges{Namespace: c.app.Namespace, App: c.app.Name, Changes: c.changes}
}

// commit makes one commit of the candidates' changes, and tells the hub of it.
func (r *Reconciler) commit(ctx context.Context, rd *round, branch string, candidates []*candidate) error {
	summaries := make([]imagepolicy.AppChanges, len(candidates))
	for i, c := range candidates {
		summaries[i] = c.summary()
	}
	message, err := imagepolicy.Message(summaries, rd.config.message)
	if err != nil {
		return err
	}
	if rd.config.signOff {
		message = fmt.Sprintf("%s\n\nSigned-off-by: %s <%s>\n", strings.TrimRight(message, "\n"), rd.config.author.Name, rd.config.author.Email)
	}
	var files map[string][]byte
	commit, err := rd.repository.Commit(ctx, git.Change{
		Branch: branch, BaseBranch: rd.base, Author: rd.config.author, Message: message,
		Edit: func(tip fs.FS) (map[string][]byte, error) {
			var err error
			files, err = edit(tip, candidates, branch == rd.base)
			return files, err
		},
	})
	if errors.Is(err, git.ErrNoChange) {
		return nil // another branch has it already
	}
	if err != nil {
		return err
	}
	// Said before the push is: the listener of pushes must know it for ours.
	r.mu.Lock()
	r.lastCommit = commit
	r.mu.Unlock()
	push := event.Push{Repository: rd.destination.Repository, Ref: "refs/heads/" + branch, After: commit}
	if branch == rd.base {
		push.Before = rd.head
	}
	apps := make([]string, len(candidates))
	for i, c := range candidates {
		c.commit, c.done = commit, true
		apps[i] = c.app.Name
	}
	for file := range files {
		push.Files = append(push.Files, file)
	}
	r.deps.Bus.PublishPush(push)
	now := r.deps.Clock.Now()
	log := r.log(rd).With("commit", commit, "branch", branch, "applications", apps, "duration", now.Sub(rd.start))
	if !rd.heard.IsZero() {
		log = log.With("tagSeen", rd.heard, "sinceTagSeen", now.Sub(rd.heard))
	}
	log.InfoContext(ctx, "image update committed")
	return nil
}

// edit writes all settings into the files of the branch's tip. On the branch that was decided on, the versions must be those
// that were decided on: else a person's change, pushed a moment ago, would be overwritten unseen.
func edit(tip fs.FS, candidates []*candidate, decidedHere bool) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, c := range candidates {
		content, known := files[c.file]
		if !known {
			var err error
			if content, err = readFile(tip, c.file); err != nil {
				return nil, err
			}
			if err := c.checkUnchanged(content, decidedHere); err != nil {
				return nil, err
			}
		}
		content, err := c.policy.Record(content, c.settings)
		if err != nil {
			return nil, err
		}
		files[c.file] = content
	}
	return files, nil
}

func (c *candidate) checkUnchanged(content []byte, decidedHere bool) error {
	if !decidedHere {
		return nil
	}
	recorded, err := c.policy.Recorded(content)
	if err != nil {
		return err
	}
	for i, version := range recorded {
		if version != c.recorded[i] {
			return errOvertaken
		}
	}
	return nil
}

// writeApplication sets the parameters of the Application's own source.
func (r *Reconciler) writeApplication(ctx context.Context, c *candidate) error {
	if len(c.changes) == 0 {
		return nil
	}
	before := c.app.DeepCopy()
	if !c.policy.Apply(c.app, c.settings) {
		return nil
	}
	err := r.client.Patch(ctx, c.app, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		c.app = before
		return fmt.Errorf("writing the image update into application %s: %w", c.app.Name, err)
	}
	c.done = true
	r.deps.Logger.InfoContext(ctx, "image update written into the application", "application", c.app.Name)
	return nil
}
