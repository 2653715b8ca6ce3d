package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/object"
	projectlive "fairlead.dev/fairlead/internal/project/live"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/syncwindow"
	"fairlead.dev/fairlead/internal/trace"
)

// Reconciler reconciles Applications.
type Reconciler struct {
	client    client.Client
	settings  Settings
	projects  projectlive.Source
	clusters  Clusters
	manifests Manifests
	changes   Changes
	bus       *event.Bus
	recorder  events.EventRecorder
	clock     clock.WithTicker
	log       *slog.Logger
	metrics   *measures
	tracer    *trace.Tracer
	options   Options
	sessions  sessions
	strays    strays
	fetches   fetches
	hosts     bulkhead
	// making may be nil.
	making Making
	// configuredPolling may be nil.
	configuredPolling func(ctx context.Context, standard settings.Polling) (settings.Polling, error)
	// signatures may be nil: then nothing is signed.
	signatures Signatures
	// custom is what the operator says of objects, as far as applications were told of it.
	custom atomic.Pointer[customization.Settings]
	// may is what argocd-cm said of permissions when applications were last told of it.
	may atomic.Pointer[permissions]
	// served is what the operator last said of other namespaces.
	served atomic.Pointer[string]
	// renders is what the operator says of all sources, as far as applications were told of it.
	renders atomic.Pointer[render.Settings]
	// queue is set when the controller has started.
	queue atomic.Pointer[queue]
}

// phase is one part of a reconcile.
type phase struct {
	name string
	run  func(*Reconciler, context.Context, *visit) error
}

// phases run in this order until one fails; what it says becomes a condition.
var phases = []phase{
	{"configure", (*Reconciler).configure},
	{"terminate", (*Reconciler).terminate},
	{"validate", (*Reconciler).validate},
	{"connect", (*Reconciler).connect},
	{"refresh", (*Reconciler).refresh},
	{"render", (*Reconciler).render},
	{"verify", (*Reconciler).verify},
	{"compare", (*Reconciler).compareHead},
	{"depend", (*Reconciler).depend},
	{"request", (*Reconciler).request},
	{"run", (*Reconciler).run},
	{"compare again", (*Reconciler).compareAgain},
}

// closing phases run in any case.
var closing = []phase{
	{"refuse", (*Reconciler).refuse},
	{"health", (*Reconciler).health},
	{"orphans", (*Reconciler).orphans},
	{"conditions", (*Reconciler).conditions},
	{"guard", (*Reconciler).guard},
	{"status", (*Reconciler).writeStatus},
}

// visit is one reconcile of one application: what it observed and decided.
type visit struct {
	// app is a copy whose status the phases write; before is what it was.
	app, before *v1alpha1.Application
	// health and sync are the application's when the reconcile began.
	health   v1alpha1.HealthStatusCode
	sync     v1alpha1.SyncStatusCode
	session  *session
	instance string

	// custom is what the operator says of objects, options are how he wants things done.
	custom  *customization.Settings
	options Options
	// project has what it inherits from global ones; windows are those of its sync windows that concern the application.
	project     *v1alpha1.AppProject
	windows     syncwindow.Windows
	destination settings.Cluster
	cluster     Cluster
	// slow is true when a host kept the reconcile waiting, which then went on with what was known before.
	slow bool
	// asked is true when a person asked for this look (refresh annotation): then even an unchanged revision is told.
	asked bool
	// looked is true when this reconcile asked Git, or tried to.
	looked bool
	// headErr is why Git's newest state could not be rendered or compared. An operation on another revision still can run.
	headErr    error
	head       *desired.Manifests
	comparison *comparison
	// unsigned is why the newest revision must not be deployed; empty if it may.
	unsigned string
	// unrecorded is true when an operation has begun that isn't stored yet.
	unrecorded bool
	// operated is true when an operation acted in this reconcile.
	operated bool
	// blocked is what a sync has to wait for; empty means nothing.
	blocked string
	// settled is true when the reconcile came to its end, so that the status says how things are.
	settled bool
	// found are the conditions; err is what stopped the phases.
	found []v1alpha1.ApplicationCondition
	err   error
	// again is when to look once more; zero is never.
	again time.Duration
}

// comeBack asks for another look after d, unless one is due before.
func (v *visit) comeBack(d time.Duration) {
	d = max(d, time.Millisecond)
	if v.again == 0 || d < v.again {
		v.again = d
	}
}

func (v *visit) condition(kind v1alpha1.ApplicationConditionType, format string, args ...any) {
	v.found = append(v.found, v1alpha1.ApplicationCondition{Type: kind, Message: fmt.Sprintf(format, args...)})
}

// stop is an error that is already told in a condition, or needs none.
type stop struct{ reason string }

func (s stop) Error() string { return s.reason }

// Reconcile looks at one application and does what is to be done now.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if !r.serves(ctx, request.Namespace) {
		return ctrl.Result{}, nil // somebody else's; it is neither looked at nor touched
	}
	began := r.clock.Now()
	cached := &v1alpha1.Application{}
	// The cache's own object: it is only compared with. What the phases write to is the visit's copy.
	if err := r.client.Get(ctx, request.NamespacedName, cached, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			if r.gone(ctx, request.NamespacedName) != nil {
				return ctrl.Result{RequeueAfter: r.options.RetryMin}, nil
			}
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("reading application %s: %w", request, err)
	}
	if wait := r.untilOthersAreMade(cached); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	s := r.sessions.of(request.NamespacedName)
	if s.released == cached.UID {
		return ctrl.Result{}, nil // to act on it would make its hooks anew, for nobody
	}
	app := s.newest(cached)
	v := &visit{app: app.DeepCopy(), before: app, health: app.Status.Health.Status, sync: app.Status.Sync.Status, session: s, options: r.options, instance: object.InstanceName(app.Name, app.Namespace, r.options.Namespace)}
	_, v.asked = app.Annotations[v1alpha1.RefreshAnnotation]
	s.current = v
	defer func() { s.current = nil }() // a visit holds on to copies of everything that it saw
	s.setBusy()
	s.hooked = nil
	if state := app.Status.OperationState; running(state) && runsHook(state) {
		s.hooked = app
	}
	defer r.settle(ctx, v)
	if app.Annotations[v1alpha1.SkipReconcileAnnotation] == "true" {
		return ctrl.Result{}, nil // nothing is compared, written or deleted
	}
	ctx, end := r.traced(ctx, v)
	defer end()
	if app.DeletionTimestamp != nil {
		return r.finalize(ctx, v)
	}
	for _, p := range phases {
		if v.err = r.perform(ctx, p, v); v.err != nil {
			break
		}
	}
	var lost notRecorded
	switch {
	case errors.Is(v.err, cluster.ErrNotReady):
		return ctrl.Result{}, nil // the cluster says when it is; until then nothing is known that would be worth telling
	case isSlow(v.err):
		s.share(v.destination.Server, app.Spec.ProjectName(), app.Spec.AllSources()) // a push meanwhile must find it
		return ctrl.Result{RequeueAfter: r.later(s)}, nil                            // nothing is known that would be worth telling
	case errors.As(v.err, &lost):
		s.run = nil
		s.forgetWritten()
		return ctrl.Result{}, fmt.Errorf("reconciling application %s: %w", request, v.err)
	}
	r.space(v)
	for _, p := range closing {
		if err := r.perform(ctx, p, v); err != nil {
			if apierrors.IsNotFound(err) {
				return ctrl.Result{}, nil // deleted meanwhile
			}
			return ctrl.Result{}, fmt.Errorf("reconciling application %s: %s: %w", request, p.name, err)
		}
	}
	v.settled = true
	if !v.slow {
		s.forgetAnswers()
	}
	r.metrics.reconciled(v, r.clock.Since(began))
	return ctrl.Result{RequeueAfter: v.again}, nil
}

// space decides when a failed look-up is tried again: soon at first, then more and more rarely.
func (r *Reconciler) space(v *visit) {
	s := v.session
	err := v.err
	if err == nil {
		err = v.headErr
	}
	var told stop
	if err == nil || errors.As(err, &told) {
		s.failures, s.retryAt = 0, time.Time{}
		return
	}
	now := r.clock.Now()
	if v.looked || v.err != nil && !now.Before(s.retryAt) {
		longest := r.options.RetryMax
		if s.renderErr != nil {
			longest = max(longest, r.options.Poll) // it rarely mends without a commit, which is heard of
		}
		wait := min(r.options.RetryMin<<min(s.failures, 20), longest)
		s.failures++
		s.retryAt = now.Add(wait/2 + rand.N(wait))
	}
	v.comeBack(s.retryAt.Sub(now))
}
