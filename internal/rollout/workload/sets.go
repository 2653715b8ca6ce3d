package workload

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout"
)

// CollisionError says that another owner's ReplicaSet has the name that the Rollout's is to get. Raising the Rollout's
// collision count gives it another one.
type CollisionError struct{ Name string }

func (e *CollisionError) Error() string {
	return fmt.Sprintf("replica set %q exists and belongs to something else", e.Name)
}

// create makes the wanted revision's ReplicaSet. It is no error that it exists, as after a crash or when the cache is late.
func (d *Driver) create(ctx context.Context, s *Snapshot, a rollout.CreateSet) error {
	set := newSet(s, a)
	err := d.Client.Create(ctx, set)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	existing := &appsv1.ReplicaSet{}
	if err := d.Live.Get(ctx, client.ObjectKeyFromObject(set), existing); err != nil {
		return err
	}
	if !metav1.IsControlledBy(existing, s.rollout) && !orphan(existing, s.rollout) {
		return &CollisionError{Name: set.Name}
	}
	return nil
}

func newSet(s *Snapshot, a rollout.CreateSet) *appsv1.ReplicaSet {
	ro := s.rollout
	template := *ro.Spec.Template.DeepCopy()
	template.Labels = with(template.Labels, v1alpha1.RolloutPodHashLabel, a.Hash)
	selector := ro.Spec.Selector.DeepCopy()
	selector.MatchLabels = with(selector.MatchLabels, v1alpha1.RolloutPodHashLabel, a.Hash)

	annotations := inherited(ro)
	annotations[v1alpha1.RolloutRevisionAnnotation] = strconv.FormatInt(a.Revision, 10)
	annotations[v1alpha1.RolloutDesiredReplicasAnnotation] = strconv.Itoa(int(s.Plan.Replicas))
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:            a.Name,
			Namespace:       ro.Namespace,
			Labels:          maps.Clone(template.Labels),
			Annotations:     annotations,
			OwnerReferences: []metav1.OwnerReference{ownerOf(ro)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        ptr.To(a.Replicas),
			MinReadySeconds: s.Plan.MinReadySeconds,
			Selector:        selector,
			Template:        template,
		},
	}
}

// ownAnnotations of a Rollout mean something else on a ReplicaSet, or nothing.
var ownAnnotations = []string{
	corev1.LastAppliedConfigAnnotation,
	v1alpha1.RolloutRevisionAnnotation,
	v1alpha1.RolloutRevisionHistoryAnnotation,
	v1alpha1.RolloutDesiredReplicasAnnotation,
}

// inherited are the annotations that a Rollout hands down to its ReplicaSets, such as the cause of a change.
func inherited(ro *v1alpha1.Rollout) map[string]string {
	annotations := maps.Clone(ro.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	for _, own := range ownAnnotations {
		delete(annotations, own)
	}
	return annotations
}

// scale gives a ReplicaSet another size, and notes what it was derived from.
func (d *Driver) scale(ctx context.Context, s *Snapshot, a rollout.ScaleSet) error {
	return d.change(ctx, s, a.Name, func(set *appsv1.ReplicaSet) {
		set.Spec.Replicas = ptr.To(a.To)
		set.Annotations = with(set.Annotations, v1alpha1.RolloutDesiredReplicasAnnotation, strconv.Itoa(int(s.Plan.Replicas)))
	})
}

// adjust renews the notes on a ReplicaSet. If its revision goes up, as after a rollback to it, the old number goes into its
// history.
func (d *Driver) adjust(ctx context.Context, s *Snapshot, a rollout.AdjustSet) error {
	return d.change(ctx, s, a.Name, func(set *appsv1.ReplicaSet) {
		set.Spec.MinReadySeconds = a.MinReadySeconds
		was := set.Annotations[v1alpha1.RolloutRevisionAnnotation]
		revision := strconv.FormatInt(a.Revision, 10)
		if was == revision {
			return
		}
		set.Annotations = with(set.Annotations, v1alpha1.RolloutRevisionAnnotation, revision)
		maps.Copy(set.Annotations, inherited(s.rollout))
		if was != "" {
			history := strings.TrimPrefix(set.Annotations[v1alpha1.RolloutRevisionHistoryAnnotation]+","+was, ",")
			set.Annotations[v1alpha1.RolloutRevisionHistoryAnnotation] = history
		}
	})
}

// finish deletes an empty ReplicaSet, if it is still as it was seen.
func (d *Driver) finish(ctx context.Context, s *Snapshot, a rollout.DeleteSet) error {
	set, err := s.set(a.Name)
	if err != nil {
		return err
	}
	return client.IgnoreNotFound(d.Client.Delete(ctx, set, client.Preconditions{UID: &set.UID, ResourceVersion: &set.ResourceVersion}))
}

// change edits a ReplicaSet of the snapshot. What the edit leads to is the snapshot's from then on, so that several actions
// on one set don't get into each other's way.
func (d *Driver) change(ctx context.Context, s *Snapshot, name string, edit func(*appsv1.ReplicaSet)) error {
	set, err := s.set(name)
	if err != nil {
		return err
	}
	changed := set.DeepCopy()
	edit(changed)
	if err := d.patch(ctx, changed, set); err != nil {
		return err
	}
	s.sets[name] = changed
	return nil
}

func (s *Snapshot) set(name string) (*appsv1.ReplicaSet, error) {
	set, ok := s.sets[name]
	if !ok {
		return nil, fmt.Errorf("replica set %q isn't in the snapshot", name)
	}
	return set, nil
}

// with is a copy of a map with one more entry.
func with(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}
