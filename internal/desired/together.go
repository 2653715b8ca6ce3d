package desired

import (
	"context"

	"fairlead.dev/fairlead/internal/render"
)

// Together gives the looks that are made with its context a common memory of Git repositories: credentials are looked up,
// targets resolved and trees opened once for all of them. It is for one look at many applications, such as after a push, and
// is not safe for concurrent use. What is fetched while the context is in use is not seen.
func Together(ctx context.Context) context.Context {
	return context.WithValue(ctx, togetherKey{}, map[way]*common{})
}

type togetherKey struct{}

// way is how a project's applications reach a repository.
type way struct{ url, tagPrefix, project string }

// common is an origin that remembers its answers.
type common struct {
	origin
	resolved map[string]string
	trees    map[string]render.Tree
}

// together returns the origin that the context's looks share, made when the first of them needs it.
func together(ctx context.Context, w way, open func() (origin, error)) (origin, error) {
	all, ok := ctx.Value(togetherKey{}).(map[way]*common)
	if !ok {
		return open()
	}
	if known := all[w]; known != nil {
		return known, nil
	}
	o, err := open()
	if err != nil {
		return nil, err
	}
	all[w] = &common{origin: o, resolved: map[string]string{}, trees: map[string]render.Tree{}}
	return all[w], nil
}

func (c *common) resolve(ctx context.Context, target string) (string, error) {
	if revision, ok := c.resolved[target]; ok {
		return revision, nil
	}
	revision, err := c.origin.resolve(ctx, target)
	if err == nil {
		c.resolved[target] = revision
	}
	return revision, err
}

func (c *common) tree(ctx context.Context, revision string, fresh bool) (render.Tree, error) {
	if tree, ok := c.trees[revision]; ok && !fresh {
		return tree, nil
	}
	tree, err := c.origin.tree(ctx, revision, fresh)
	if err == nil {
		c.trees[revision] = tree
	}
	return tree, err
}
