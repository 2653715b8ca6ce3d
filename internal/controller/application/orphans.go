package application

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/project"
)

// orphanPause gathers the changes of orphans: a namespace that fills shouldn't have an application looked at for each object.
const orphanPause = 500 * time.Millisecond

func (r *Reconciler) wakeAfter(name types.NamespacedName, d time.Duration) {
	if q := r.queue.Load(); q != nil {
		(*q).AddAfter(ctrl.Request{NamespacedName: name}, d)
	}
}

// orphans counts the objects of the destination's namespace that no application has, where the project wants to know. It
// only tells: nobody ever deletes them.
func (r *Reconciler) orphans(ctx context.Context, v *visit) error {
	if v.project == nil || v.cluster == nil {
		v.keepOrphans()
		return nil
	}
	of := prometheus.Labels{"namespace": v.app.Namespace, "name": v.app.Name}
	monitors, warns := project.MonitorsOrphans(v.project)
	if !monitors || v.app.Spec.Destination.Namespace == "" {
		r.metrics.orphans.DeletePartialMatch(of)
		_, _, err := v.cluster.Monitor(ctx, v.instance, nil)
		return err
	}
	count, complete, err := v.cluster.Monitor(ctx, v.instance, &cluster.Orphanage{
		Namespace: v.app.Spec.Destination.Namespace,
		Rules: project.Orphans{
			Project: v.project,
			Destination: project.Destination{
				Server: v.destination.Server, Name: v.destination.Name, Namespace: v.app.Spec.Destination.Namespace,
			},
			Excluded: func(kind schema.GroupKind) bool { return v.custom.Excluded(kind, v.destination.Server) },
		},
		Exists: func(instance string) bool { return r.exists(ctx, instance) },
	})
	if err != nil || !complete {
		v.keepOrphans() // the cluster tells when more is known; an outage has a condition of its own
		return nil
	}
	r.metrics.orphans.DeletePartialMatch(of) // its project may have changed
	r.metrics.orphans.WithLabelValues(v.app.Namespace, v.app.Name, v.app.Spec.ProjectName()).Set(float64(count))
	if warns && count > 0 {
		v.condition(v1alpha1.ApplicationConditionOrphanedResourceWarning, "Application has %d orphaned resources", count)
	}
	return nil
}

// keepOrphans says again what was known of orphans.
func (v *visit) keepOrphans() {
	for _, c := range v.app.Status.Conditions {
		if c.Type == v1alpha1.ApplicationConditionOrphanedResourceWarning {
			v.found = append(v.found, c)
		}
	}
}

// exists tells whether there is an application. In doubt there is one.
func (r *Reconciler) exists(ctx context.Context, instance string) bool {
	err := r.client.Get(ctx, client.ObjectKey(r.nameOf(instance)), &v1alpha1.Application{}, client.UnsafeDisableDeepCopy)
	return err == nil || !apierrors.IsNotFound(err)
}
