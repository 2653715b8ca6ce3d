package rollout

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// ArgoSet is what a decision needs to know of a Rollout's ReplicaSet.
func ArgoSet(rs *appsv1.ReplicaSet) Set {
	set := Set{
		Name:            rs.Name,
		Hash:            rs.Labels[v1alpha1.RolloutPodHashLabel],
		Revision:        RevisionOf(rs),
		Created:         rs.CreationTimestamp.Time,
		MinReadySeconds: rs.Spec.MinReadySeconds,
		Desired:         ptr.Deref(rs.Spec.Replicas, 1),
		Replicas:        rs.Status.Replicas,
		Ready:           rs.Status.ReadyReplicas,
		Available:       rs.Status.AvailableReplicas,
		Settled:         rs.Status.ObservedGeneration >= rs.Generation,
	}
	for _, c := range rs.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			set.Failure = &Failure{Reason: c.Reason, Message: c.Message, Since: c.LastTransitionTime.Time}
		}
	}
	return set
}

// wantedHash is the hash of the Rollout's template or, if a ReplicaSet with another hash has that very template, the
// ReplicaSet's. That is so after an undo, which brings a template back with the API server's defaults in it, and would be
// so if the hash were ever computed in another way.
func wantedHash(ro *v1alpha1.Rollout, sets []appsv1.ReplicaSet) string {
	hash := PodHash(ro.Spec.Template, ro.Status.CollisionCount)
	oldestFirst := slices.SortedFunc(slices.Values(sets), func(a, b appsv1.ReplicaSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	var equal string
	for i := range oldestFirst {
		set := &oldestFirst[i]
		if set.Labels[v1alpha1.RolloutPodHashLabel] == hash {
			return hash
		}
		if equal == "" && sameTemplate(set.Spec.Template, ro.Spec.Template) {
			equal = set.Labels[v1alpha1.RolloutPodHashLabel]
		}
	}
	return cmp.Or(equal, hash)
}

// sameTemplate compares a ReplicaSet's template with a Rollout's, which lacks the hash.
func sameTemplate(set, wanted corev1.PodTemplateSpec) bool {
	set = *set.DeepCopy()
	delete(set.Labels, v1alpha1.RolloutPodHashLabel)
	return equality.Semantic.DeepEqual(set, wanted)
}
