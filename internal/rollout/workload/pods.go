package workload

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/rollout"
)

// pods are those of the snapshot's ReplicaSets.
func (d *Driver) pods(ctx context.Context, s *Snapshot, now time.Time) ([]rollout.Pod, error) {
	selector, err := metav1.LabelSelectorAsSelector(s.rollout.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading selector of rollout %s/%s: %w", s.rollout.Namespace, s.rollout.Name, err)
	}
	list := &corev1.PodList{}
	err = d.Live.List(ctx, list, client.InNamespace(s.rollout.Namespace), client.MatchingLabelsSelector{Selector: selector})
	if err != nil {
		return nil, fmt.Errorf("listing pods of rollout %s/%s: %w", s.rollout.Namespace, s.rollout.Name, err)
	}
	var pods []rollout.Pod
	for i := range list.Items {
		pod := &list.Items[i]
		owner := metav1.GetControllerOf(pod)
		if owner == nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if set, ok := s.sets[owner.Name]; ok && set.UID == owner.UID {
			pods = append(pods, rollout.Pod{
				Name:      pod.Name,
				Set:       set.Name,
				Created:   pod.CreationTimestamp.Time,
				Available: available(pod, s.Plan.MinReadySeconds, now),
				Deleting:  pod.DeletionTimestamp != nil,
			})
		}
	}
	return pods, nil
}

// available tells whether a pod has been ready for that long.
func available(pod *corev1.Pod, minReadySeconds int32, now time.Time) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return !now.Before(c.LastTransitionTime.Add(time.Duration(minReadySeconds) * time.Second))
		}
	}
	return false
}

// evict asks for a pod to go. A disruption budget may refuse; the pod is then tried again at the next look.
func (d *Driver) evict(ctx context.Context, s *Snapshot, a rollout.EvictPod) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: s.rollout.Namespace, Name: a.Name}}
	eviction := &policyv1.Eviction{ObjectMeta: pod.ObjectMeta}
	err := d.Client.SubResource("eviction").Create(ctx, pod, eviction)
	if apierrors.IsTooManyRequests(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
