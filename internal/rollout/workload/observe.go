package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout"
)

// ErrMissing is in the chain of a [rollout.InvalidSpecError] whose cause may go away without a change of the Rollout: an
// object that it names doesn't exist (yet).
var ErrMissing = errors.New("not found")

// Driver reads and writes the objects of Rollouts.
type Driver struct {
	// Client reads from a cache of Rollouts, ReplicaSets and Services, and writes.
	Client client.Client
	// Live reads from the API server: pods, which are too many to cache, and what must not be stale.
	Live client.Reader
}

// Snapshot is what was seen of a Rollout at one time, and the plan that follows from it.
type Snapshot struct {
	Plan rollout.Plan
	Seen rollout.Observed

	rollout  *v1alpha1.Rollout
	sets     map[string]*appsv1.ReplicaSet
	services map[string]*corev1.Service
}

// Observe looks at everything that belongs to a Rollout, adopting ReplicaSets that match its selector and have no owner. A
// *[rollout.InvalidSpecError] says that there can be no plan.
func (d *Driver) Observe(ctx context.Context, ro *v1alpha1.Rollout, now time.Time) (*Snapshot, error) {
	sets, err := d.replicaSets(ctx, ro)
	if err != nil {
		return nil, err
	}
	plan, err := rollout.ArgoPlan(ro, sets)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{
		Plan:    plan,
		Seen:    rollout.Observed{State: rollout.ArgoState(&ro.Status)},
		rollout: ro,
		sets:    map[string]*appsv1.ReplicaSet{},
	}
	for i := range sets {
		s.sets[sets[i].Name] = &sets[i]
		s.Seen.Sets = append(s.Seen.Sets, rollout.ArgoSet(&sets[i]))
	}
	if err := d.observeServices(ctx, s); err != nil {
		return nil, err
	}
	if plan.RestartDue(s.Seen.State, now) {
		if s.Seen.Pods, err = d.pods(ctx, s, now); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// replicaSets are those the Rollout owns. One that it owns stays its own even if it no longer matches the selector: else its
// pods would run on forever after a change of the selector.
func (d *Driver) replicaSets(ctx context.Context, ro *v1alpha1.Rollout) ([]appsv1.ReplicaSet, error) {
	list := &appsv1.ReplicaSetList{}
	if err := d.Client.List(ctx, list, client.InNamespace(ro.Namespace)); err != nil {
		return nil, fmt.Errorf("listing replica sets of rollout %s/%s: %w", ro.Namespace, ro.Name, err)
	}
	var owned []appsv1.ReplicaSet
	for i := range list.Items {
		set := &list.Items[i]
		switch {
		case metav1.IsControlledBy(set, ro):
			owned = append(owned, *set)
		case orphan(set, ro):
			adopted, err := d.adopt(ctx, ro, set)
			if err != nil {
				return nil, err
			}
			owned = append(owned, *adopted)
		}
	}
	return owned, nil
}

// orphan tells whether a ReplicaSet looks like one of the Rollout's and belongs to nobody, as after the Rollout was deleted
// with its ReplicaSets left and created again.
func orphan(set *appsv1.ReplicaSet, ro *v1alpha1.Rollout) bool {
	if metav1.GetControllerOf(set) != nil || set.DeletionTimestamp != nil || ro.Spec.Selector == nil {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(ro.Spec.Selector)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(set.Labels)) &&
		set.Labels[v1alpha1.RolloutPodHashLabel] != ""
}

func (d *Driver) adopt(ctx context.Context, ro *v1alpha1.Rollout, set *appsv1.ReplicaSet) (*appsv1.ReplicaSet, error) {
	adopted := set.DeepCopy()
	adopted.OwnerReferences = append(adopted.OwnerReferences, ownerOf(ro))
	if err := d.patch(ctx, adopted, set); err != nil {
		return nil, fmt.Errorf("adopting replica set %s/%s: %w", set.Namespace, set.Name, err)
	}
	return adopted, nil
}

func ownerOf(ro *v1alpha1.Rollout) metav1.OwnerReference {
	return *metav1.NewControllerRef(ro, v1alpha1.GroupVersion.WithKind("Rollout"))
}

func (d *Driver) observeServices(ctx context.Context, s *Snapshot) error {
	s.Seen.Services = map[string]string{}
	s.services = map[string]*corev1.Service{}
	for field, name := range map[string]string{"stableService": s.Plan.StableService, "canaryService": s.Plan.CanaryService} {
		if name == "" {
			continue
		}
		service := &corev1.Service{}
		err := d.Client.Get(ctx, client.ObjectKey{Namespace: s.rollout.Namespace, Name: name}, service)
		switch {
		case apierrors.IsNotFound(err):
			return &rollout.InvalidSpecError{
				Reason: fmt.Errorf("spec.strategy.canary.%s: Invalid value: %q: service %q %w", field, name, name, ErrMissing),
			}
		case err != nil:
			return fmt.Errorf("reading service %s/%s: %w", s.rollout.Namespace, name, err)
		}
		s.services[name] = service
		s.Seen.Services[name] = service.Spec.Selector[v1alpha1.RolloutPodHashLabel]
	}
	return nil
}

// patch writes what has changed from old to changed, if nobody else has changed the object since it was read.
func (d *Driver) patch(ctx context.Context, changed, old client.Object) error {
	return d.Client.Patch(ctx, changed, client.MergeFromWithOptions(old, client.MergeFromWithOptimisticLock{}))
}
