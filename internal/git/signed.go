package git

import (
	"context"
	"fmt"
	"strings"
)

// SignedObject reads what may carry the signature for a commit, as Git stores it: the object of an annotated tag, if one of the
// revisions that led to the commit is the name of such a tag, else the commit's own. Kind is "tag" or "commit".
func (r *Repository) SignedObject(ctx context.Context, commit string, revisions ...string) (kind string, content []byte, err error) {
	content, err = r.commitObject(ctx, commit)
	if err != nil {
		return "", nil, err
	}
	refs, err := r.mirrored(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("reading the signature of commit %s: %w", commit, err)
	}
	for _, revision := range revisions {
		if _, branch := refs["refs/heads/"+revision]; branch {
			continue
		}
		tag, ok := refs["refs/tags/"+strings.TrimPrefix(revision, "refs/tags/")]
		if !ok || tag.object == "" || tag.commit != commit {
			continue
		}
		kind, object, err := r.objects.read(tag.object)
		if err != nil {
			r.markDamaged(err)
			return "", nil, fmt.Errorf("reading tag %s: %w", revision, err)
		}
		return kind, object, nil
	}
	return "commit", content, nil
}
