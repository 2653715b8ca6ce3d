package generator

import (
	"encoding/json"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// unnested is a generator inside a matrix or merge as one of the top level.
func unnested(n v1alpha1.ApplicationSetNestedGenerator) (*v1alpha1.ApplicationSetGenerator, error) {
	g := &v1alpha1.ApplicationSetGenerator{
		List: n.List, Clusters: n.Clusters, Git: n.Git, SCMProvider: n.SCMProvider, ClusterDecisionResource: n.ClusterDecisionResource,
		PullRequest: n.PullRequest, Plugin: n.Plugin, Oci: n.Oci, Selector: n.Selector,
	}
	if n.Matrix != nil {
		var matrix v1alpha1.NestedMatrixGenerator
		if err := read(n.Matrix, &matrix); err != nil {
			return nil, fmt.Errorf("error retrieving matrix generator: %w", err)
		}
		g.Matrix = &v1alpha1.MatrixGenerator{Generators: terminals(matrix.Generators)}
	}
	if n.Merge != nil {
		var merge v1alpha1.NestedMergeGenerator
		if err := read(n.Merge, &merge); err != nil {
			return nil, fmt.Errorf("error retrieving merge generator: %w", err)
		}
		g.Merge = &v1alpha1.MergeGenerator{Generators: terminals(merge.Generators), MergeKeys: merge.MergeKeys}
	}
	return g, nil
}

// read takes nothing for nothing: "matrix: null" comes as the text null.
func read(from *apiextensionsv1.JSON, into any) error {
	if len(from.Raw) == 0 {
		return nil
	}
	return json.Unmarshal(from.Raw, into)
}

func terminals(all []v1alpha1.ApplicationSetTerminalGenerator) []v1alpha1.ApplicationSetNestedGenerator {
	nested := make([]v1alpha1.ApplicationSetNestedGenerator, len(all))
	for i, t := range all {
		nested[i] = v1alpha1.ApplicationSetNestedGenerator{
			List: t.List, Clusters: t.Clusters, Git: t.Git, SCMProvider: t.SCMProvider, ClusterDecisionResource: t.ClusterDecisionResource,
			PullRequest: t.PullRequest, Plugin: t.Plugin, Oci: t.Oci, Selector: t.Selector,
		}
	}
	return nested
}
