package build

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/git"
)

// ReadyCondition tells whether a rule watches its repository, and if not, why.
const ReadyCondition = "Ready"

// The reasons of ReadyCondition.
const (
	ReasonWatching    = "Watching"
	ReasonSuspended   = "Suspended"
	ReasonInvalid     = "InvalidRule"
	ReasonUnreachable = "RepositoryUnreachable"
	ReasonCreating    = "CreatingBuilds"
)

// ruleReconciler makes the Builds that pushes call for.
type ruleReconciler struct {
	client client.Client
	deps   Deps
	heard  *heard
}

func newRuleReconciler(c client.Client, deps Deps) *ruleReconciler {
	return &ruleReconciler{client: c, deps: deps, heard: newHeard(deps.Clock)}
}

// Reconcile looks at the rule's repository, makes what is due, and remembers what it saw.
func (r *ruleReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	rule := &v1alpha1.BuildRule{}
	if err := r.client.Get(ctx, request.NamespacedName, rule); apierrors.IsNotFound(err) {
		return ctrl.Result{}, r.removeBuilds(ctx, request)
	} else if err != nil {
		return ctrl.Result{}, err
	}
	if rule.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	before := rule.DeepCopy()
	err := r.look(ctx, rule)
	if cause := context.Cause(ctx); cause != nil {
		return ctrl.Result{}, cause
	}
	r.setReady(rule, err)
	rule.Status.ObservedGeneration = rule.Generation
	if !equality.Semantic.DeepEqual(before.Status, rule.Status) {
		patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
		if err := r.client.Status().Patch(ctx, rule, patch); apierrors.IsConflict(err) {
			return ctrl.Result{RequeueAfter: conflictPause}, nil
		} else if err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	return ctrl.Result{RequeueAfter: r.pause(rule, err)}, nil
}

// conflictPause is how long the cache gets to catch up with a write.
const conflictPause = 50 * time.Millisecond

// look makes the Builds that are due and notes the refs in the rule's status. A ref whose Build can't be made stays as it
// was, so that it is tried again; the others go on.
func (r *ruleReconciler) look(ctx context.Context, rule *v1alpha1.BuildRule) error {
	compiled, err := build.Compile(rule.DeepCopy())
	if err != nil {
		return err
	}
	if rule.Spec.Suspend {
		return nil
	}
	refs, err := r.deps.Sources.Refs(ctx, rule.Spec.Source.RepoURL)
	if err != nil {
		return &lookError{ReasonUnreachable, err}
	}
	planned, err := build.Plan(compiled, refs, func(ref, commit string) bool {
		return r.heard.since(rule.Spec.Source.RepoURL, ref, commit, rule.CreationTimestamp.Time)
	})
	if err != nil {
		return err
	}
	var problems []error
	for _, due := range planned.Builds {
		if err := r.make(ctx, compiled, due); err != nil {
			problems = append(problems, err)
			planned = planned.Without(due, rule.Status.Refs)
		}
	}
	rule.Status.Refs, rule.Status.Watching = planned.Refs, planned.Watching
	if len(problems) > 0 {
		return &lookError{ReasonCreating, errors.Join(problems...)}
	}
	return nil
}

// lookError is an error with the reason under which the condition shows it.
type lookError struct {
	reason string
	error
}

func (e *lookError) Unwrap() error { return e.error }

func (r *ruleReconciler) make(ctx context.Context, rule *build.Rule, due build.Due) error {
	url := rule.Object().Spec.Source.RepoURL
	commit := build.Commit{SHA: due.Commit}
	if rule.NeedsCommitTime() {
		var err error
		if commit, err = r.deps.Sources.Commit(ctx, url, due.Commit); err != nil {
			return err
		}
	}
	b, err := build.New(rule, due, commit, r.heard.when(url, due.Ref, due.Commit))
	if err != nil {
		return err
	}
	err = r.client.Create(ctx, b)
	if apierrors.IsAlreadyExists(err) {
		return nil // made before a crash
	}
	if err != nil {
		return fmt.Errorf("creating build %q: %w", b.Name, err)
	}
	r.deps.Logger.Info("build made", "build", b.Name, "ref", due.Ref, "commit", due.Commit)
	return nil
}

func (r *ruleReconciler) setReady(rule *v1alpha1.BuildRule, err error) {
	condition := metav1.Condition{
		Type: ReadyCondition, Status: metav1.ConditionTrue, Reason: ReasonWatching,
		Message:            fmt.Sprintf("watching %d refs", len(rule.Status.Refs)),
		ObservedGeneration: rule.Generation, LastTransitionTime: metav1.NewTime(r.deps.Clock.Now()),
	}
	var look *lookError
	switch {
	case errors.As(err, &look):
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, look.reason, hint(look)
	case err != nil:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, ReasonInvalid, err.Error()
	case rule.Spec.Suspend:
		condition.Status, condition.Reason = metav1.ConditionFalse, ReasonSuspended
		condition.Message = "spec.suspend is true: no builds are made; the newest commits are built when it is false again"
	}
	if condition.Status == metav1.ConditionFalse && len(condition.Message) > maxMessage {
		condition.Message = condition.Message[:maxMessage] + "…"
	}
	meta.SetStatusCondition(&rule.Status.Conditions, condition)
}

// maxMessage bounds a message in a status, in bytes; Kubernetes allows 32 KiB.
const maxMessage = 8 << 10

// hint adds what to do to an error of the Git host.
func hint(err error) string {
	switch {
	case errors.Is(err, git.ErrAuthentication):
		return err.Error() + ": give the repository credentials with `fairlead repo add`"
	case errors.Is(err, git.ErrRepositoryNotFound):
		return err.Error() + ": correct spec.source.repoURL, or give credentials that may see it"
	default:
		return err.Error()
	}
}

// pause is how long until the rule is looked at without a push. While something is wrong, it is half of the time that it
// has been wrong for: soon at first, and never more often than needed.
func (r *ruleReconciler) pause(rule *v1alpha1.BuildRule, err error) time.Duration {
	pause := r.deps.Options.PollInterval
	var invalid *build.RuleError
	if err != nil && !errors.As(err, &invalid) {
		if ready := meta.FindStatusCondition(rule.Status.Conditions, ReadyCondition); ready != nil {
			wrongFor := r.deps.Clock.Since(ready.LastTransitionTime.Time)
			pause = min(pause, max(2*time.Second, wrongFor/2))
		}
	}
	// Spread by a fifth, so that a thousand rules don't ask at the same moment.
	return pause + time.Duration((rand.Float64()-0.5)*0.4*float64(pause))
}

// removeBuilds deletes the Builds of a rule that is gone, for API servers without garbage collection. A build that runs is
// cancelled by it.
func (r *ruleReconciler) removeBuilds(ctx context.Context, rule ctrl.Request) error {
	var builds v1alpha1.BuildList
	if err := r.client.List(ctx, &builds, client.InNamespace(rule.Namespace), client.MatchingFields{ruleIndex: rule.Name}); err != nil {
		return fmt.Errorf("listing the builds of the deleted rule %q: %w", rule.Name, err)
	}
	return deleteBuilds(ctx, r.client, r.deps, builds.Items)
}

// deleteBuilds removes Builds with their logs.
func deleteBuilds(ctx context.Context, c client.Client, deps Deps, builds []v1alpha1.Build) error {
	var problems []error
	for i := range builds {
		b := &builds[i]
		if err := c.Delete(ctx, b, client.Preconditions{UID: &b.UID}); client.IgnoreNotFound(err) != nil {
			problems = append(problems, fmt.Errorf("deleting build %q: %w", b.Name, err))
			continue
		}
		if err := deps.Logs.Delete(ctx, b); err != nil {
			deps.Logger.Warn("deleting the log of a deleted build; it stays in the registry", "build", b.Name, "error", err)
		}
	}
	return errors.Join(problems...)
}
