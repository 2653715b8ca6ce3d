package workload

import (
	"context"
	"fmt"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout"
)

// switchService lets a Service select the pods of another revision, and notes on it who does that.
func (d *Driver) switchService(ctx context.Context, s *Snapshot, a rollout.SwitchService) error {
	service, ok := s.services[a.Service]
	if !ok {
		return fmt.Errorf("service %q isn't in the snapshot", a.Service)
	}
	switched := service.DeepCopy()
	switched.Spec.Selector = with(service.Spec.Selector, v1alpha1.RolloutPodHashLabel, a.To)
	switched.Annotations = with(service.Annotations, v1alpha1.RolloutManagedByAnnotation, s.rollout.Name)
	return d.patch(ctx, switched, service)
}
