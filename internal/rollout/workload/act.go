package workload

import (
	"context"
	"fmt"

	"fairlead.dev/fairlead/internal/rollout"
)

// Act carries out one action of a decision on the snapshot. A conflict (apierrors.IsConflict) or a set that is gone means
// that the snapshot is stale: look again. *[CollisionError] and an invalid template (apierrors.IsInvalid) need a change.
func (d *Driver) Act(ctx context.Context, s *Snapshot, action rollout.Action) error {
	var err error
	switch a := action.(type) {
	case rollout.CreateSet:
		err = d.create(ctx, s, a)
	case rollout.ScaleSet:
		err = d.scale(ctx, s, a)
	case rollout.AdjustSet:
		err = d.adjust(ctx, s, a)
	case rollout.DeleteSet:
		err = d.finish(ctx, s, a)
	case rollout.SwitchService:
		err = d.switchService(ctx, s, a)
	case rollout.EvictPod:
		err = d.evict(ctx, s, a)
	default:
		err = fmt.Errorf("unknown action %T", action)
	}
	if err != nil {
		return fmt.Errorf("%s/%s: %s: %w", s.rollout.Namespace, s.rollout.Name, action, err)
	}
	return nil
}
