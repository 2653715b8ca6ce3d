package generator

import (
	"context"
	"errors"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
)

// Find asks the generators that g asks for, and merges their templates with base. The parameters of another generator, nil for
// none, are put into g first. A generator that fails is an error, and then nothing is found.
func (a *All) Find(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, base v1alpha1.ApplicationSetTemplate, set *v1alpha1.ApplicationSet, params Params) ([]appset.Found, error) {
	selector, err := appset.NewSelector(g.Selector)
	if err != nil {
		return nil, err
	}
	interpolated, err := appset.Interpolate(g, params, set)
	if err != nil {
		return nil, err
	}
	var all []appset.Found
	for _, generator := range a.For(g) {
		template, err := appset.MergeTemplate(templateOf(g), base)
		if err != nil {
			return nil, err
		}
		sets, err := generator.Params(ctx, interpolated, set)
		if err != nil {
			return nil, err
		}
		found := appset.Found{Template: template}
		for _, params := range sets {
			if selector.Matches(params) {
				found.Params = append(found.Params, params)
			}
		}
		all = append(all, found)
	}
	return all, nil
}

// Everything asks all generators of a set.
func (a *All) Everything(ctx context.Context, set *v1alpha1.ApplicationSet) ([]appset.Found, error) {
	var all []appset.Found
	for i := range set.Spec.Generators {
		found, err := a.Find(ctx, &set.Spec.Generators[i], set.Spec.Template, set, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// RequeueAfter is when the first of a set's generators is to be asked again; 0 means never.
func (a *All) RequeueAfter(set *v1alpha1.ApplicationSet) time.Duration {
	var first time.Duration
	for i := range set.Spec.Generators {
		first = sooner(first, a.after(&set.Spec.Generators[i]))
	}
	return first
}

func (a *All) after(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	var first time.Duration
	for _, generator := range a.For(g) {
		first = sooner(first, generator.RequeueAfter(g))
	}
	return first
}

// sooner is the shorter of two times of which 0 means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// child asks for the parameters of a generator inside a matrix or merge.
func (a *All) child(ctx context.Context, nested v1alpha1.ApplicationSetNestedGenerator, set *v1alpha1.ApplicationSet, params Params) ([]Params, error) {
	g, err := unnested(nested)
	if err != nil {
		return nil, err
	}
	found, err := a.Find(ctx, g, v1alpha1.ApplicationSetTemplate{}, set, params)
	switch {
	case err != nil:
		return nil, errChild{err}
	case len(found) == 0:
		return nil, errors.New("child generator generated no parameters")
	case len(found) > 1:
		return nil, errSeveralChildren
	}
	return found[0].Params, nil
}

// errChild says that the mistake is in a child.
type errChild struct{ error }

func (e errChild) Error() string {
	return "child generator returned an error on parameter generation: " + e.error.Error()
}
func (e errChild) Unwrap() error { return e.error }

// templateOf is the template that the kind of generator carries, if it does.
func templateOf(g *v1alpha1.ApplicationSetGenerator) v1alpha1.ApplicationSetTemplate {
	switch {
	case g.List != nil:
		return g.List.Template
	case g.Clusters != nil:
		return g.Clusters.Template
	case g.Git != nil:
		return g.Git.Template
	case g.SCMProvider != nil:
		return g.SCMProvider.Template
	case g.ClusterDecisionResource != nil:
		return g.ClusterDecisionResource.Template
	case g.PullRequest != nil:
		return g.PullRequest.Template
	case g.Matrix != nil:
		return g.Matrix.Template
	case g.Merge != nil:
		return g.Merge.Template
	case g.Plugin != nil:
		return g.Plugin.Template
	case g.Oci != nil:
		return g.Oci.Template
	}
	return v1alpha1.ApplicationSetTemplate{}
}
