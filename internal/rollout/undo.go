package rollout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Undo says how to bring the template of an earlier revision back: the one before the newest if revision is 0. sets may
// contain other owners' ReplicaSets. A nil patch means that the Rollout has that template already. An error says that there
// is no such revision (any more).
//
// The template that comes back carries the API server's defaults, so its hash may differ from the one the revision had when
// it was written more tersely. [ArgoPlan] then finds the revision by comparing the templates.
func Undo(ro *v1alpha1.Rollout, sets []appsv1.ReplicaSet, revision int64) (*Patch, error) {
	owned := slices.Clone(sets)
	owned = slices.DeleteFunc(owned, func(set appsv1.ReplicaSet) bool { return !metav1.IsControlledBy(&set, ro) })
	slices.SortFunc(owned, func(a, b appsv1.ReplicaSet) int { return cmp.Compare(RevisionOf(&b), RevisionOf(&a)) })

	index := slices.IndexFunc(owned, func(set appsv1.ReplicaSet) bool { return RevisionOf(&set) == revision })
	if revision == 0 {
		index = 1
	}
	switch {
	case revision == 0 && len(owned) < 2:
		return nil, fmt.Errorf("undoing rollout %q: no revision found to go back to", ro.Name)
	case index < 0:
		return nil, fmt.Errorf("undoing rollout %q: unable to find specified revision %d in history", ro.Name, revision)
	}
	set := &owned[index]
	if set.Labels[v1alpha1.RolloutPodHashLabel] == wantedHash(ro, owned) {
		return nil, nil
	}
	template := set.Spec.Template.DeepCopy()
	delete(template.Labels, v1alpha1.RolloutPodHashLabel)
	body, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/spec/template", "value": template}})
	if err != nil {
		return nil, fmt.Errorf("undoing rollout %q: %w", ro.Name, err)
	}
	return &Patch{Type: types.JSONPatchType, Body: body}, nil
}

// RevisionOf is the revision that a ReplicaSet is annotated with; 0 if it has none.
func RevisionOf(set *appsv1.ReplicaSet) int64 {
	revision, err := strconv.ParseInt(set.Annotations[v1alpha1.RolloutRevisionAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return revision
}
