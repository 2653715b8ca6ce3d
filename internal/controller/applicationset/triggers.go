package applicationset

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kubeevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/settings"
)

// ofSets leaves out what is only the echo of our own writes: statuses, and the end of a refresh.
func ofSets() predicate.TypedPredicate[*v1alpha1.ApplicationSet] {
	return predicate.TypedFuncs[*v1alpha1.ApplicationSet]{
		UpdateFunc: func(e kubeevent.TypedUpdateEvent[*v1alpha1.ApplicationSet]) bool {
			was, is := e.ObjectOld, e.ObjectNew
			if was.Generation != is.Generation || !equality.Semantic.DeepEqual(was.Labels, is.Labels) ||
				!equality.Semantic.DeepEqual(was.Finalizers, is.Finalizers) || !was.DeletionTimestamp.Equal(is.DeletionTimestamp) {
				return true
			}
			_, asked := was.Annotations[v1alpha1.ApplicationSetRefreshAnnotation]
			_, asks := is.Annotations[v1alpha1.ApplicationSetRefreshAnnotation]
			return !equality.Semantic.DeepEqual(was.Annotations, is.Annotations) && (!asked || asks)
		},
		DeleteFunc: func(kubeevent.TypedDeleteEvent[*v1alpha1.ApplicationSet]) bool { return false },
	}
}

// ofApplications are changes that a set has to take back, deletions, and what rolling changes wait for.
func (r *Reconciler) ofApplications() predicate.TypedPredicate[*v1alpha1.Application] {
	return predicate.TypedFuncs[*v1alpha1.Application]{
		CreateFunc: func(kubeevent.TypedCreateEvent[*v1alpha1.Application]) bool { return false },
		UpdateFunc: func(e kubeevent.TypedUpdateEvent[*v1alpha1.Application]) bool {
			was, is := e.ObjectOld, e.ObjectNew
			if metav1.GetControllerOf(is) == nil && metav1.GetControllerOf(was) == nil {
				return false
			}
			return !equality.Semantic.DeepEqual(was.Spec, is.Spec) || !equality.Semantic.DeepEqual(was.Annotations, is.Annotations) ||
				!equality.Semantic.DeepEqual(was.Labels, is.Labels) || !equality.Semantic.DeepEqual(was.Finalizers, is.Finalizers) ||
				r.progressive() && progressed(was, is)
		},
	}
}

// progressive tells whether the operator allows rolling changes; not being able to tell, it says that they may be.
func (r *Reconciler) progressive() bool {
	params, err := r.settings.ConfigMap(context.Background(), settings.CmdParamsConfigMap)
	if err != nil {
		return true
	}
	operator, _ := appset.OperatorFrom(params)
	return operator.Progressive
}

func progressed(was, is *v1alpha1.Application) bool {
	if was.Status.Health.Status != is.Status.Health.Status || !equality.Semantic.DeepEqual(was.Status.Sync, is.Status.Sync) {
		return true
	}
	before, after := was.Status.OperationState, is.Status.OperationState
	if before == nil || after == nil {
		return before != after
	}
	return before.Phase != after.Phase || !before.StartedAt.Equal(&after.StartedAt)
}

// onApplication is the set that made an application.
func onApplication(_ context.Context, application *v1alpha1.Application) []ctrl.Request {
	owner := metav1.GetControllerOf(application)
	if owner == nil || owner.Kind != appset.Kind || owner.APIVersion != v1alpha1.GroupVersion.String() {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: application.Namespace, Name: owner.Name}}}
}

func ofClusters(namespace string) predicate.TypedPredicate[*corev1.Secret] {
	return predicate.NewTypedPredicateFuncs(func(secret *corev1.Secret) bool {
		return secret.Namespace == namespace && secret.Labels[settings.SecretTypeLabel] == settings.SecretTypeCluster
	})
}

func ofParams(namespace string) predicate.TypedPredicate[*corev1.ConfigMap] {
	return predicate.NewTypedPredicateFuncs(func(configMap *corev1.ConfigMap) bool {
		return configMap.Namespace == namespace && configMap.Name == settings.CmdParamsConfigMap
	})
}

func created[T client.Object]() predicate.TypedPredicate[T] {
	return predicate.TypedFuncs[T]{
		UpdateFunc: func(kubeevent.TypedUpdateEvent[T]) bool { return false },
		DeleteFunc: func(kubeevent.TypedDeleteEvent[T]) bool { return false },
	}
}

// onSecret are the sets that know clusters, and those that waited for one.
func (r *Reconciler) onSecret(ctx context.Context, _ *corev1.Secret) []ctrl.Request {
	return r.sets(ctx, func(set *v1alpha1.ApplicationSet) bool { return appset.KnowsClusters(set) || wrong(set) })
}

func (r *Reconciler) onParams(ctx context.Context, _ *corev1.ConfigMap) []ctrl.Request {
	return r.sets(ctx, func(*v1alpha1.ApplicationSet) bool { return true })
}

// onProject are the sets that may have waited for a project.
func (r *Reconciler) onProject(ctx context.Context, _ *v1alpha1.AppProject) []ctrl.Request {
	return r.sets(ctx, wrong)
}

func wrong(set *v1alpha1.ApplicationSet) bool {
	return set.Status.Health.Status == v1alpha1.HealthStatusDegraded
}

func (r *Reconciler) sets(ctx context.Context, concerned func(*v1alpha1.ApplicationSet) bool) []ctrl.Request {
	var all v1alpha1.ApplicationSetList
	if err := r.client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		r.log.Error("listing application sets", "error", err)
		return nil
	}
	var requests []ctrl.Request
	for i := range all.Items {
		if concerned(&all.Items[i]) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&all.Items[i])})
		}
	}
	return requests
}

// listen has the sets looked at that read a repository that was pushed to, or list what came or went on a host.
func (r *Reconciler) listen(ctx context.Context, deps Dependencies) {
	pushes, cancel := deps.Bus.SubscribePush()
	defer cancel()
	listings, cancelListings := deps.Bus.SubscribeListing()
	defer cancelListings()
	look := func(concerned func(*v1alpha1.ApplicationSet) bool) {
		for _, request := range r.sets(ctx, concerned) {
			(*r.queue.Load()).Add(request)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case news := <-listings:
			if deps.Listed != nil {
				deps.Listed(news)
			}
			look(func(set *v1alpha1.ApplicationSet) bool { return appset.Hears(set, news) })
		case push := <-pushes:
			if deps.Pushed != nil {
				deps.Pushed(push)
			}
			look(func(set *v1alpha1.ApplicationSet) bool { return appset.Reads(set, push) })
		}
	}
}
