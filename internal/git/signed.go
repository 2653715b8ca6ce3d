package git

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"strings"
	"time"
)

// Signable is an object that may carry a signature, as Git stores it: a commit or an annotated tag.
type Signable struct {
	// Kind is "commit" or "tag".
	Kind string
	// Name is the commit's full ID, or the tag's name.
	Name    string
	Content []byte
}

// SignedTag reads the annotated tag that led to a commit: one of the revisions names it, or is a range of versions of which it is the
// highest, as for ResolveTagged. It is nil where none did.
func (r *Repository) SignedTag(ctx context.Context, commit, prefix string, revisions ...string) (*Signable, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	refs, err := r.mirrored(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the signature of commit %s: %w", commit, err)
	}
	for _, revision := range revisions {
		name := highestVersion(revision, prefix, refs)
		if name == "" {
			if _, branch := refs["refs/heads/"+revision]; branch {
				continue
			}
			name = "refs/tags/" + strings.TrimPrefix(revision, "refs/tags/")
		}
		tag, ok := refs[name]
		if !ok || tag.object == "" || tag.commit != commit {
			continue
		}
		kind, object, err := r.objects.read(tag.object)
		if err != nil {
			r.markDamaged(err)
			return nil, fmt.Errorf("reading tag %s: %w", revision, err)
		}
		return &Signable{Kind: kind, Name: strings.TrimPrefix(name, "refs/tags/"), Content: object}, nil
	}
	return nil, nil
}

// SignedCommit reads a commit, given by its full ID.
func (r *Repository) SignedCommit(ctx context.Context, id string) (Signable, error) {
	content, err := r.commitObject(ctx, id)
	return Signable{Kind: "commit", Name: id, Content: content}, err
}

// ancestor is a commit of a history, without its content.
type ancestor struct {
	id      string
	parents []string
	at      time.Time
	// vouched is a commit that a seal is, or comes after: it needs no look.
	vouched bool
}

// SignedHistory visits a commit and all that led to it, newest first, but for what a sealed commit vouches for: what came before that.
// The sealed commits themselves, and where histories meet what is vouched for, are visited. It reads every commit there is, once
// for the seals and once for the visits: for long histories that takes seconds.
func (r *Repository) SignedHistory(ctx context.Context, tip string, sealed func(Signable) bool, visit func(Signable) error) error {
	all, seals, err := r.ancestors(ctx, tip, sealed)
	if err != nil {
		return err
	}
	vouch(all, seals)
	border := map[string]bool{}
	for _, commit := range all {
		for _, parent := range commit.parents {
			border[parent] = border[parent] || !commit.vouched
		}
	}
	queue := &newest{all[tip]}
	seen := map[string]bool{tip: true}
	for queue.Len() > 0 {
		commit := heap.Pop(queue).(*ancestor)
		for _, id := range commit.parents {
			if !seen[id] {
				seen[id] = true
				heap.Push(queue, all[id])
			}
		}
		if commit.vouched && !border[commit.id] && commit.id != tip {
			continue
		}
		object, err := r.SignedCommit(ctx, commit.id)
		if err != nil {
			return err
		}
		if err := visit(object); err != nil {
			return err
		}
	}
	return nil
}

// ancestors reads the graph of a commit and what led to it, and which of them are sealed.
func (r *Repository) ancestors(ctx context.Context, tip string, sealed func(Signable) bool) (map[string]*ancestor, []string, error) {
	all, waiting := map[string]*ancestor{}, []string{tip}
	var seals []string
	for len(waiting) > 0 {
		id := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if all[id] != nil {
			continue
		}
		object, err := r.SignedCommit(ctx, id)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the history of %s: %w", tip, err)
		}
		info := parseCommit(object.Content)
		all[id] = &ancestor{id: id, parents: info.Parents, at: info.Committed}
		if sealed(object) {
			seals = append(seals, id)
		}
		waiting = append(waiting, info.Parents...)
	}
	return all, seals, nil
}

// vouch marks what the seals are, and what came before them.
func vouch(all map[string]*ancestor, seals []string) {
	for waiting := seals; len(waiting) > 0; {
		commit := all[waiting[len(waiting)-1]]
		waiting = waiting[:len(waiting)-1]
		if !commit.vouched {
			commit.vouched = true
			waiting = append(waiting, commit.parents...)
		}
	}
}

// newest is a heap with the newest commit first.
type newest []*ancestor

func (n newest) Len() int           { return len(n) }
func (n newest) Less(i, j int) bool { return n[i].at.After(n[j].at) }
func (n newest) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *newest) Push(x any)        { *n = append(*n, x.(*ancestor)) }
func (n *newest) Pop() any {
	old := *n
	last := old[len(old)-1]
	*n = old[:len(old)-1]
	return last
}

// Identity is who made an object, "Name <mail>": a commit's author, or who tagged. It is empty for what is malformed.
func (s Signable) Identity() string {
	role := "author"
	if s.Kind == "tag" {
		role = "tagger"
	}
	header, _, _ := bytes.Cut(s.Content, []byte("\n\n"))
	for line := range strings.Lines(string(header)) {
		if value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), role+" "); ok {
			who, _ := parseSignature(value)
			return who
		}
	}
	return ""
}

// Message is what people wrote, signature of a tag included.
func (s Signable) Message() string {
	_, message, _ := bytes.Cut(s.Content, []byte("\n\n"))
	return string(message)
}
