package generator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"dario.cat/mergo"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
)

// What can be wrong with a merge.
var (
	errFewInMerge = errors.New("found less than two generators, Merge requires two or more")
	errNoKeys     = errors.New("no merge keys were specified, Merge requires at least one")
	errNotUnique  = errors.New("the parameters from a generator were not unique by the given mergeKeys, Merge requires all param sets to be unique")
)

// merge lays the parameters of later generators over those of the first that have the same values for the merge keys.
type merge struct{ all *All }

func (m merge) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	children := g.Merge.Generators
	if len(children) < 2 {
		return nil, errFewInMerge
	}
	var base []Params
	var place map[string]int // of the base, by the values of the keys
	for i, child := range children {
		sets, err := m.all.child(ctx, child, set, nil)
		if err != nil {
			return nil, fmt.Errorf("error getting param sets from generators: error getting params from generator %d of %d: %w", i+1, len(children), err)
		}
		keyed, err := byKeys(g.Merge.MergeKeys, sets)
		if err != nil {
			return nil, fmt.Errorf("error getting param sets by merge key: %w", err)
		}
		if i == 0 {
			base, place = sets, keyed
			continue
		}
		for key, n := range keyed {
			at, ok := place[key]
			if !ok {
				continue
			}
			if base[at], err = overlaid(base[at], sets[n], set.Spec.GoTemplate); err != nil {
				return nil, fmt.Errorf("error merging base param set with override param set: %w", err)
			}
		}
	}
	return base, nil
}

func overlaid(base, over Params, goTemplate bool) (Params, error) {
	base = appset.CopyParams(base)
	if goTemplate {
		err := mergo.Merge(&base, appset.CopyParams(over), mergo.WithOverride)
		return base, err
	}
	maps.Copy(base, over)
	return base, nil
}

// byKeys are the positions of the sets by what they have for the merge keys.
func byKeys(keys []string, sets []Params) (map[string]int, error) {
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	keyed := make(map[string]int, len(sets))
	for i, params := range sets {
		values := make(map[string]any, len(keys))
		for _, key := range keys {
			values[key] = params[key]
		}
		data, err := json.Marshal(values)
		if err != nil {
			return nil, fmt.Errorf("error marshalling param set key json: %w", err)
		}
		if _, ok := keyed[string(data)]; ok {
			return nil, fmt.Errorf("%w. Duplicate key was %s", errNotUnique, data)
		}
		keyed[string(data)] = i
	}
	return keyed, nil
}

func (m merge) RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	return m.all.childrenAfter(g.Merge.Generators)
}
