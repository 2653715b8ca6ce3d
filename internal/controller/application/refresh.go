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
	asked := v.asked
	hard = hard || v.app.Annotations[v1alpha1.RefreshAnnotation] == "hard"
	sameSources := equality.Semantic.DeepEqual(s.sources, sources) && s.sourcesOf == v.app.Spec.ProjectName()
	failed := s.lookupErr != nil || s.renderErr != nil
	if sameSources && !stale && !asked && (s.manifests != nil && !failed || failed && r.clock.Now().Before(s.retryAt)) {
		return nil
	}
	v.looked = true
	s.timings = timings{seen: seen}
	began := r.clock.Now()
	revisions, err := r.revisions(ctx, v, sources, nil, asked)
	s.timings.fetch = r.clock.Since(began)
	if isSlow(err) {
		return r.goOn(v, hard, sameSources, err)
	}
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
	if err = r.renderHead(ctx, v, hard); isSlow(err) {
		s.revisions = nil // they aren't rendered
		return r.goOn(v, hard, true, err)
	}
	return err
}

// goOn does without an answer that a host owes: with what is known of the same sources, else not at all. The look at Git is
// still to be done then.
func (r *Reconciler) goOn(v *visit, hard, sameSources bool, owed error) error {
	s := v.session
	s.mu.Lock()
	s.stillStale(hard, s.timings.seen)
	s.mu.Unlock()
	v.slow, v.asked, v.looked = true, false, false
	if !sameSources || s.manifests == nil {
		return owed
	}
	v.comeBack(r.later(s))
	return nil
}

// revisions are the commits that the sources mean; fresh asks their hosts first.
func (r *Reconciler) revisions(ctx context.Context, v *visit, sources v1alpha1.ApplicationSources, revisions []string, fresh bool) ([]string, error) {
	project, asked := v.app.Spec.ProjectName(), v.session.withBases(sources)
	return patient(ctx, r, v, question[[]string]{
		sources: sources, about: []any{"revisions", project, sources, revisions, fresh},
		ask: func(ctx context.Context) ([]string, error) {
			if fresh {
				if err := r.manifests.Fetch(ctx, project, asked); err != nil {
					return nil, err
				}
			}
			return r.manifests.Resolve(ctx, project, sources, revisions)
		},
	})
}

// renderHead renders the newest revisions. A rendering that stays the same keeps the revisions that it was made at:
// a commit that doesn't touch an application doesn't concern it. So with a project that demands signatures, an unsigned commit
// that leaves an application alone is no reason to complain, as Argo CD would: what would be deployed is to the byte what
// the signed revision says, and that is the revision which the status tells. Whoever asks for it by name is refused.
func (r *Reconciler) renderHead(ctx context.Context, v *visit, hard bool) error {
	s := v.session
	if !hard && !v.asked && s.manifests != nil && s.unsigned == "" {
		known, revisions := s.manifests, s.revisions
		same, err := patient(ctx, r, v, question[bool]{
			sources: s.sources, about: []any{"unchanged", known.Revisions, revisions},
			ask: func(ctx context.Context) (bool, error) { return r.changes.Unchanged(ctx, known, revisions), nil },
		})
		if err != nil {
			return err
		}
		if same {
			s.revisions = known.Revisions
			return nil
		}
	}
	began := r.clock.Now()
	manifests, err := r.renderPatiently(ctx, v, s.sources, s.revisions, hard)
	s.timings.render = r.clock.Since(began)
	if isSlow(err) {
		return err
	}
	s.renderErr = err
	if err != nil {
		v.headErr = err
		return nil
	}
	s.manifests = manifests
	return nil
}

// renderPatiently is renderAt for as long as the hosts of the sources are quick.
func (r *Reconciler) renderPatiently(ctx context.Context, v *visit, sources v1alpha1.ApplicationSources, revisions []string, hard bool) (*desired.Manifests, error) {
	request := r.rendering(v, sources, revisions, hard)
	return patient(ctx, r, v, question[*desired.Manifests]{
		sources: sources, about: request,
		ask: func(ctx context.Context) (*desired.Manifests, error) { return r.manifests.Render(ctx, request) },
	})
}

func (r *Reconciler) renderAt(ctx context.Context, v *visit, sources v1alpha1.ApplicationSources, revisions []string, hard bool) (*desired.Manifests, error) {
	return r.manifests.Render(ctx, r.rendering(v, sources, revisions, hard))
}

func (r *Reconciler) rendering(v *visit, sources v1alpha1.ApplicationSources, revisions []string, hard bool) desired.Request {
	info := v.cluster.Info()
	return desired.Request{
		Instance: v.instance, Project: v.app.Spec.ProjectName(), Namespace: v.app.Spec.Destination.Namespace,
		Sources: sources, Revisions: revisions,
		KubeVersion: info.Version, APIVersions: info.APIVersions, Hard: hard,
		GeneratePaths: v.app.Annotations[desired.GeneratePathsAnnotation],
	}
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
		if local, err := s.localManifests(v.app); err != nil {
			v.headErr = err
		} else if local != nil {
			v.head = local
		}
	}
	s.share(v.destination.Server, v.app.Spec.ProjectName(), v.app.Spec.AllSources())
	return nil
}
