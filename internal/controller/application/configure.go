package application

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"

	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/render/kustomize"
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
		return
	}
	if configMap.Name != settings.ConfigMapName {
		return
	}
	r.onBuildOptions(kustomize.SettingsFrom(configMap.Data), q)
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

func (r *Reconciler) wakeAll(q queue) {
	for _, s := range r.sessions.find(func(*session) bool { return true }) {
		q.Add(ctrl.Request{NamespacedName: s.name})
	}
}

// onBuildOptions has kustomizations rendered anew when the operator wants them built in another way.
func (r *Reconciler) onBuildOptions(now kustomize.Settings, q queue) {
	if before := r.builds.Swap(&now); before.Equal(now) {
		return
	}
	concerned := func(s *session) bool { return s.failing || s.known != nil && s.known.Kustomized() }
	for _, s := range r.sessions.find(concerned) {
		s.markStale(false, time.Time{})
		q.Add(ctrl.Request{NamespacedName: s.name})
	}
}
