package application

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/settings"
)

// configure takes what the operator says of objects for this reconcile, and makes rules of it and of the application's own
// ignoreDifferences.
func (r *Reconciler) configure(ctx context.Context, v *visit) (err error) {
	if v.custom, err = r.settings.Customization(ctx); err != nil {
		return err
	}
	params, err := r.settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
	if err != nil {
		return err
	}
	tuned, _ := settings.EngineParamsFrom(params, r.options.params()) // what can't be read was warned of when it changed
	v.options = r.options.with(tuned)
	s := v.session
	own := v.app.Spec.IgnoreDifferences
	if s.rulesOf == v.custom && s.rulesTimeout == v.options.QueryTimeout && equality.Semantic.DeepEqual(s.rulesFor, own) {
		return nil
	}
	defaults := v.custom.Compare
	defaults.QueryTimeout = v.options.QueryTimeout
	s.rules, s.rulesErr = diff.Compile(slices.Concat(v.custom.IgnoreDifferences, own), defaults)
	s.rulesOf, s.rulesFor, s.rulesTimeout = v.custom, own, v.options.QueryTimeout
	return nil
}

// permissions are what argocd-cm says of what applications may do, apart from their projects.
type permissions struct{ globalProjects, impersonation, enforced string }

func (r *Reconciler) permissions(ctx context.Context) permissions {
	config, err := r.settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		r.log.Warn("reading what applications may do", "error", err)
	}
	return permissions{config["globalProjects"], config[impersonates], config[impersonationEnforced]}
}

// onConfigMap looks at all applications again when the operator says something else of objects, or of what applications may
// do.
func (r *Reconciler) onConfigMap(ctx context.Context, configMap *corev1.ConfigMap, q queue) {
	if configMap.Name == settings.CmdParamsConfigMap {
		if _, err := settings.EngineParamsFrom(configMap.Data, r.options.params()); err != nil {
			r.log.Warn("an entry of the configuration is left out", "error", err)
		}
		r.wakeAll(q)
		r.wakeNewlyServed(ctx, configMap, q)
		return
	}
	if configMap.Name != settings.ConfigMapName {
		return
	}
	r.onRendering(render.SettingsFrom(configMap.Data), q)
	now, err := r.settings.Customization(ctx)
	if err != nil {
		r.log.Warn("reading the configuration of objects", "error", err)
		return
	}
	may := r.permissions(ctx)
	formerly := r.may.Swap(&may)
	same := formerly == nil && may == permissions{} || formerly != nil && *formerly == may
	if before := r.custom.Swap(now); same && (before == now || before == nil && now == customization.Default()) {
		return
	}
	r.wakeAll(q)
}

// serves tells whether Applications of a namespace are the hub's.
func (r *Reconciler) serves(ctx context.Context, namespace string) bool {
	return r.settings.ApplicationNamespaces(ctx).Has(namespace)
}

// wakeNewlyServed looks at the applications of namespaces that haven't counted before.
func (r *Reconciler) wakeNewlyServed(ctx context.Context, params *corev1.ConfigMap, q queue) {
	listed := params.Data[settings.ApplicationNamespacesKey]
	if before := r.served.Swap(&listed); before != nil && *before == listed || before == nil && listed == "" {
		return
	}
	var list v1alpha1.ApplicationList
	if err := r.client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		r.log.Warn("finding the applications of namespaces that count now", "error", err)
		return
	}
	for i := range list.Items {
		enqueue(ctx, &list.Items[i], q)
	}
}

func (r *Reconciler) wakeAll(q queue) {
	for _, s := range r.sessions.find(func(*session) bool { return true }) {
		q.Add(ctrl.Request{NamespacedName: s.name})
	}
}

// onRendering has sources rendered anew when the operator wants it done in another way: all, if with other tools.
func (r *Reconciler) onRendering(now render.Settings, q queue) {
	before := r.renders.Swap(&now)
	if before.Equal(now) {
		return
	}
	otherTools := before.Off != now.Off
	concerned := func(s *session) bool { return otherTools || s.failing || s.known != nil && s.known.Kustomized() }
	for _, s := range r.sessions.find(concerned) {
		s.markStale(otherTools, time.Time{})
		q.Add(ctrl.Request{NamespacedName: s.name})
	}
}
