package application

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/desired"
)

// refresh finds out which commits the sources mean now, if there is a reason to look: the first time, other sources, a
// push, a person's wish, or a failure before. Otherwise what is known stays.
func (r *Reconciler) refresh(ctx context.Context, v *visit) error {
	s := v.session
	sources := v.app.Spec.AllSources()
	stale, hard, seen := s.takeStale()
	wish, asked := v.app.Annotations[v1alpha1.RefreshAnnotation]
	hard = hard || wish == "hard"
	v.asked = asked
	sameSources := equality.Semantic.DeepEqual(s.sources, sources) && s.sourcesOf == v.app.Spec.ProjectName()
	failed := s.lookupErr != nil || s.renderErr != nil
	if sameSources && !stale && !asked && (s.manifests != nil && !failed || failed && r.clock.Now().Before(s.retryAt)) {
		return nil
	}
	v.looked = true
	s.timings = timings{seen: seen}
	began := r.clock.Now()
	if asked {
		if err := r.manifests.Fetch(ctx, v.app.Spec.ProjectName(), s.withBases(sources)); err != nil {
			s.lookupErr = err
			v.headErr = err
			return nil
		}
	}
	revisions, err := r.manifests.Resolve(ctx, v.app.Spec.ProjectName(), sources, nil)
	s.timings.fetch = r.clock.Since(began)
	s.lookupErr = err
	if err != nil {
		v.headErr = err
		return nil
	}
	if sameSources && !hard && s.manifests != nil && slices.Equal(revisions, s.revisions) && s.renderErr == nil && !s.manifests.Kustomized() {
		return nil
	}
	if !seen.IsZero() {
		r.log.Info("revision seen", "app", v.app.Name, "revision", revisions[0], "sincePushMs", r.clock.Since(seen).Milliseconds())
	}
	if !sameSources || hard {
		s.manifests = nil
	}
	s.sources, s.sourcesOf, s.revisions = sources, v.app.Spec.ProjectName(), revisions
	return r.renderHead(ctx, v, hard)
}

// renderHead renders the newest revisions. A rendering that stays the same keeps the revisions that it was made at:
// a commit that doesn't touch an application doesn't concern it.
func (r *Reconciler) renderHead(ctx context.Context, v *visit, hard bool) error {
	s := v.session
	if !hard && !v.asked && s.manifests != nil && s.unsigned == "" && r.changes.Unchanged(ctx, s.manifests, s.revisions) {
		s.revisions = s.manifests.Revisions
		return nil
	}
	began := r.clock.Now()
	manifests, err := r.renderAt(ctx, v, s.sources, s.revisions, hard)
	s.timings.render = r.clock.Since(began)
	s.renderErr = err
	if err != nil {
		v.headErr = err
		return nil
	}
	s.manifests = manifests
	return nil
}

func (r *Reconciler) renderAt(ctx context.Context, v *visit, sources v1alpha1.ApplicationSources, revisions []string, hard bool) (*desired.Manifests, error) {
	info := v.cluster.Info()
	return r.manifests.Render(ctx, desired.Request{
		Instance: v.instance, Project: v.app.Spec.ProjectName(), Namespace: v.app.Spec.Destination.Namespace,
		Sources: sources, Revisions: revisions,
		KubeVersion: info.Version, APIVersions: info.APIVersions, Hard: hard,
		GeneratePaths: v.app.Annotations[desired.GeneratePathsAnnotation],
	})
}

// render settles which manifests this reconcile works with.
func (r *Reconciler) render(_ context.Context, v *visit) error {
	s := v.session
	switch {
	case v.headErr != nil:
	case s.lookupErr != nil:
		v.headErr = s.lookupErr
	case s.renderErr != nil:
		v.headErr = s.renderErr
	default:
		v.head = s.manifests
	}
	s.share(v.destination.Server, v.app.Spec.ProjectName(), v.app.Spec.AllSources())
	return nil
}
