package imageupdate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	kubeevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/imagepolicy"
	"fairlead.dev/fairlead/internal/settings"
)

// queue is the controller's queue of destinations.
type queue = workqueue.TypedRateLimitingInterface[Destination]

// Setup lets the manager run the controller. Its service account needs, in the namespaces it serves: applications (get, list,
// watch, patch), builds (get, list, watch), secrets (get, list, watch) and events (create, patch).
func Setup(mgr ctrl.Manager, deps Deps, options Options) error {
	if deps.Recorder == nil {
		deps.Recorder = mgr.GetEventRecorder("image-updater")
	}
	r, err := New(mgr.GetClient(), deps, options)
	if err != nil {
		return err
	}
	c, err := controller.NewTyped("imageupdate", mgr, controller.TypedOptions[Destination]{
		Reconciler:              r,
		MaxConcurrentReconciles: options.Concurrency,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[Destination](time.Second, options.MaxBackoff),
	})
	if err != nil {
		return fmt.Errorf("setting up the image updater: %w", err)
	}
	for _, trigger := range []source.TypedSource[Destination]{
		source.TypedKind(mgr.GetCache(), &argo.Application{}, r.onApplication()),
		source.TypedKind(mgr.GetCache(), &v1alpha1.Build{}, r.onBuild()),
		source.TypedKind(mgr.GetCache(), &corev1.Secret{}, r.onSecret()),
		source.TypedFunc[Destination](r.onEvents),
	} {
		if err := c.Watch(trigger); err != nil {
			return fmt.Errorf("setting up the image updater: %w", err)
		}
	}
	return nil
}

// New makes a reconciler, which Setup gives to a manager.
func New(c client.Client, deps Deps, options Options) (*Reconciler, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if deps.Git == nil || deps.Remote == nil || deps.Registry == nil || deps.ConfigMap == nil || deps.Bus == nil {
		return nil, errors.New("setting up the image updater: git, remote, registry, config map and bus are required")
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	counters, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	return &Reconciler{client: c, deps: deps, options: options, metrics: counters,
		heard: map[Destination]time.Time{}, fetched: map[Destination]bool{}}, nil
}

// onApplication starts a round where an Application writes to now, and where it wrote to before a change.
func (r *Reconciler) onApplication() handler.TypedFuncs[*argo.Application, Destination] {
	return handler.TypedFuncs[*argo.Application, Destination]{
		CreateFunc: func(ctx context.Context, e kubeevent.TypedCreateEvent[*argo.Application], q queue) {
			if imagepolicy.Concerns(e.Object) {
				q.Add(r.destination(ctx, e.Object))
			}
		},
		UpdateFunc: func(ctx context.Context, e kubeevent.TypedUpdateEvent[*argo.Application], q queue) {
			if sameToUs(e.ObjectOld, e.ObjectNew) {
				return
			}
			for _, app := range []*argo.Application{e.ObjectOld, e.ObjectNew} {
				if imagepolicy.Concerns(app) {
					q.Add(r.destination(ctx, app))
				}
			}
			if imagepolicy.Concerns(e.ObjectOld) && !imagepolicy.Concerns(e.ObjectNew) {
				q.Add(Destination{Namespace: e.ObjectNew.Namespace, Application: e.ObjectNew.Name})
			}
		},
	}
}

// onSecret starts all rounds when the credentials of a project for a repository come, change or go: its applications may be in
// another round then.
func (r *Reconciler) onSecret() handler.TypedFuncs[*corev1.Secret, Destination] {
	tell := func(ctx context.Context, secret *corev1.Secret, q queue) {
		kind := secret.Labels[settings.SecretTypeLabel]
		if kind != settings.SecretTypeRepository && kind != settings.SecretTypeRepoCreds || len(secret.Data["project"]) == 0 {
			return
		}
		for _, app := range r.applications(ctx) {
			q.Add(r.destination(ctx, &app))
		}
	}
	return handler.TypedFuncs[*corev1.Secret, Destination]{
		CreateFunc: func(ctx context.Context, e kubeevent.TypedCreateEvent[*corev1.Secret], q queue) {
			if !e.IsInInitialList { // the applications begin with it
				tell(ctx, e.Object, q)
			}
		},
		UpdateFunc: func(ctx context.Context, e kubeevent.TypedUpdateEvent[*corev1.Secret], q queue) {
			tell(ctx, e.ObjectOld, q)
			tell(ctx, e.ObjectNew, q)
		},
		DeleteFunc: func(ctx context.Context, e kubeevent.TypedDeleteEvent[*corev1.Secret], q queue) {
			tell(ctx, e.Object, q)
		},
	}
}

// onBuild takes a Build that succeeded for the news of its images.
func (r *Reconciler) onBuild() handler.TypedFuncs[*v1alpha1.Build, Destination] {
	tell := func(ctx context.Context, build *v1alpha1.Build, q queue) {
		for _, image := range build.Spec.Images {
			if reference, err := imagepolicy.ParseReference(image); err == nil {
				r.hear(ctx, event.Image{Repository: reference.Repository, Tag: reference.Tag, Digest: build.Status.Digest}, q)
			}
		}
	}
	return handler.TypedFuncs[*v1alpha1.Build, Destination]{
		// Builds that had succeeded before the hub started need no news: the first round looks at every tag.
		UpdateFunc: func(ctx context.Context, e kubeevent.TypedUpdateEvent[*v1alpha1.Build], q queue) {
			if e.ObjectOld.Status.Phase != v1alpha1.BuildSucceeded && e.ObjectNew.Status.Phase == v1alpha1.BuildSucceeded {
				tell(ctx, e.ObjectNew, q)
			}
		},
	}
}

// onEvents listens to the bus until ctx ends.
func (r *Reconciler) onEvents(ctx context.Context, q queue) error {
	images, endImages := r.deps.Bus.SubscribeImage()
	pushes, endPushes := r.deps.Bus.SubscribePush()
	go func() {
		defer endImages()
		defer endPushes()
		for {
			select {
			case <-ctx.Done():
				return
			case image := <-images:
				r.hear(ctx, image, q)
			case push := <-pushes:
				r.hearPush(ctx, push, q)
			}
		}
	}()
	return nil
}

// hear starts a round for every destination of applications that list the image.
func (r *Reconciler) hear(ctx context.Context, image event.Image, q queue) {
	now := r.deps.Clock.Now()
	if image.Tag != "" {
		r.deps.Registry.Forget(image.Repository, image.Tag)
	}
	for _, app := range r.applications(ctx) {
		if !imagepolicy.Lists(&app, image.Repository) {
			continue
		}
		destination := r.destination(ctx, &app)
		r.mu.Lock()
		if _, waiting := r.heard[destination]; !waiting {
			r.heard[destination] = now
			r.deps.Logger.InfoContext(ctx, "tag seen", "image", image.Repository, "tag", image.Tag, "destination", destination.String())
		}
		r.mu.Unlock()
		q.Add(destination)
	}
}

// hearPush starts a round where somebody else changed a branch that we write to: it may be a revert.
func (r *Reconciler) hearPush(ctx context.Context, push event.Push, q queue) {
	r.mu.Lock()
	own := push.After != "" && push.After == r.lastCommit
	r.mu.Unlock()
	if own {
		return
	}
	for _, app := range r.applications(ctx) {
		destination := r.destination(ctx, &app)
		if destination.Repository == event.NormalizeURL(push.Repository) &&
			(destination.Branch == "" || push.Ref == "refs/heads/"+destination.Branch) {
			q.Add(destination)
		}
	}
}

// applications are all that ask for image updates. An error leaves none: the next poll looks again.
func (r *Reconciler) applications(ctx context.Context) []argo.Application {
	var list argo.ApplicationList
	if err := r.client.List(ctx, &list); err != nil {
		r.deps.Logger.WarnContext(ctx, "listing applications for image updates", "error", err)
		return nil
	}
	concerned := list.Items[:0]
	for _, app := range list.Items {
		if imagepolicy.Concerns(&app) && app.DeletionTimestamp == nil && (r.deps.Serves == nil || r.deps.Serves(ctx, app.Namespace)) {
			concerned = append(concerned, app)
		}
	}
	return concerned
}
