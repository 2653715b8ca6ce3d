package desired

import (
	"context"
	"errors"
	"testing"

	"fairlead.dev/fairlead/internal/render"
)

// counted counts what is asked of it.
type counted struct {
	origin
	resolves, trees int
	err             error
}

func (c *counted) resolve(context.Context, string) (string, error) { c.resolves++; return "abc", c.err }
func (c *counted) tree(context.Context, string, bool) (render.Tree, error) {
	c.trees++
	return nil, c.err
}

func TestLooksTogetherAskOnce(t *testing.T) {
	asked := &counted{}
	opened := 0
	look := func(ctx context.Context, project string) error {
		o, err := together(ctx, way{"https://git.example.com/mono.git", "", project}, func() (origin, error) { opened++; return asked, nil })
		if err != nil {
			return err
		}
		revision, err1 := o.resolve(ctx, "main")
		_, err2 := o.tree(ctx, revision, false)
		return errors.Join(err1, err2)
	}
	check := func(what string, wantOpened, wantResolves, wantTrees int) {
		t.Helper()
		if opened != wantOpened || asked.resolves != wantResolves || asked.trees != wantTrees {
			t.Errorf("%s: opened %d, resolved %d, trees %d", what, opened, asked.resolves, asked.trees)
		}
	}
	ctx := Together(t.Context())
	for range 3 {
		if err := look(ctx, "one"); err != nil {
			t.Fatal(err)
		}
	}
	check("three of a project", 1, 1, 1)
	if err := look(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	check("another project has other credentials", 2, 2, 2)
	for range 2 {
		if err := look(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
	}
	check("each on its own", 4, 4, 4)

	asked.err = errors.New("away")
	failing := Together(t.Context())
	for range 2 {
		if look(failing, "one") == nil {
			t.Error("a failure is no error")
		}
	}
	check("failures are not remembered", 5, 6, 6)
}
