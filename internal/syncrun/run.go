// Package syncrun carries out a sync plan, a little at a time: Advance does everything that can be done now, and says what
// the sync waits for.
//
// What was done is in the operation state's results, which the caller stores in the Application; a run that is made anew
// from the plan, the results and the live objects finds its place again, so the hub may be killed at any point. Applying is
// idempotent and may happen twice; hooks carry the operation's id and run once. The package neither plans
// (internal/syncplan) nor decides about retries (internal/controller/application). Start with Run.Advance.
package syncrun

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncplan"
)

// Cluster is what a run needs of a cluster; *cluster.Cluster is one.
type Cluster interface {
	writer
	Live(key object.Key) (u *unstructured.Unstructured, exists bool)
}

type writer interface {
	Apply(ctx context.Context, manifest *unstructured.Unstructured, o cluster.ApplyOptions) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, gvk schema.GroupVersionKind, key object.Key, propagation string, uid types.UID) error
	RemoveFinalizer(ctx context.Context, u *unstructured.Unstructured, finalizer string) error
}

// missingKindPatience is how long a kind may stay unknown after its definition was established.
const missingKindPatience = 30 * time.Second

// parallel bounds the requests of one sync that are under way at once.
const parallel = 10

// Run is one sync under way.
type Run struct {
	Plan    syncplan.Plan
	Cluster Cluster
	// State gets the results; the caller has it stored.
	State *v1alpha1.OperationState
	// Record stores the state. It is called before a further step acts and after hooks began or ended,
	// but not for the end itself: that is the caller's.
	Record func(ctx context.Context) error
	// OperationID tells this operation's hooks from others; the plan was made with it.
	OperationID string
	// Health tells how objects and hooks do; nil means the rules built in.
	Health func(*unstructured.Unstructured) *health.Status
	// Confirmed says that a person has approved the prunes that need it.
	Confirmed bool
	// KeepEnded leaves the objects of hooks at the end of the sync, for ClearEnded, once their end is recorded.
	KeepEnded bool
	// Pause is an optional wait between waves; zero is none.
	Pause time.Duration
	// Now is the clock.
	Now func() time.Time

	// checked says that the dry-run before the sync has passed.
	checked bool
}

// Outcome is where the sync stands after an Advance.
type Outcome struct {
	// Phase is Running, or the end: Succeeded or Failed.
	Phase   v1alpha1.OperationPhase
	Message string
	// Again says when to call once more if nothing changes in the cluster; zero means never.
	Again time.Duration
}

func running(format string, args ...any) Outcome {
	return Outcome{Phase: v1alpha1.OperationRunning, Message: fmt.Sprintf(format, args...)}
}

// Advance does what can be done now. An error means that the state could not be recorded; nothing is lost by calling again.
func (r *Run) Advance(ctx context.Context) (Outcome, error) {
	if r.State.SyncResult == nil {
		r.State.SyncResult = &v1alpha1.SyncOperationResult{}
	}
	if r.Plan.DryRun {
		return r.dryRun(ctx), nil
	}
	if message, failed := r.failure(); failed {
		return r.fail(ctx, message)
	}
	if len(r.State.SyncResult.Resources) == 0 && !r.checked {
		if ok := r.check(ctx); !ok {
			return Outcome{Phase: v1alpha1.OperationFailed, Message: "one or more objects failed to apply (dry run)" + r.reasons(otherPhases)}, nil
		}
	}
	r.checked = true
	outcome, err := r.advance(ctx, r.Plan.Steps)
	if err == nil {
		err = r.letHooksGo(ctx, outcome.Phase == v1alpha1.OperationSucceeded && !r.KeepEnded)
	}
	if err != nil || outcome.Phase == v1alpha1.OperationRunning {
		return outcome, err
	}
	if message, failed := r.failure(); failed {
		return r.fail(ctx, message)
	}
	message := "successfully synced (all tasks run)"
	if r.Plan.Changes() == 0 {
		message = "successfully synced (no more tasks)"
	}
	return Outcome{Phase: v1alpha1.OperationSucceeded, Message: message}, nil
}

// advance goes through the steps until one has to be waited for, or fails. Succeeded means through.
func (r *Run) advance(ctx context.Context, steps []syncplan.Step) (Outcome, error) {
	for i, step := range steps {
		acted, outcome := r.step(ctx, step)
		if outcome.Phase == v1alpha1.OperationRunning || outcome.Phase == v1alpha1.OperationFailed {
			if acted && hasHooks(step) {
				if err := r.Record(ctx); err != nil {
					return outcome, err
				}
			}
			return outcome, nil
		}
		if !acted {
			continue // it was done before
		}
		if i == len(steps)-1 {
			break
		}
		if err := r.Record(ctx); err != nil {
			return running("recording the progress"), err
		}
		if r.Pause > 0 {
			return Outcome{Phase: v1alpha1.OperationRunning, Message: "pausing between waves", Again: r.Pause}, nil
		}
	}
	return Outcome{Phase: v1alpha1.OperationSucceeded}, nil
}

// fail runs what is to run after a failure, and ends.
func (r *Run) fail(ctx context.Context, message string) (Outcome, error) {
	outcome, err := r.advance(ctx, r.Plan.OnFailure)
	if err == nil {
		err = r.letHooksGo(ctx, outcome.Phase != v1alpha1.OperationRunning)
	}
	if err != nil || outcome.Phase == v1alpha1.OperationRunning {
		return outcome, err
	}
	message += r.reasons(otherPhases)
	if reasons := r.reasons(failurePhase); reasons != "" {
		message += "\none or more SyncFail hooks failed" + reasons
	}
	return Outcome{Phase: v1alpha1.OperationFailed, Message: message}, nil
}

func failurePhase(phase v1alpha1.SyncPhase) bool { return phase == v1alpha1.SyncPhaseSyncFail }
func otherPhases(phase v1alpha1.SyncPhase) bool  { return phase != v1alpha1.SyncPhaseSyncFail }

// failure tells whether something failed, apart from the hooks that run after failures.
func (r *Run) failure() (string, bool) {
	for _, result := range r.State.SyncResult.Resources {
		if result.SyncPhase == v1alpha1.SyncPhaseSyncFail {
			continue
		}
		if result.HookPhase == v1alpha1.OperationFailed || result.HookPhase == v1alpha1.OperationError {
			return "one or more synchronization tasks completed unsuccessfully", true
		}
		if result.Status == v1alpha1.ResultCodeSyncFailed {
			return "one or more objects failed to apply", true
		}
	}
	return "", false
}

// reasons are the messages of what failed in some phases, bounded.
func (r *Run) reasons(in func(v1alpha1.SyncPhase) bool) string {
	var reasons []string
	for _, result := range r.State.SyncResult.Resources {
		if !in(result.SyncPhase) {
			continue
		}
		if result.Status == v1alpha1.ResultCodeSyncFailed || result.HookPhase == v1alpha1.OperationFailed || result.HookPhase == v1alpha1.OperationError {
			if len(reasons) == 5 {
				reasons = append(reasons, "…")
				break
			}
			reasons = append(reasons, result.Message)
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	return ", reason: " + strings.Join(reasons, ",")
}

// HookRunsSince is when the operation's longest running hook began; zero if none runs.
func (r *Run) HookRunsSince() time.Time {
	var since time.Time
	for _, step := range r.Plan.Steps {
		for _, a := range step.Actions() {
			if result := r.result(a, step.Phase); a.Hook && result != nil && result.HookPhase == v1alpha1.OperationRunning {
				if live, _ := r.Cluster.Live(a.Key); live != nil {
					if created := live.GetCreationTimestamp().Time; since.IsZero() || created.Before(since) {
						since = created
					}
				}
			}
		}
	}
	return since
}
