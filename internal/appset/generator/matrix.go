package generator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dario.cat/mergo"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
)

// What can be wrong with a matrix.
var (
	errFewInMatrix     = errors.New("found less than two generators, Matrix support only two")
	errManyInMatrix    = errors.New("found more than two generators, Matrix support only two")
	errSeveralChildren = errors.New("found more than one generator in matrix.Generators")
)

// maxSets bounds what a matrix makes: a thousand times a thousand are more applications than any hub has.
const maxSets = 100_000

// matrix pairs the parameters of two generators. The second sees those of the first.
type matrix struct{ all *All }

func (m matrix) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	switch n := len(g.Matrix.Generators); {
	case n < 2:
		return nil, errFewInMatrix
	case n > 2:
		return nil, errManyInMatrix
	}
	outer, err := m.all.child(ctx, g.Matrix.Generators[0], set, nil)
	if err != nil {
		return nil, fmt.Errorf("error failed to get params for first generator in matrix generator: %w", err)
	}
	templated := usesTemplates(g.Matrix.Generators[1])
	var pairs, inner []Params
	for i, a := range outer {
		if i == 0 || templated { // else it would answer the same
			if inner, err = m.all.child(ctx, g.Matrix.Generators[1], set, a); err != nil {
				return nil, fmt.Errorf("failed to get params for second generator in the matrix generator: %w", err)
			}
		}
		for _, b := range inner {
			pair, err := pairOf(a, b, set.Spec.GoTemplate)
			if err != nil {
				return nil, err
			}
			if pairs = append(pairs, pair); len(pairs) > maxSets {
				return nil, fmt.Errorf("the matrix generator makes more than %d sets of parameters: narrow its generators", maxSets)
			}
		}
	}
	return pairs, nil
}

func usesTemplates(g v1alpha1.ApplicationSetNestedGenerator) bool {
	data, err := json.Marshal(g)
	return err != nil || bytes.Contains(data, []byte("{{"))
}

// pairOf joins two sets of parameters. With Go templates those of the first win; without, they must agree.
func pairOf(a, b Params, goTemplate bool) (Params, error) {
	if goTemplate {
		pair := appset.CopyParams(b)
		if pair == nil {
			pair = Params{}
		}
		if err := mergo.Merge(&pair, appset.CopyParams(a), mergo.WithOverride); err != nil {
			return nil, fmt.Errorf("failed to merge params from the second generator in the matrix generator with the first: %w", err)
		}
		return pair, nil
	}
	pair := make(Params, len(a)+len(b))
	for key, value := range a {
		pair[key] = fmt.Sprintf("%v", value)
	}
	for key, value := range b {
		text := fmt.Sprintf("%v", value)
		if there, ok := pair[key]; ok && there != text {
			return nil, fmt.Errorf("failed to combine string maps with merging params for the matrix generator: found duplicate key %s with different value, a: %s ,b: %s", key, there, text)
		}
		pair[key] = text
	}
	return pair, nil
}

func (m matrix) RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	return m.all.childrenAfter(g.Matrix.Generators)
}

func (a *All) childrenAfter(children []v1alpha1.ApplicationSetNestedGenerator) time.Duration {
	var first time.Duration
	for _, child := range children {
		if g, err := unnested(child); err == nil { // what can't be read fails when it is asked
			first = sooner(first, a.after(g))
		}
	}
	return first
}
