package application

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

// judge compares word for word if that is enough to say that the two are the same, or that they can't be, else by the API
// server's understanding of the manifest, which is asked for once.
func (r *Reconciler) judge(ctx context.Context, v *visit, o *compared) (verdict, error) {
	judged := verdict{target: o.target, resourceVersion: o.live.GetResourceVersion(), ignore: o.ignore.String()}
	if err := r.complete(ctx, v, o); err != nil {
		return judged, err
	}
	if object.HasCompareOption(o.target, "IncludeMutationWebhook=true") || object.HasCompareOption(v.app, "IncludeMutationWebhook=true") {
		return r.predict(ctx, v, o, judged)
	}
	if same, err := literally(o); err != nil {
		return judged, err
	} else if same && len(object.LackingPorts(o.target, o.live)) == 0 {
		v.session.remember(o.key, judged)
		v.session.forgetNormal(o.key) // it is no longer needed, and large
		return judged, nil
	}
	n, ok := v.session.normalised(o.key, o.target)
	if !ok {
		if field := v.session.outdated(o); field != "" {
			judged.paths = []string{field}
			v.session.remember(o.key, judged)
			return judged, nil
		}
	}
	if !ok || n.refused != nil && r.clock.Now().After(n.again) {
		_, err := v.cluster.Apply(ctx, o.target, cluster.ApplyOptions{DryRun: true, SkipValidation: skipsValidation(v, o.target)})
		if err != nil && !cluster.Refusal(err) {
			return judged, fmt.Errorf("comparing: %w", err)
		}
		if err != nil {
			v.session.normalise(o.key, normalised{target: o.target, refused: err, again: r.clock.Now().Add(r.options.RetryMax)})
		}
		n, _ = v.session.normalised(o.key, o.target)
	}
	if n.refused != nil || n.desired == nil {
		o.refused = n.refused
		return judged, nil
	}
	paths, err := n.desired.Compare(o.live, o.ignore)
	if err != nil {
		return judged, err
	}
	judged.paths = append(paths, object.LackingPorts(o.target, o.live)...)
	v.session.remember(o.key, judged)
	return judged, nil
}

// complete reads the live object whole where what is ignored depends on the managed fields of others: the cache has only
// our own.
func (r *Reconciler) complete(ctx context.Context, v *visit, o *compared) error {
	if !o.ignore.NeedsManagers() || o.live == nil {
		return nil
	}
	whole, err := v.cluster.Get(ctx, o.target.GroupVersionKind(), o.key)
	if err != nil {
		return fmt.Errorf("reading the managed fields of %s: %w", o.key, err)
	}
	if whole != nil {
		o.live = whole
	}
	return nil
}

// keepIgnored is the manifest as it is to be applied where a sync must leave alone what is ignored.
func (r *Reconciler) keepIgnored(ctx context.Context, v *visit, o compared) (*unstructured.Unstructured, error) {
	if err := r.complete(ctx, v, &o); err != nil {
		return nil, err
	}
	return o.ignore.Keep(o.target, o.live)
}

// literally tells whether an object says word for word what its manifest says.
func literally(o *compared) (bool, error) {
	view, err := o.ignore.On(o.live)
	if err != nil {
		return false, err
	}
	target, err := view.Strip(o.target)
	if err != nil {
		return false, err
	}
	live, err := view.Strip(o.live)
	if err != nil {
		return false, err
	}
	return diff.Literal(target, live), nil
}

// predict compares an object whole with what an apply would make of it, what admission webhooks do included. The answer
// depends on the live object, so it is asked for at each change.
func (r *Reconciler) predict(ctx context.Context, v *visit, o *compared, judged verdict) (verdict, error) {
	answer, err := v.cluster.Apply(ctx, o.target, cluster.ApplyOptions{DryRun: true, SkipValidation: skipsValidation(v, o.target)})
	if err != nil {
		if !cluster.Refusal(err) {
			return judged, fmt.Errorf("comparing: %w", err)
		}
		o.refused = err
		return judged, nil
	}
	whole := o.live
	if !o.ignore.NeedsManagers() {
		if whole, err = v.cluster.Get(ctx, o.target.GroupVersionKind(), o.key); err != nil || whole == nil {
			return judged, err
		}
	}
	if judged.paths, err = diff.Predicted(answer, whole, o.ignore); err != nil {
		return judged, err
	}
	v.session.remember(o.key, judged)
	return judged, nil
}

// skipsValidation tells whether fields that the API server doesn't know are to be left out rather than refused.
func skipsValidation(v *visit, target *unstructured.Unstructured) bool {
	policy := v.app.Spec.SyncPolicy
	return object.HasSyncOption(target, "Validate=false") || policy != nil && policy.SyncOptions.HasOption("Validate=false")
}
