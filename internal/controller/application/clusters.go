package application

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kubeevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings"
)

// queue holds the applications to look at.
type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// wake has an application looked at now.
func (r *Reconciler) wake(name types.NamespacedName) {
	if q := r.queue.Load(); q != nil {
		(*q).Add(ctrl.Request{NamespacedName: name})
	}
}

// changed wakes the applications that a change in a cluster concerns.
func (r *Reconciler) changed(change cluster.Change) {
	switch {
	case change.Kind.Kind != "":
		r.kindChanged(change)
	case change.Orphan:
		r.wakeAfter(r.nameOf(change.Instance), orphanPause)
	case change.Child:
		// Health comes from what the application manages; children are for the tree.
	case change.Instance != "":
		name := r.nameOf(change.Instance)
		if r.sessions.get(name) == nil {
			r.strays.note(name, change.Server)
		}
		r.wake(name)
	default:
		r.wakeCluster(change.Server)
	}
}

// kindChanged forgets what the API server made of manifests of a kind whose definition changed, and looks at the
// applications that have any.
func (r *Reconciler) kindChanged(change cluster.Change) {
	for _, s := range r.sessions.find(func(s *session) bool { return s.server == change.Server && s.forgetKind(change.Kind) }) {
		r.wake(s.name)
	}
}

func (r *Reconciler) wakeCluster(server string) {
	for _, s := range r.sessions.find(func(s *session) bool { return s.server == server }) {
		r.wake(s.name)
	}
}

// nameOf is the application with that name on its objects.
func (r *Reconciler) nameOf(instance string) types.NamespacedName {
	namespace, name := object.ApplicationOf(instance, r.options.Namespace)
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// onProject wakes the applications of a project that changed, and of those that inherit from it.
func (r *Reconciler) onProject(ctx context.Context, p *v1alpha1.AppProject, q queue) {
	concerned, err := r.projects.Heirs(ctx, p.Name)
	if err != nil {
		r.log.Warn("finding the projects that inherit from another", "project", p.Name, "error", err)
	}
	concerned = append(concerned, p.Name)
	for _, s := range r.sessions.find(func(s *session) bool { return slices.Contains(concerned, s.project) }) {
		q.Add(ctrl.Request{NamespacedName: s.name})
	}
}

// onSecret looks again where credentials changed: a cluster's applications, and those that fail for want of a repository.
func (r *Reconciler) onSecret(ctx context.Context, secret *corev1.Secret, q queue) {
	switch secret.Labels[settings.SecretTypeLabel] {
	case settings.SecretTypeCluster:
		if configured, err := r.settings.Clusters(ctx); err == nil {
			r.clusters.Keep(configured)
		}
		server := strings.TrimRight(strings.TrimSpace(string(secret.Data["server"])), "/")
		for _, s := range r.sessions.find(func(s *session) bool { return s.server == server || s.server == "" }) {
			q.Add(ctrl.Request{NamespacedName: s.name})
		}
	case settings.SecretTypeRepository, settings.SecretTypeRepoCreds:
		for _, s := range r.sessions.find(func(s *session) bool { return s.failing }) {
			s.markStale(false, r.clock.Now())
			q.Add(ctrl.Request{NamespacedName: s.name})
		}
	}
}

// onEach calls a function with objects that appear, change or go.
func onEach[T client.Object](do func(context.Context, T, queue)) handler.TypedFuncs[T, ctrl.Request] {
	return handler.TypedFuncs[T, ctrl.Request]{
		CreateFunc: func(ctx context.Context, e kubeevent.TypedCreateEvent[T], q queue) { do(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e kubeevent.TypedUpdateEvent[T], q queue) { do(ctx, e.ObjectNew, q) },
		DeleteFunc: func(ctx context.Context, e kubeevent.TypedDeleteEvent[T], q queue) { do(ctx, e.Object, q) },
	}
}
