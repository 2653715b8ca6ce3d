package syncrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncplan"
)

// step does what is left of a step. Acted says that something was done now; the outcome is Succeeded when the step is
// done, Running when it is waited for.
func (r *Run) step(ctx context.Context, step syncplan.Step) (acted bool, outcome Outcome) {
	for _, batch := range step.Batches {
		pending, unconfirmed := r.pending(batch, step.Phase)
		if len(pending) > 0 {
			acted = true
			if outcome := r.batch(ctx, pending, step.Phase); outcome.Phase != v1alpha1.OperationSucceeded {
				return acted, outcome
			}
		}
		if len(unconfirmed) > 0 {
			return acted, running("waiting for pruning confirmation of %s", summary(unconfirmed, "resources"))
		}
	}
	settled, outcome := r.settle(step)
	return acted || settled, outcome
}

// pending are the actions of which nothing was recorded yet, and the names of those that a person must confirm before.
func (r *Run) pending(batch []syncplan.Action, phase v1alpha1.SyncPhase) (pending []syncplan.Action, unconfirmed []string) {
	for _, a := range batch {
		switch {
		case r.result(a, phase) != nil:
		case a.Confirm && !r.Confirmed:
			unconfirmed = append(unconfirmed, name(a.Key))
		default:
			pending = append(pending, a)
		}
	}
	return pending, unconfirmed
}

// batch carries out actions at once and records them in their order.
func (r *Run) batch(ctx context.Context, actions []syncplan.Action, phase v1alpha1.SyncPhase) Outcome {
	results := make([]*v1alpha1.ResourceResult, len(actions))
	waits := make([]string, len(actions))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, a := range actions {
		group.Go(func() error {
			results[i], waits[i] = r.act(ctx, a, phase)
			return nil
		})
	}
	_ = group.Wait() // act reports through results
	failure := false
	var waiting []string
	for i, a := range actions {
		if results[i] == nil {
			waiting = append(waiting, waits[i])
			continue
		}
		failure = failure || results[i].Status == v1alpha1.ResultCodeSyncFailed
		r.note(a, phase, *results[i])
	}
	switch {
	case failure:
		return Outcome{Phase: v1alpha1.OperationFailed}
	case len(waiting) > 0:
		o := running("waiting for %s", summary(waiting, "resources"))
		o.Again = time.Second
		return o
	}
	return Outcome{Phase: v1alpha1.OperationSucceeded}
}

// act carries out one action. No result means that it can't begin yet, and why.
func (r *Run) act(ctx context.Context, a syncplan.Action, phase v1alpha1.SyncPhase) (result *v1alpha1.ResourceResult, waitsFor string) {
	switch a.Verb {
	case syncplan.Keep:
		result := synced(a, "unchanged")
		return &result, ""
	case syncplan.SkipPrune:
		return &v1alpha1.ResourceResult{Status: v1alpha1.ResultCodePruneSkipped, HookPhase: v1alpha1.OperationSucceeded, Message: "ignored (" + a.Reason + ")"}, ""
	case syncplan.Prune:
		return r.prune(ctx, a), ""
	case syncplan.Run:
		return r.startHook(ctx, a, phase)
	}
	before := ""
	if live, exists := r.Cluster.Live(a.Key); exists {
		before = "?"
		if live != nil {
			before = live.GetResourceVersion()
		}
	}
	answer, err := r.Cluster.Apply(ctx, a.Target, cluster.ApplyOptions{
		Replace: a.Verb == syncplan.Replace, Force: a.Force, SkipValidation: a.SkipValidation,
		SkipMigration: a.SkipMigration, MigrateFrom: a.MigrateFrom,
	})
	if r.kindMayCome(err) {
		return nil, "kind " + a.Key.Kind
	}
	if err != nil {
		result := failed(a, err)
		return &result, ""
	}
	done := applied(a, before, answer)
	if _, repetitions := object.Distinct(a.Target); len(repetitions) > 0 {
		done.Message += ": warning: " + summary(repetitions, "repetitions")
	}
	return &done, ""
}

// kindMayCome tells that an unknown kind may be known in a moment: its definition was just applied.
func (r *Run) kindMayCome(err error) bool {
	var unknown *cluster.UnknownKindError
	return errors.As(err, &unknown) && r.Plan.DefinesKinds && r.Now().Sub(r.State.StartedAt.Time) < missingKindPatience
}

func (r *Run) prune(ctx context.Context, a syncplan.Action) *v1alpha1.ResourceResult {
	if live, _ := r.Cluster.Live(a.Key); live == nil || live.GetDeletionTimestamp() == nil {
		if err := r.Cluster.Delete(ctx, a.Live.GroupVersionKind(), a.Key, r.Plan.Propagation, a.Live.GetUID()); err != nil {
			result := failed(a, err)
			return &result
		}
	}
	return &v1alpha1.ResourceResult{Status: v1alpha1.ResultCodePruned, HookPhase: v1alpha1.OperationSucceeded, Message: "pruned"}
}

// settle looks at what was sent: hooks that end, objects that become healthy, pruned objects that go.
func (r *Run) settle(step syncplan.Step) (changed bool, outcome Outcome) {
	waiting := map[string][]string{}
	failure := false
	for _, a := range step.Actions() {
		result := r.result(a, step.Phase)
		if result == nil || result.Status == v1alpha1.ResultCodeSyncFailed {
			failure = failure || result != nil
			continue
		}
		before := *result
		switch {
		case a.Verb == syncplan.Prune:
			if live, exists := r.Cluster.Live(a.Key); exists && (live == nil || live.GetUID() == a.Live.GetUID()) {
				waiting[forDeletion] = append(waiting[forDeletion], name(a.Key))
			}
		case a.Hook:
			r.observeHook(a, result)
		case result.HookPhase == v1alpha1.OperationRunning && step.Wait:
			r.observeObject(a, result)
		}
		failure = failure || result.HookPhase == v1alpha1.OperationFailed
		changed = changed || before.HookPhase != result.HookPhase
		if result.HookPhase == v1alpha1.OperationRunning && (a.Hook || step.Wait) {
			what := forHealth
			if a.Hook {
				what = forHook
			}
			waiting[what] = append(waiting[what], name(a.Key))
		}
	}
	switch {
	case failure:
		return changed, Outcome{Phase: v1alpha1.OperationFailed}
	case len(waiting[forHook]) > 0:
		return changed, running("waiting for %s %s", forHook, summary(waiting[forHook], "hooks"))
	case len(waiting[forHealth]) > 0:
		return changed, running("waiting for %s %s", forHealth, summary(waiting[forHealth], "resources"))
	case len(waiting[forDeletion]) > 0:
		return changed, running("waiting for %s %s", forDeletion, summary(waiting[forDeletion], "resources"))
	}
	return changed, Outcome{Phase: v1alpha1.OperationSucceeded}
}

// What a sync waits for, in Argo CD's words.
const (
	forHook     = "completion of hook"
	forHealth   = "healthy state of"
	forDeletion = "deletion of"
)

// observeObject sees whether an applied object that the sync waits for has become healthy. Others stay Running, as in Argo CD.
func (r *Run) observeObject(a syncplan.Action, result *v1alpha1.ResourceResult) {
	live, exists := r.Cluster.Live(a.Key)
	if !exists || live == nil {
		// A kind that isn't watched, or an object that nobody tracks, such as a namespace made on the way.
		result.HookPhase = v1alpha1.OperationSucceeded
		return
	}
	// What is suspended, such as a canary that awaits a promotion, holds what comes after it, as in Argo CD.
	status := r.healthOf(live)
	switch {
	case status == nil || object.IgnoresHealth(live):
		result.HookPhase = v1alpha1.OperationSucceeded
	case status.Code == v1alpha1.HealthStatusHealthy:
		result.HookPhase = v1alpha1.OperationSucceeded
		result.Message = cmp.Or(status.Message, result.Message)
	case status.Code == v1alpha1.HealthStatusDegraded:
		result.HookPhase = v1alpha1.OperationFailed
		result.Message = cmp.Or(status.Message, a.Key.String()+" is degraded")
	}
}

// check asks the API server about every manifest before the first is applied, so that one that is invalid doesn't leave a
// sync half done. It isn't needed for a single object, nor for what was asked already.
func (r *Run) check(ctx context.Context) bool {
	var all, actions []syncplan.Action
	var phases []v1alpha1.SyncPhase
	for _, step := range r.Plan.Steps {
		for _, a := range step.Actions() {
			if a.Target == nil || a.Verb == syncplan.Keep || a.Key.Kind == "Namespace" && a.Key.Group == "" {
				continue
			}
			all = append(all, a)
			if !a.Checked && !a.Hook {
				actions, phases = append(actions, a), append(phases, step.Phase)
			}
		}
	}
	if len(all) < 2 && !r.Plan.DryRun {
		return true
	}
	errs := make([]error, len(actions))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, a := range actions {
		group.Go(func() error {
			_, err := r.Cluster.Apply(ctx, a.Target, cluster.ApplyOptions{
				DryRun: true, Replace: a.Verb == syncplan.Replace, SkipValidation: a.SkipValidation,
			})
			errs[i] = err
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	ok := true
	for i, err := range errs {
		if err == nil || r.tolerable(actions[i], err) {
			continue
		}
		ok = false
		r.note(actions[i], phases[i], failed(actions[i], err))
	}
	return ok
}

// tolerable are the errors of a dry-run that the sync itself may mend: a kind or namespace that it makes, or what admission
// looks for and it makes, and what Force is for.
func (r *Run) tolerable(a syncplan.Action, err error) bool {
	var unknown *cluster.UnknownKindError
	if errors.As(err, &unknown) {
		return r.Plan.DefinesKinds || r.Plan.SkipMissingKinds || object.HasSyncOption(a.Target, "SkipDryRunOnMissingResource=true")
	}
	if namespaceMissing(err, a.Key.Namespace) {
		return r.makes(object.Key{Kind: "Namespace", Name: a.Key.Namespace})
	}
	if missing, ok := admissionMisses(err, a.Key.Namespace); ok && r.makes(missing) {
		return true
	}
	return a.Force
}

// admissions are the words of Kubernetes' own admission plug-ins about what a pod needs before it may be made.
var admissions = []struct {
	words      *regexp.Regexp
	of         object.Key
	namespaced bool
}{
	{regexp.MustCompile(`error looking up service account .*serviceaccount "([^"]+)" not found`), object.Key{Kind: "ServiceAccount"}, true},
	{regexp.MustCompile(`no PriorityClass with name (\S+) was found`), object.Key{Group: "scheduling.k8s.io", Kind: "PriorityClass"}, false},
	{regexp.MustCompile(`RuntimeClass "([^"]+)" not found`), object.Key{Group: "node.k8s.io", Kind: "RuntimeClass"}, false},
}

// admissionMisses is the object that an object of the namespace was refused for the lack of.
func admissionMisses(err error, namespace string) (object.Key, bool) {
	for _, m := range admissions {
		if match := m.words.FindStringSubmatch(err.Error()); match != nil {
			key := m.of
			if key.Name = match[1]; m.namespaced {
				key.Namespace = namespace
			}
			return key, true
		}
	}
	return object.Key{}, false
}

func namespaceMissing(err error, namespace string) bool {
	return namespace != "" && strings.Contains(err.Error(), fmt.Sprintf("namespaces %q not found", namespace))
}

// makes tells that an object is among those that the sync applies.
func (r *Run) makes(key object.Key) bool {
	for _, step := range r.Plan.Steps {
		if slices.ContainsFunc(step.Actions(), func(a syncplan.Action) bool {
			return a.Target != nil && a.Key == key
		}) {
			return true
		}
	}
	return false
}

// dryRun asks about everything and changes nothing.
func (r *Run) dryRun(ctx context.Context) Outcome {
	ok := r.check(ctx)
	for _, step := range r.Plan.Steps {
		for _, a := range step.Actions() {
			if r.result(a, step.Phase) != nil {
				continue
			}
			verb := "configured (dry run)"
			if a.Live == nil {
				verb = "created (dry run)"
			}
			result := synced(a, verb)
			switch a.Verb {
			case syncplan.Prune:
				result.Status, result.Message = v1alpha1.ResultCodePruned, "pruned (dry run)"
			case syncplan.SkipPrune:
				result.Status, result.Message = v1alpha1.ResultCodePruneSkipped, "ignored ("+a.Reason+")"
			}
			result.HookPhase = v1alpha1.OperationSucceeded
			r.note(a, step.Phase, result)
		}
	}
	if !ok {
		return Outcome{Phase: v1alpha1.OperationFailed, Message: "one or more objects failed to apply (dry run)" + r.reasons(otherPhases)}
	}
	return Outcome{Phase: v1alpha1.OperationSucceeded, Message: "successfully synced (dry run)"}
}

// summary names the first of several things.
func summary(things []string, kind string) string {
	if len(things) == 1 {
		return things[0]
	}
	return fmt.Sprintf("%s and %d more %s", things[0], len(things)-1, kind)
}

// name is how Argo CD's messages name an object: apps/Deployment/web, /ConfigMap/settings.
func name(key object.Key) string { return key.Group + "/" + key.Kind + "/" + key.Name }
