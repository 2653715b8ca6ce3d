package application

import (
	"context"
	"errors"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// compared is one object of an application: its manifest, the live object, and what came of the comparison.
type compared struct {
	key object.Key
	// target is nil for what Git no longer has, live for what the cluster doesn't have yet.
	target, live *unstructured.Unstructured
	status       v1alpha1.SyncStatusCode
	// uncounted objects don't make the application OutOfSync.
	uncounted bool
	// paths are the fields that differ.
	paths []string
	// checked says that the API server was asked about the manifest; refused is its answer if it doesn't accept it.
	checked bool
	refused error
	// owner is another application that has the object.
	owner  string
	health *health.Status
	// ignore is what of the object doesn't count.
	ignore diff.Ignore
}

// comparison is the outcome for a whole application.
type comparison struct {
	of      *desired.Manifests
	objects []compared
	hooks   []*unstructured.Unstructured
	// liveHooks are the objects of hooks that exist.
	liveHooks map[object.Key]*unstructured.Unstructured
	// homeless are objects of namespaced kinds for which neither manifest nor destination says a namespace.
	homeless []*unstructured.Unstructured
	// repeated are objects of which Git has several, once for each that doesn't count; excluded those that don't count at
	// all because of their kind.
	repeated []object.Key
	excluded []*unstructured.Unstructured
	// foreign are live objects of the application that Git doesn't have and its project doesn't permit: they are left alone.
	foreign []object.Key
	status  v1alpha1.SyncStatusCode
}

// compareHead compares with what Git has now.
func (r *Reconciler) compareHead(ctx context.Context, v *visit) error {
	if v.head == nil {
		return nil
	}
	began := r.clock.Now()
	c, err := r.compare(ctx, v, v.head)
	v.session.timings.diff = r.clock.Since(began)
	if err != nil {
		return err
	}
	v.keep(c)
	if !v.session.compared {
		v.session.compared = true
		r.metrics.compared.Inc()
	}
	return nil
}

// keep makes a comparison that of the reconcile. With what must not be deployed nothing is in sync.
func (v *visit) keep(c *comparison) {
	if v.unsigned != "" && c.status == v1alpha1.SyncStatusCodeSynced {
		c.status = v1alpha1.SyncStatusCodeUnknown
	}
	v.comparison = c
}

// compareAgain looks at what an operation has made of it.
func (r *Reconciler) compareAgain(ctx context.Context, v *visit) error {
	if !v.operated || v.head == nil {
		return nil
	}
	if err := r.render(ctx, v); err != nil { // what came along with the operation counts now, or no longer
		return err
	}
	c, err := r.compare(ctx, v, v.head)
	if err != nil {
		return err
	}
	v.keep(c)
	if !running(v.app.Status.OperationState) && c.status != v1alpha1.SyncStatusCodeSynced {
		v.comeBack(0) // automation may have to go on; the echo of the status wakes nobody
	}
	return nil
}

func (r *Reconciler) compare(ctx context.Context, v *visit, manifests *desired.Manifests) (*comparison, error) {
	if v.session.rulesErr != nil {
		return nil, v.session.rulesErr
	}
	placed, err := r.place(ctx, v, manifests)
	if err != nil {
		return nil, err
	}
	if err := v.cluster.Watch(ctx, v.instance, r.kindsToWatch(v, placed)...); err != nil {
		return nil, err
	}
	if state := v.app.Status.OperationState; v.asked || running(state) && !state.Operation.InitiatedBy.Automated {
		if err := v.cluster.Search(ctx); err != nil {
			return nil, err
		}
	}
	for _, u := range placed.Objects {
		if err := v.cluster.Manages(u.GetKind(), u.GetNamespace(), u.GetName()); err != nil {
			return nil, err
		}
	}
	c := &comparison{of: manifests, hooks: placed.Hooks, homeless: placed.Homeless, repeated: placed.Repeated, excluded: placed.Excluded, liveHooks: map[object.Key]*unstructured.Unstructured{}}
	wanted := make(map[object.Key]bool, len(placed.Objects))
	c.objects = make([]compared, len(placed.Objects))
	var group errgroup.Group
	group.SetLimit(8)
	for i, target := range placed.Objects {
		wanted[object.KeyOf(target)] = true
		group.Go(func() (err error) {
			c.objects[i], err = r.compareObject(ctx, v, target)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	seen := maps.Clone(wanted)
	for _, hook := range placed.Hooks {
		delete(seen, object.KeyOf(hook)) // the same object may be both
	}
	for _, live := range v.cluster.Managed(v.instance, seen) {
		key := object.KeyOf(live)
		if v.custom.Excluded(key.GroupKind(), v.destination.Server) {
			continue // none of our business any more, least of all to be pruned
		}
		if !wanted[key] && keepsNamespace(v.app, key) {
			continue // Git no longer has it, because the application's policy does
		}
		if _, hook := object.Hooks(live); hook {
			c.liveHooks[key] = live
		} else if !wanted[key] && !permitsLive(v, key) {
			c.foreign = append(c.foreign, key)
		} else if !wanted[key] {
			c.objects = append(c.objects, surplus(key, live))
		}
	}
	c.status = v1alpha1.SyncStatusCodeSynced
	if state := v.app.Status.OperationState; state != nil && state.SyncResult != nil && !sameNamespaceMetadata(state.SyncResult, v.app.Spec) {
		c.status = v1alpha1.SyncStatusCodeOutOfSync
	}
	for i := range c.objects {
		o := &c.objects[i]
		if o.live != nil {
			o.health = v.custom.Health.Of(o.live)
		}
		if o.status == v1alpha1.SyncStatusCodeOutOfSync && !o.uncounted {
			c.status = v1alpha1.SyncStatusCodeOutOfSync
		}
	}
	v.session.tidy(placed)
	return c, nil
}

// surplus is an object that Git no longer has.
func surplus(key object.Key, live *unstructured.Unstructured) compared {
	return compared{
		key: key, live: live, status: v1alpha1.SyncStatusCodeOutOfSync, uncounted: object.HasCompareOption(live, "IgnoreExtraneous"),
	}
}

// place puts the manifests into their namespaces; what was placed stays until manifests or destination change.
func (r *Reconciler) place(ctx context.Context, v *visit, manifests *desired.Manifests) (*desired.Placed, error) {
	s := v.session
	placedFor := placedFor{v.destination.Server, v.app.Spec.Destination.Namespace, v.custom}
	if s.placed != nil && s.placedOf == manifests && s.placedFor == placedFor && len(s.placed.Unknown) == 0 {
		return s.placed, nil
	}
	scopes := cluster.Scopes{Kind: v.cluster.Kind}
	placed := desired.Place(manifests.Objects, desired.Placement{
		Instance: v.instance, Tracking: v.custom.Tracking, Namespace: v.app.Spec.Destination.Namespace,
		Excluded:   func(kind schema.GroupKind) bool { return v.custom.Excluded(kind, v.destination.Server) },
		Namespaced: scopes.Namespaced(ctx),
	})
	if scopes.Err != nil {
		return nil, scopes.Err
	}
	if s.placed != nil && s.placedOf == manifests && s.placedFor == placedFor && slices.Equal(s.placed.Unknown, placed.Unknown) {
		return s.placed, nil // nothing was learned; the same pointers keep what is known of each manifest
	}
	s.placed, s.placedOf, s.placedFor = &placed, manifests, placedFor
	return s.placed, nil
}

// kindsToWatch are the kinds of what is desired and of what was there last time, which may have to be pruned.
func (r *Reconciler) kindsToWatch(v *visit, placed *desired.Placed) []schema.GroupVersionKind {
	kinds := map[schema.GroupKind]string{}
	for _, resource := range v.app.Status.Resources {
		kinds[schema.GroupKind{Group: resource.Group, Kind: resource.Kind}] = resource.Version
	}
	if state := v.app.Status.OperationState; running(state) && state.SyncResult != nil {
		for _, result := range state.SyncResult.Resources { // its manifests may be others than these
			kinds[schema.GroupKind{Group: result.Group, Kind: result.Kind}] = result.Version
		}
	}
	for _, list := range [][]*unstructured.Unstructured{placed.Objects, placed.Hooks} {
		for _, u := range list {
			gvk := u.GroupVersionKind()
			kinds[gvk.GroupKind()] = gvk.Version
		}
	}
	if createsNamespace(v.app) {
		kinds[schema.GroupKind{Kind: "Namespace"}] = "v1"
	}
	all := make([]schema.GroupVersionKind, 0, len(kinds))
	for kind, version := range kinds {
		if !v.custom.Excluded(kind, v.destination.Server) {
			all = append(all, kind.WithVersion(version))
		}
	}
	return all
}

// keepsNamespace tells of the destination's namespace if the application manages its metadata: then that isn't left over from Git.
func keepsNamespace(app *v1alpha1.Application, key object.Key) bool {
	return key == (object.Key{Kind: "Namespace", Name: app.Spec.Destination.Namespace}) && namespaceMetadata(app.Spec) != nil
}

func createsNamespace(app *v1alpha1.Application) bool {
	policy := app.Spec.SyncPolicy
	state := app.Status.OperationState
	return policy != nil && policy.SyncOptions.HasOption("CreateNamespace=true") ||
		app.Operation != nil && app.Operation.Sync != nil && app.Operation.Sync.SyncOptions.HasOption("CreateNamespace=true") ||
		state != nil && !state.Phase.Completed() && state.Operation.Sync != nil && state.Operation.Sync.SyncOptions.HasOption("CreateNamespace=true")
}

// compareObject compares one manifest with the live object.
func (r *Reconciler) compareObject(ctx context.Context, v *visit, target *unstructured.Unstructured) (compared, error) {
	o := compared{key: object.KeyOf(target), target: target, status: v1alpha1.SyncStatusCodeOutOfSync}
	live, exists := v.cluster.Live(o.key)
	if !exists {
		return o, nil
	}
	if live == nil || live.GetAPIVersion() != target.GetAPIVersion() {
		// Nobody tracks it yet, so that little of it is cached; or it is cached in another version than the manifest's.
		whole, err := v.cluster.Get(ctx, target.GroupVersionKind(), o.key)
		var unknown *cluster.UnknownKindError
		if errors.As(err, &unknown) {
			o.refused, o.live = err, live
			return o, nil
		}
		if err != nil || whole == nil {
			return o, err
		}
		live = whole
	}
	o.live = live
	if owner := object.Owner(live, v.custom.Tracking); owner != v.instance {
		o.owner = owner
	}
	o.ignore = v.session.rules.For(target)
	known, ok := v.session.verdict(o.key, target, live, o.ignore)
	if !ok {
		var err error
		if known, err = r.judge(ctx, v, &o); err != nil {
			return o, err
		}
	}
	o.paths = known.paths
	_, o.checked = v.session.normalised(o.key, target)
	if o.refused == nil && len(o.paths) == 0 {
		o.status = v1alpha1.SyncStatusCodeSynced
	}
	return o, nil
}
