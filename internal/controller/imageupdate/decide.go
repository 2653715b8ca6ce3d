package imageupdate

import (
	"context"
	"errors"
	"fmt"

	"fairlead.dev/fairlead/internal/imagepolicy"
)

// decide makes settings and changes of what was observed.
func (r *Reconciler) decide(ctx context.Context, rd *round) {
	wanting := false
	for _, c := range rd.apps {
		for i := range c.picks {
			if p := &c.picks[i]; !p.skipped {
				p.decision = imagepolicy.Pick(c.policy.Images[i], p.current, p.tags, nil)
				wanting = wanting || p.decision.Outcome == imagepolicy.Update
			}
		}
	}
	if wanting && rd.destination.Repository != "" {
		r.respectPeople(ctx, rd)
	}
	for _, c := range rd.apps {
		c.conclude()
	}
	rd.findRivals()
}

// respectPeople decides again, for images that would change, with what people took back in Git.
func (r *Reconciler) respectPeople(ctx context.Context, rd *round) {
	var files []string
	for _, c := range rd.apps {
		if c.wants() {
			files = append(files, c.file)
		}
	}
	histories, err := r.histories(ctx, rd, files)
	for _, c := range rd.apps {
		if !c.wants() {
			continue
		}
		if err != nil {
			// Better no update than one that somebody took back.
			c.errs = append(c.errs, err)
			c.picks = nil
			continue
		}
		for i := range c.picks {
			p, image := &c.picks[i], c.policy.Images[i]
			if p.skipped || p.decision.Outcome != imagepolicy.Update {
				continue
			}
			rejections := imagepolicy.Rejections(c.steps(histories[c.file], i), rd.config.author.Email, r.options.AuthorEmail,
				imagepolicy.DefaultAuthorEmail)
			p.decision = imagepolicy.Pick(image, p.current, p.tags, rejections)
			if p.decision.Outcome == imagepolicy.TakenBack && image.NeedsTimes(rejections) && !image.NeedsTimes(nil) {
				// There may be one that was built after.
				if err := r.readTimes(ctx, p, image); err != nil {
					c.errs = append(c.errs, fmt.Errorf("looking for updates of application %s: %w", c.app.Name, err))
				}
				p.decision = imagepolicy.Pick(image, p.current, p.tags, rejections)
			}
		}
	}
}

// wants tells whether an image of the candidate would change.
func (c *candidate) wants() bool {
	for _, p := range c.picks {
		if p.decision.Outcome == imagepolicy.Update {
			return true
		}
	}
	return false
}

// conclude fills in settings and changes: if one image changes, all that are known are written, as upstream does.
func (c *candidate) conclude() {
	c.settings, c.changes = nil, nil
	if !c.wants() {
		return
	}
	for i, p := range c.picks {
		if p.skipped || p.decision.To.IsZero() {
			continue
		}
		image := c.policy.Images[i]
		c.settings = append(c.settings, imagepolicy.Setting{Image: image, Version: p.decision.To})
		if p.decision.Outcome == imagepolicy.Update {
			c.changes = append(c.changes, imagepolicy.Change{Repository: image.Repository, Alias: image.Alias,
				From: p.decision.From, To: p.decision.To})
		}
	}
}

// findRivals finds applications that write different versions of one image into one file, and would undo each other's
// changes for ever. None of them is updated.
func (rd *round) findRivals() {
	type place struct{ file, image string }
	type claim struct {
		c       *candidate
		version imagepolicy.Version
	}
	claims := map[place]claim{}
	for _, c := range rd.apps {
		for i := range c.picks {
			p := &c.picks[i]
			version := p.decision.To
			if p.skipped || version.IsZero() || c.file == "" {
				continue
			}
			at := place{c.file, c.policy.Slot(c.policy.Images[i])}
			first, taken := claims[at]
			switch {
			case !taken:
				claims[at] = claim{c, version}
			case first.version != version:
				err := fmt.Errorf("applications %s and %s both set the image %s in %s, and their policies choose %s and %s: give them one policy, or a target each",
					first.c.app.Name, c.app.Name, c.policy.Images[i].Repository, c.file, first.version, version)
				for _, rival := range []*candidate{first.c, c} {
					rival.errs = append(rival.errs, err)
					rival.settings, rival.changes = nil, nil
				}
			}
		}
	}
}

// errorText is what the condition says: each problem once.
func (c *candidate) errorText() string {
	if err := errors.Join(c.errs...); err != nil {
		return err.Error()
	}
	return ""
}
