package render

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fairlead.dev/fairlead/internal/render/kustomize"
)

const (
	// maxBaseDepth bounds how deep bases may lie in each other, and maxFetched how much a kustomization may name in all.
	maxBaseDepth = 8
	maxFetched   = 100
)

// fetchForKustomize gets the bases, manifests and charts that kustomizations name, and what those name in turn.
func (j *job) fetchForKustomize(ctx context.Context) error {
	j.fetched = nothingFetched()
	for depth := 0; ; depth++ {
		needs, err := j.kustomization().Needs(ctx)
		if err != nil || needs.None() {
			return err
		}
		if depth > maxBaseDepth {
			return fmt.Errorf("%s: remote bases lie more than %d deep in each other", j.root, maxBaseDepth)
		}
		f := &j.fetched
		if len(f.bases)+len(f.files)+len(f.charts)+len(needs.Bases)+len(needs.Files)+len(needs.Charts) > maxFetched {
			return fmt.Errorf("%s: the kustomization names more than %d remote things", j.root, maxFetched)
		}
		if err := j.fetchNeeds(ctx, needs); err != nil {
			return err
		}
	}
}

func (j *job) fetchNeeds(ctx context.Context, needs kustomize.Needs) error {
	for _, base := range needs.Bases {
		tree, err := j.request.Network.Base(ctx, base)
		if err != nil {
			j.transient = true
			return fmt.Errorf("%s: getting a remote base: %w", j.root, err)
		}
		j.fetched.bases[base] = tree
		j.fetched.commits[base] = tree.Revision()
	}
	if err := j.fetchFiles(ctx, needs.Files, "a remote resource", j.request.Network.Manifest); err != nil {
		return err
	}
	for _, chart := range needs.Charts {
		if err := j.fetchChart(ctx, chart); err != nil {
			return fmt.Errorf("%s: getting chart %q %s of a kustomization: %w", j.root, chart.Name, chart.Version, err)
		}
	}
	return nil
}

// sameBases tells whether the bases still mean the commits that a rendering took, and may still be used.
func (r *reads) sameBases(network Network) bool {
	for base, commit := range r.bases {
		if network == nil || network.KnownBase(context.Background(), base) != commit {
			return false
		}
	}
	return true
}

// Bases are the repositories of kustomizations that a rendering took and that may move, sorted.
func (r *Result) Bases() []kustomize.Base {
	var moving []kustomize.Base
	for base := range r.reads.bases {
		if !pinned(base) {
			moving = append(moving, base)
		}
	}
	slices.SortFunc(moving, func(a, b kustomize.Base) int {
		return strings.Compare(a.URL+" "+a.Ref, b.URL+" "+b.Ref)
	})
	return moving
}

var fullCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// pinned tells a base that always means the same.
func pinned(base kustomize.Base) bool { return fullCommit.MatchString(base.Ref) }
