package imageupdate

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
	"fairlead.dev/fairlead/internal/oci"
)

// Reconciler works on destinations.
type Reconciler struct {
	client  client.Client
	deps    Deps
	options Options
	metrics *metrics

	mu sync.Mutex
	// heard tells when a destination was first told of a tag, since its last round.
	heard map[Destination]time.Time
	// fetched are the destinations whose mirror was fetched by this process.
	fetched map[Destination]bool
	// lastCommit is the last one of our own.
	lastCommit string
}

// round is one look at one destination, and what comes of it.
type round struct {
	destination Destination
	// heard is when a tag was told of; zero if it was something else that started the round.
	heard time.Time
	// start is when the round began.
	start time.Time
	apps  []*candidate

	config     config
	registries oci.Registries
	repository *git.Repository
	// base is the name of the branch whose content counts, head its commit, tree its files.
	base, head string
	tree       *git.Tree
}

// candidate is an Application on its way through a round. What goes wrong with it, and with it only, is in errs.
type candidate struct {
	app    *argo.Application
	policy *imagepolicy.Policy
	// file is the target file, recorded what it says about the policy's images (all zero if it doesn't exist).
	file     string
	recorded []imagepolicy.Version
	// picks are the decisions, one per image of the policy.
	picks []pick
	// settings are to be written, changes are those that differ from what is there; both empty if nothing is to change.
	settings []imagepolicy.Setting
	changes  []imagepolicy.Change
	errs     []error
	// done says that the changes are where they belong, commit which commit brought them there (empty if none did).
	done   bool
	commit string
}

// pick is the decision for one image, with what it was made from.
type pick struct {
	// skipped images are left alone; the decision is empty.
	skipped  bool
	current  imagepolicy.Version
	place    oci.Place
	tags     []imagepolicy.Tag
	decision imagepolicy.Decision
}

// errOvertaken means that the branch changed in what the round was decided on.
var errOvertaken = errors.New("somebody else changed the image's version meanwhile")

// attempts bounds how often a round starts again because it was overtaken.
const attempts = 5

// Reconcile is one round: observe, decide, write, report. An error is tried again later; what is wrong with one application
// doesn't keep the others from being updated.
func (r *Reconciler) Reconcile(ctx context.Context, destination Destination) (reconcile.Result, error) {
	var err error
	heard := r.takeHeard(destination)
	for range attempts {
		rd := &round{destination: destination, heard: heard, start: r.deps.Clock.Now()}
		if r.gather(ctx, rd); len(rd.apps) == 0 {
			return reconcile.Result{}, r.withdraw(ctx, destination)
		}
		if err = r.observe(ctx, rd); err == nil {
			r.decide(ctx, rd)
			err = r.write(ctx, rd)
		}
		if errors.Is(err, errOvertaken) {
			continue
		}
		err = errors.Join(r.report(ctx, rd, err), rd.transient(), err)
		break
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: r.options.PollInterval}, nil
}

// takeHeard tells when a tag was heard of, and forgets it.
func (r *Reconciler) takeHeard(destination Destination) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	heard := r.heard[destination]
	delete(r.heard, destination)
	return heard
}

// gather finds the applications of the destination, in the order of their names, and reads their policies.
func (r *Reconciler) gather(ctx context.Context, rd *round) {
	for _, app := range r.applications(ctx) {
		if r.destination(ctx, &app) != rd.destination {
			continue
		}
		c := &candidate{app: app.DeepCopy()}
		rd.apps = append(rd.apps, c)
		if app.Held() {
			r.deps.Logger.DebugContext(ctx, "application is held by a rollback: no image update", "application", app.Name)
			continue
		}
		policy, err := imagepolicy.Parse(&app, r.options.Namespace)
		if errors.Is(err, imagepolicy.ErrUnknownType) {
			r.deps.Logger.DebugContext(ctx, "application is not compared yet: no image update", "application", app.Name)
			continue
		}
		if err != nil {
			c.errs = append(c.errs, err)
			continue
		}
		c.policy = policy
	}
	slices.SortFunc(rd.apps, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.app.Namespace, b.app.Namespace), cmp.Compare(a.app.Name, b.app.Name))
	})
}

// active are the candidates that nothing is wrong with so far.
func (rd *round) active() []*candidate {
	var active []*candidate
	for _, c := range rd.apps {
		if c.policy != nil && len(c.errs) == 0 {
			active = append(active, c)
		}
	}
	return active
}

// transient joins the errors that may go away by themselves. What is wrong with an annotation doesn't: its change starts a
// round.
func (rd *round) transient() error {
	var errs []error
	for _, c := range rd.apps {
		for _, err := range c.errs {
			var annotation *imagepolicy.AnnotationError
			if c.policy != nil && !errors.As(err, &annotation) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (r *Reconciler) log(rd *round) *slog.Logger {
	return r.deps.Logger.With("destination", rd.destination.String())
}
