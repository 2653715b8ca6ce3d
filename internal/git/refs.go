package git

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// ref is where a branch or tag of the mirror points.
type ref struct {
	// commit is the commit, also for annotated tags.
	commit string
	// object is that of an annotated tag; empty for everything else.
	object string
}

// Refs asks the remote for all its refs (ls-remote): full names such as refs/heads/main, refs/tags/v1 and HEAD, with the
// commits they point to; annotated tags are peeled. It doesn't touch the mirror, and is the way to try credentials.
func (r *Repository) Refs(ctx context.Context) (map[string]string, error) {
	if r.invalid != nil {
		return nil, r.invalid
	}
	url, env, err := r.access(ctx)
	if err != nil {
		return nil, err
	}
	out, err := r.store.gitIn(ctx, r.store.placesAt(r.where), r.store.home(), env, "ls-remote", "--quiet", "--", url)
	r.answered(err)
	if err != nil {
		return nil, fmt.Errorf("listing refs of repository %q: %w", r.URL(), err)
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		id, name, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		// The peeled line follows that of its tag.
		refs[strings.TrimSuffix(name, "^{}")] = id
	}
	return refs, nil
}

// DefaultBranch asks the remote for the branch that its HEAD is on, such as main.
func (r *Repository) DefaultBranch(ctx context.Context) (string, error) {
	if r.invalid != nil {
		return "", r.invalid
	}
	url, env, err := r.access(ctx)
	if err != nil {
		return "", err
	}
	out, err := r.store.gitIn(ctx, r.store.placesAt(r.where), r.store.home(), env, "ls-remote", "--quiet", "--symref", "--", url, "HEAD")
	r.answered(err)
	if err != nil {
		return "", fmt.Errorf("asking repository %q for its default branch: %w", r.URL(), err)
	}
	for line := range strings.Lines(string(out)) {
		if target, ok := strings.CutPrefix(line, "ref: refs/heads/"); ok {
			branch, _, _ := strings.Cut(target, "\t")
			return branch, nil
		}
	}
	return "", fmt.Errorf("asking repository %q for its default branch: %w: name the branch", r.URL(), ErrUnknownRevision)
}

var (
	fullID  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	shortID = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
)

// Resolve finds the commit that a revision means in the mirror, as it was at the last fetch: nothing or HEAD, a commit's ID,
// a semver range over the tags (the highest version wins; pre-releases only if the range names one), a branch, a tag, a full
// ref name, or the first seven or more digits of an ID, in this order, which is Argo CD's. A mirror that was never fetched is
// fetched first; so is a single ref (refs/pull/7/head) that mirrors don't hold. The error is ErrUnknownRevision if nothing
// fits.
func (r *Repository) Resolve(ctx context.Context, revision string) (string, error) {
	return r.ResolveTagged(ctx, "", revision)
}

// ResolveTagged is Resolve of which a semver range means only the tags with the prefix, by what follows it.
func (r *Repository) ResolveTagged(ctx context.Context, prefix, revision string) (string, error) {
	if err := r.ready(ctx); err != nil {
		return "", err
	}
	if fullID.MatchString(revision) {
		return revision, nil
	}
	refs, err := r.mirrored(ctx)
	if err != nil {
		return "", fmt.Errorf("resolving revision %q: %w", revision, err)
	}
	if revision == "" || revision == "HEAD" {
		if head, ok := refs[headRef]; ok {
			return head.commit, nil
		}
		return "", fmt.Errorf("resolving HEAD of repository %q: %w: the repository is empty, or its default branch doesn't exist", r.URL(), ErrUnknownRevision)
	}
	if tag := highestVersion(revision, prefix, refs); tag != "" {
		return refs[tag].commit, nil
	}
	for _, name := range []string{"refs/heads/" + revision, "refs/tags/" + revision, revision} {
		if found, ok := refs[name]; ok {
			return found.commit, nil
		}
	}
	if strings.HasPrefix(revision, "refs/") {
		return r.resolveExtra(ctx, revision)
	}
	if shortID.MatchString(revision) {
		if commit, err := r.peel(ctx, revision); err == nil {
			return commit, nil
		}
	}
	return "", fmt.Errorf("resolving revision %q of repository %q: %w", revision, r.URL(), ErrUnknownRevision)
}

func (r *Repository) resolveExtra(ctx context.Context, revision string) (string, error) {
	if strings.ContainsAny(revision, ":*?[\\^~ \t\n") || strings.Contains(revision, "..") {
		return "", fmt.Errorf("resolving revision %q of repository %q: %w", revision, r.URL(), ErrUnknownRevision)
	}
	local, err := r.fetchExtra(ctx, revision)
	if err != nil {
		if strings.Contains(err.Error(), "couldn't find remote ref") {
			return "", fmt.Errorf("resolving revision %q of repository %q: %w", revision, r.URL(), ErrUnknownRevision)
		}
		return "", err
	}
	return r.peel(ctx, local)
}

// peel gives the commit that an expression stands for.
func (r *mirror) peel(ctx context.Context, expression string) (string, error) {
	out, err := r.store.git(ctx, r.dir, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", expression+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("%w: %s", ErrUnknownRevision, expression)
	}
	return strings.TrimSpace(string(out)), nil
}

// mirrored returns the refs of the mirror, read once after each change.
func (r *mirror) mirrored(ctx context.Context) (map[string]ref, error) {
	r.mu.Lock()
	refs := r.refs
	r.mu.Unlock()
	if refs != nil {
		return refs, nil
	}
	// No fetch may run meanwhile: what is remembered must not be older than its end.
	if err := acquire(ctx, r.transport); err != nil {
		return nil, err
	}
	defer func() { <-r.transport }()
	out, err := r.store.git(ctx, r.dir, nil, "for-each-ref", "--format=%(objecttype) %(objectname) %(*objectname) %(refname)")
	if err != nil {
		r.markDamaged(err)
		return nil, fmt.Errorf("reading refs of the mirror of %q: %w", r.url, err)
	}
	refs = map[string]ref{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(fields) != 4 {
			continue
		}
		at := ref{commit: fields[1]}
		if fields[0] == "tag" {
			at = ref{commit: fields[2], object: fields[1]}
		}
		refs[fields[3]] = at
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refs = refs
	return refs, nil
}

// highestVersion returns the tag with the highest version in the range, or nothing if the revision is no range or no tag
// fits. A plain version is no range: it names exactly one tag.
func highestVersion(revision, prefix string, refs map[string]ref) string {
	if _, err := semver.NewVersion(revision); err == nil {
		return ""
	}
	constraint, err := semver.NewConstraint(revision)
	if err != nil {
		return ""
	}
	var highest *semver.Version
	var name string
	for candidate := range refs {
		tag, ok := strings.CutPrefix(candidate, "refs/tags/"+prefix)
		if !ok {
			continue
		}
		version, err := semver.NewVersion(tag)
		if err != nil || !constraint.Check(version) {
			continue
		}
		// Tags v1.0.0 and 1.0.0 are the same version; the name decides, so that the answer doesn't depend on chance.
		if highest == nil || version.GreaterThan(highest) || version.Equal(highest) && candidate < name {
			highest, name = version, candidate
		}
	}
	return name
}
