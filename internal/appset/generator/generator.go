// Package generator finds the parameters that an ApplicationSet renders its template with: one implementation a kind of
// generator, and All, which picks those that a generator asks for.
//
// A Generator says all that there is, or fails. Half of an answer would delete the applications of the other half, so an
// error means that nothing is known: the caller changes nothing that depends on it. An empty answer is an answer.
//
// Templates are rendered in internal/appset. Start with All.
package generator

import (
	"context"
	"errors"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Params is one set of parameters. With Go templates values may be maps and lists; without, they are strings, and the
// names of nested ones are joined by dots ("metadata.labels.env").
type Params = map[string]any

// Generator finds the parameters of one kind of generator.
type Generator interface {
	// Params are the sets of parameters, in the same order for the same facts. The generator's field for this kind is
	// set. The set, which is not changed, tells about Go templates and its namespace.
	Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error)
	// RequeueAfter is when to look again although no event came; 0 means never.
	RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration
}

// DefaultRequeue is when generators of hosts' APIs (repositories, pull requests, plugins) are asked again.
const DefaultRequeue = 30 * time.Minute

// ErrEmpty says that a generator has no kind, or lacks what its kind needs.
var ErrEmpty = errors.New("ApplicationSet is empty")

// After is the time of a requeueAfterSeconds field; otherwise when it is nil.
func After(seconds *int64, otherwise time.Duration) time.Duration {
	if seconds == nil {
		return otherwise
	}
	return time.Duration(*seconds) * time.Second
}

// All are the generators by kind. A nil one is as if nobody asked for it.
type All struct {
	List, Clusters, Git, SCMProvider, ClusterDecisionResource, PullRequest, Matrix, Merge, Plugin, OCI Generator
}

// WithCombinations adds the generators that combine others, matrix and merge, and returns a.
func (a *All) WithCombinations() *All {
	a.Matrix, a.Merge = matrix{a}, merge{a}
	return a
}

// For are the generators that g asks for: several when it has fields of several kinds, none when it has none.
func (a *All) For(g *v1alpha1.ApplicationSetGenerator) []Generator {
	var asked []Generator
	for _, kind := range []struct {
		asked bool
		by    Generator
	}{
		{g.List != nil, a.List},
		{g.Clusters != nil, a.Clusters},
		{g.Git != nil, a.Git},
		{g.SCMProvider != nil, a.SCMProvider},
		{g.ClusterDecisionResource != nil, a.ClusterDecisionResource},
		{g.PullRequest != nil, a.PullRequest},
		{g.Matrix != nil, a.Matrix},
		{g.Merge != nil, a.Merge},
		{g.Plugin != nil, a.Plugin},
		{g.Oci != nil, a.OCI},
	} {
		if kind.asked && kind.by != nil {
			asked = append(asked, kind.by)
		}
	}
	return asked
}
