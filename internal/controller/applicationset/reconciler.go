package applicationset

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/settings"
)

// Reconciler looks after ApplicationSets.
type Reconciler struct {
	client     client.Client
	generators Generators
	settings   Settings
	recorder   events.EventRecorder
	clock      clock.PassiveClock
	log        *slog.Logger
	options    Options
	queue      kept
	written    lastWrites
	making     *Making
}

// visit is one reconcile of one set.
type visit struct {
	set, before *v1alpha1.ApplicationSet
	// read is the version that the cache had.
	read     string
	operator appset.Operator
	writer   client.Client
	// live are the applications that the set owns or that have a name that it generates, by name.
	live      map[string]*v1alpha1.Application
	generated []v1alpha1.Application
	problems  appset.Problems
	outcome   appset.Outcome
	rollout   *appset.Rollout
	// after is when to look again; 0 means never.
	after time.Duration
	// hurry means that the cache lags behind, and soon knows more.
	hurry atomic.Bool
}

// Reconcile makes a set's applications what its generators and template say.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	v, err := r.begin(ctx, request)
	if v == nil || err != nil {
		return ctrl.Result{}, err
	}
	if r.written.lag(v.set, r.clock.Now()) {
		return ctrl.Result{RequeueAfter: shortly}, nil
	}
	defer func() { r.written.note(v, r.clock.Now()) }()
	if v.set.DeletionTimestamp != nil {
		return r.remove(ctx, v)
	}
	if err := r.hold(ctx, v); err != nil {
		return ctrl.Result{}, err
	}
	failed := r.phases(ctx, v)
	if err := r.write(ctx, v); err != nil && failed == nil {
		failed = err
	}
	if failed != nil {
		return ctrl.Result{}, failed
	}
	if v.hurry.Load() {
		v.after = shortly
	}
	return ctrl.Result{RequeueAfter: v.after}, nil
}

// phases are the work between reading the set and writing its status. An error is one to try again soon.
func (r *Reconciler) phases(ctx context.Context, v *visit) error {
	for _, phase := range []func(context.Context, *visit) (bool, error){r.generate, r.observe, r.check, r.roll, r.act} {
		if on, err := phase(ctx, v); err != nil || !on {
			return err
		}
	}
	return nil
}

// begin reads the set and the operator's settings; nil where there is nothing to do.
func (r *Reconciler) begin(ctx context.Context, request ctrl.Request) (*visit, error) {
	v := &visit{set: &v1alpha1.ApplicationSet{}, writer: r.client}
	if err := r.client.Get(ctx, request.NamespacedName, v.set); err != nil {
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("reading application set %s: %w", request.NamespacedName, err)
		}
		r.written.forget(request.NamespacedName)
		return nil, nil
	}
	v.read = v.set.ResourceVersion
	params, err := r.settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
	if err != nil {
		return nil, fmt.Errorf("reading the operator's settings: %w", err)
	}
	if !r.settings.ApplicationSetNamespaces(ctx).Has(v.set.Namespace) {
		return nil, nil
	}
	if v.operator, err = appset.OperatorFrom(params); err != nil {
		r.log.Warn("operator's settings", "error", err)
	}
	if v.operator.DryRun {
		v.writer = client.NewDryRunClient(r.client)
	}
	v.before = v.set.DeepCopy()
	return v, nil
}

// generate runs the generators and renders the template. A mistake is the set's, not ours: it is told in the status.
func (r *Reconciler) generate(ctx context.Context, v *visit) (bool, error) {
	v.after = r.generators.RequeueAfter(v.set)
	ctx, cancel := context.WithTimeout(ctx, r.options.Patience)
	defer cancel()
	found, err := r.generators.Everything(ctx, v.set)
	if err != nil {
		return r.refuse(v, v1alpha1.ApplicationSetReasonApplicationParamsGenerationError, err)
	}
	if v.generated, err = appset.Applications(v.set, found); err != nil {
		return r.refuse(v, v1alpha1.ApplicationSetReasonRenderTemplateParamsError, err)
	}
	v.outcome.Generated = true
	return true, nil
}

// refuse ends a reconcile with nothing done: what is not known must not be acted on.
func (r *Reconciler) refuse(v *visit, reason string, err error) (bool, error) {
	v.outcome.Reason, v.outcome.Error = reason, shortened(err.Error())
	v.after = sooner(v.after, r.options.Retry)
	r.log.Warn("application set", "namespace", v.set.Namespace, "name", v.set.Name, "reason", reason, "error", v.outcome.Error)
	return false, nil
}

// write is the one write of the status, if anything of it is new; then the request to look again is taken away.
func (r *Reconciler) write(ctx context.Context, v *visit) error {
	appset.SetConditions(v.set, v.outcome, r.now())
	if !equality.Semantic.DeepEqual(v.before.Status, v.set.Status) {
		written := v.set.DeepCopy()
		if err := v.writer.Status().Patch(ctx, written, client.MergeFrom(v.before)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("writing the status of application set %s/%s: %w", v.set.Namespace, v.set.Name, err)
		}
		v.set.ResourceVersion = written.ResourceVersion
	}
	if _, asked := v.set.Annotations[v1alpha1.ApplicationSetRefreshAnnotation]; !asked || v.outcome.Error != "" && !v.outcome.Generated {
		return nil
	}
	before := v.set.DeepCopy()
	delete(v.set.Annotations, v1alpha1.ApplicationSetRefreshAnnotation)
	if err := v.writer.Patch(ctx, v.set, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("taking the refresh of application set %s/%s: %w", v.set.Namespace, v.set.Name, err)
	}
	return nil
}

// now has the precision of stored times, so that what was written equals what comes back.
func (r *Reconciler) now() metav1.Time { return metav1.NewTime(r.clock.Now().Truncate(time.Second)) }

// maxMessage bounds what an error puts into a status, in bytes.
const maxMessage = 4096

func shortened(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return text[:maxMessage] + "…"
}

// sooner is the shorter of two times of which 0 means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
