package imageupdate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/sync/errgroup"

	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
	"fairlead.dev/fairlead/internal/oci"
	"fairlead.dev/fairlead/internal/settings"
)

// config is what argocd-image-updater-config says.
type config struct {
	author git.Signature
	// message is the template of commit messages; empty means the default.
	message string
	signOff bool
}

// observe reads the configuration, the branch, and the tags of all images. An error concerns the whole destination.
func (r *Reconciler) observe(ctx context.Context, rd *round) error {
	if err := r.readConfig(ctx, rd); err != nil {
		return err
	}
	if len(rd.active()) == 0 {
		return nil
	}
	if rd.destination.Repository != "" {
		if err := r.readBranch(ctx, rd); err != nil {
			return err
		}
	}
	for _, c := range rd.active() {
		if err := r.readTarget(rd, c); err != nil {
			c.errs = append(c.errs, err)
		}
	}
	r.readRegistries(ctx, rd)
	return nil
}

func (r *Reconciler) readConfig(ctx context.Context, rd *round) error {
	data, err := r.deps.ConfigMap(ctx, settings.ImageUpdaterConfigMap)
	if err != nil {
		return err
	}
	rd.config = config{author: git.Signature{Name: data["git.user"], Email: data["git.email"]},
		message: data["git.commit-message-template"], signOff: data["git.commit-sign-off"] == "true"}
	if rd.config.author.Name == "" || rd.config.author.Email == "" {
		rd.config.author = git.Signature{Name: r.options.AuthorName, Email: r.options.AuthorEmail}
	}
	if rd.registries, err = oci.ParseRegistries(data["registries.conf"]); err != nil {
		return fmt.Errorf("reading ConfigMap %s: %w", settings.ImageUpdaterConfigMap, err)
	}
	return nil
}

// readBranch fetches the repository and finds the tip of the base branch. A round that a tag started takes the mirror as it
// is: should it be behind, the write finds out, and this saves the time of one fetch where it counts.
func (r *Reconciler) readBranch(ctx context.Context, rd *round) error {
	remote, err := r.remote(ctx, rd)
	if err != nil {
		return err
	}
	rd.repository = r.deps.Git.Repository(remote)
	if fresh := r.isFetched(rd.destination) && !rd.heard.IsZero(); !fresh {
		r.setFetched(rd.destination, false)
		if err := rd.repository.Fetch(ctx); err != nil {
			return err
		}
	}
	if rd.base = rd.destination.Branch; rd.base == "" {
		if rd.base, err = rd.repository.DefaultBranch(ctx); err != nil {
			return err
		}
	}
	rd.head, err = rd.repository.Resolve(ctx, "refs/heads/"+rd.base)
	if errors.Is(err, git.ErrUnknownRevision) {
		return fmt.Errorf("finding branch %q of repository %q: %w: updates are written to a branch; if the application tracks a tag or commit, name one in the annotation %sgit-branch",
			rd.base, rd.repository.URL(), git.ErrUnknownRevision, imagepolicy.AnnotationPrefix)
	}
	if err != nil {
		return err
	}
	if rd.tree, err = rd.repository.Tree(ctx, rd.head); err != nil {
		return err
	}
	r.setFetched(rd.destination, true)
	return nil
}

func (r *Reconciler) isFetched(destination Destination) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fetched[destination]
}

func (r *Reconciler) setFetched(destination Destination, fetched bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !fetched {
		delete(r.fetched, destination)
		return
	}
	r.fetched[destination] = true
}

// readTarget reads what the candidate's target file says now.
func (r *Reconciler) readTarget(rd *round, c *candidate) error {
	c.recorded = make([]imagepolicy.Version, len(c.policy.Images))
	if c.policy.WriteBack.Method != imagepolicy.WriteToGit {
		return nil
	}
	var err error
	if c.file, err = c.policy.TargetFile(rd.tree); err != nil {
		return err
	}
	if c.policy.WriteBack.Target.Kind == imagepolicy.SourceFile {
		// Git has no empty folders: a path without files is a mistake, and a file of ours would only hide it.
		if folder := path.Dir(c.file); folder != "." {
			if info, err := fs.Stat(rd.tree, folder); err != nil || !info.IsDir() {
				return fmt.Errorf("finding the folder %q of application %s in branch %q: there is none: mend the path of its source", folder, c.app.Name, rd.base)
			}
		}
	}
	content, err := readFile(rd.tree, c.file)
	if err != nil {
		return err
	}
	if c.recorded, err = c.policy.Recorded(content); err != nil {
		return fmt.Errorf("reading %s: %w", c.file, err)
	}
	return nil
}

// readFile is nil for a file that doesn't exist.
func readFile(tree fs.FS, file string) ([]byte, error) {
	content, err := fs.ReadFile(tree, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return content, nil
}

// readRegistries fills in the picks' places and tags. Several applications with one image cost one question.
func (r *Reconciler) readRegistries(ctx context.Context, rd *round) {
	type listing struct {
		place oci.Place
		names []string
		err   error
	}
	listings := map[oci.Place]*listing{}
	for _, c := range rd.active() {
		c.picks = make([]pick, len(c.policy.Images))
		for i, image := range c.policy.Images {
			p := &c.picks[i]
			var used bool
			if p.current, used = c.policy.Current(image, c.app, c.recorded[i]); !used {
				p.skipped = true
				r.log(rd).DebugContext(ctx, "the application runs no such image: not updated (force-update: \"true\" does)",
					"application", c.app.Name, "image", image.Repository)
				continue
			}
			var err error
			if p.place, err = r.place(ctx, rd, c, image); err != nil {
				p.skipped = true
				c.errs = append(c.errs, err)
				continue
			}
			if image.Strategy != imagepolicy.Digest && listings[p.place] == nil {
				listings[p.place] = &listing{place: p.place}
			}
		}
	}
	var questions errgroup.Group
	questions.SetLimit(r.options.Requests)
	for _, l := range listings {
		questions.Go(func() error {
			l.names, l.err = r.deps.Registry.Tags(ctx, l.place)
			return nil
		})
	}
	_ = questions.Wait() // each listing has its own error
	for _, c := range rd.apps {
		for i := range c.picks {
			p, image := &c.picks[i], c.policy.Images[i]
			if p.skipped {
				continue
			}
			err := error(nil)
			if image.Strategy == imagepolicy.Digest {
				err = r.readDigest(ctx, p, image)
			} else {
				err = listings[p.place].err
				for _, name := range listings[p.place].names {
					p.tags = append(p.tags, imagepolicy.Tag{Name: name})
				}
			}
			if err == nil && image.NeedsTimes(nil) {
				err = r.readTimes(ctx, p, image)
			}
			// A repository that isn't there yet has no tags yet.
			if err != nil && !errors.Is(err, oci.ErrNotFound) {
				p.skipped = true
				c.errs = append(c.errs, fmt.Errorf("looking for updates of application %s: %w", c.app.Name, err))
			}
		}
	}
}

func (r *Reconciler) readDigest(ctx context.Context, p *pick, image imagepolicy.Image) error {
	digest, err := r.deps.Registry.Digest(ctx, p.place, image.Constraint)
	if err == nil {
		p.tags = []imagepolicy.Tag{{Name: image.Constraint, Digest: digest}}
	}
	return err
}

// readTimes fills in when the candidates among the tags were built; other tags are dropped. An error leaves the tags alone.
func (r *Reconciler) readTimes(ctx context.Context, p *pick, image imagepolicy.Image) error {
	names := make([]string, len(p.tags))
	for i, tag := range p.tags {
		names[i] = tag.Name
	}
	names = slices.Compact(image.Candidates(names))
	tags := make([]imagepolicy.Tag, len(names))
	questions, ctx := errgroup.WithContext(ctx)
	questions.SetLimit(r.options.Requests)
	for i, name := range names {
		questions.Go(func() error {
			built, err := r.deps.Registry.Built(ctx, p.place, name, image.Platforms)
			tags[i] = imagepolicy.Tag{Name: name, Digest: built.Digest, Created: built.Created}
			return err
		})
	}
	if err := questions.Wait(); err != nil {
		return err
	}
	p.tags = tags
	return nil
}
