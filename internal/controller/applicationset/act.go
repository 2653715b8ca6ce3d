package applicationset

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
)

// maxEvents bounds how many events one kind of change tells; the last says how many more there were.
const maxEvents = 100

// act carries the plan out: first what is new or different, and only if that went well what is to go.
func (r *Reconciler) act(ctx context.Context, v *visit) (bool, error) {
	generated := v.generated
	if v.rollout != nil {
		generated = v.rollout.Rolling(generated)
	}
	plan, err := v.operator.Plan(v.set, generated, v.problems, v.live)
	if err != nil {
		return r.refuse(v, v1alpha1.ApplicationSetReasonUpdateApplicationError, err)
	}
	reason := v1alpha1.ApplicationSetReasonUpdateApplicationError
	if updates, _ := v.operator.PolicyOf(v.set); !updates {
		reason = v1alpha1.ApplicationSetReasonCreateApplicationError
	}
	now := map[string]*v1alpha1.Application{}
	for name, application := range v.live {
		if appset.Owns(v.set, application) {
			now[name] = application
		}
	}
	err = r.apply(ctx, v, plan, now)
	if err == nil && len(plan.Wrong) > 0 {
		err = fmt.Errorf("%s", plan.Wrong.String())
	}
	if err == nil && len(plan.Delete) > 0 {
		reason = v1alpha1.ApplicationSetReasonDeleteApplicationError
		err = r.delete(ctx, v, plan.Delete, now)
	}
	applications := make([]*v1alpha1.Application, 0, len(now))
	for _, application := range now {
		applications = append(applications, application)
	}
	v.operator.SetResources(v.set, applications)
	if err != nil {
		v.outcome.Reason, v.outcome.Error = reason, shortened(err.Error())
		return false, err
	}
	return true, nil
}

func (r *Reconciler) apply(ctx context.Context, v *visit, plan appset.Plan, now map[string]*v1alpha1.Application) error {
	created, err := r.create(ctx, v, plan.Create)
	r.tell(v, "created", created)
	note(now, created)
	if err != nil {
		return err
	}
	updated, err := each(ctx, r.options.Writes, plan.Update, func(ctx context.Context, change appset.Change) (*v1alpha1.Application, error) {
		made := change.To.DeepCopy()
		patch := client.MergeFrom(change.From)
		if change.To.Operation != nil { // a sync is asked for once: not if the cache doesn't know yet that it was
			patch = client.MergeFromWithOptions(change.From, client.MergeFromWithOptimisticLock{})
		}
		err := v.writer.Patch(ctx, made, patch)
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) && change.To.Operation != nil {
			v.hurry.Store(true)
			return nil, nil
		}
		return made, err
	})
	r.tell(v, "updated", updated)
	note(now, updated)
	return err
}

func (r *Reconciler) create(ctx context.Context, v *visit, missing []*v1alpha1.Application) ([]*v1alpha1.Application, error) {
	if len(missing) > r.options.Writes {
		defer r.making.begin(client.ObjectKeyFromObject(v.set))()
	}
	return each(ctx, r.options.Writes, missing, func(ctx context.Context, application *v1alpha1.Application) (*v1alpha1.Application, error) {
		made := application.DeepCopy()
		err := v.writer.Create(ctx, made)
		if apierrors.IsAlreadyExists(err) { // the cache didn't have it yet: compare with it the next time
			v.hurry.Store(true)
			return nil, nil
		}
		return made, err
	})
}

func (r *Reconciler) delete(ctx context.Context, v *visit, gone []*v1alpha1.Application, now map[string]*v1alpha1.Application) error {
	deleted, err := each(ctx, r.options.Writes, gone, func(ctx context.Context, application *v1alpha1.Application) (*v1alpha1.Application, error) {
		application, err := r.release(ctx, v, application)
		if err != nil {
			return nil, err
		}
		// The very application that was looked at: one that somebody made anew under the same name is another.
		err = v.writer.Delete(ctx, application, client.Preconditions{UID: &application.UID})
		return application, client.IgnoreNotFound(err)
	})
	for _, application := range deleted {
		r.event(v, application, "Deleted", "Delete", "Deleted Application %q", application.Name)
		if len(application.Finalizers) == 0 {
			delete(now, application.Name)
		}
	}
	return err
}

// release takes the finalizer that would wait for ever for a cluster that is no longer registered.
func (r *Reconciler) release(ctx context.Context, v *visit, application *v1alpha1.Application) (*v1alpha1.Application, error) {
	if !slices.Contains(application.Finalizers, v1alpha1.ResourcesFinalizer) {
		return application, nil
	}
	complaint, err := r.destination(ctx, v1alpha1.ApplicationDestination{Server: application.Spec.Destination.Server, Name: application.Spec.Destination.Name})
	if complaint == nil || err != nil {
		return application, err
	}
	released := application.DeepCopy()
	released.Finalizers = slices.DeleteFunc(released.Finalizers, func(f string) bool { return f == v1alpha1.ResourcesFinalizer })
	if err := v.writer.Patch(ctx, released, client.MergeFrom(application)); err != nil {
		return nil, fmt.Errorf("error updating finalizers: %w", err)
	}
	r.event(v, application, "Updated", "Update", "Updated Application %q finalizer before deletion, because application has an invalid destination", application.Name)
	return released, nil
}

// note takes applications for what there is now.
func note(now map[string]*v1alpha1.Application, changed []*v1alpha1.Application) {
	for _, application := range changed {
		now[application.Name] = application
	}
}

// tell makes events of what was done to applications.
func (r *Reconciler) tell(v *visit, done string, applications []*v1alpha1.Application) {
	for i, application := range applications {
		if i == maxEvents {
			r.event(v, nil, done, done, "%s %d more Applications", done, len(applications)-i)
			break
		}
		r.event(v, application, done, done, "%s Application %q", done, application.Name)
	}
	if len(applications) > 0 {
		r.log.Info("applications "+done, "namespace", v.set.Namespace, "applicationset", v.set.Name, "count", len(applications))
	}
}

// event tells of an application. It is named as related, for events that differ in their text alone count as one.
func (r *Reconciler) event(v *visit, about *v1alpha1.Application, reason, action, format string, args ...any) {
	var related runtime.Object
	if about != nil {
		related = about
	}
	r.recorder.Eventf(v.set, related, corev1.EventTypeNormal, reason, action, format, args...)
}

// each does something with all items, some at a time, and gives what came of those that went well, by name. The error is that
// of the first item, by its place, that failed: the others are done nevertheless.
func each[T any](ctx context.Context, limit int, items []T, do func(context.Context, T) (*v1alpha1.Application, error)) ([]*v1alpha1.Application, error) {
	results, errs := make([]*v1alpha1.Application, len(items)), make([]error, len(items))
	var workers sync.WaitGroup
	next := make(chan int)
	for range min(limit, len(items)) {
		workers.Go(func() {
			for i := range next {
				results[i], errs[i] = do(ctx, items[i])
			}
		})
	}
	for i := range items {
		next <- i
	}
	close(next)
	workers.Wait()
	var done []*v1alpha1.Application
	var first error
	for i := range items {
		switch {
		case errs[i] != nil && first == nil:
			first = errs[i]
		case errs[i] == nil && results[i] != nil:
			done = append(done, results[i])
		}
	}
	sort.Slice(done, func(i, j int) bool { return done[i].Name < done[j].Name })
	return done, first
}

// shortly is the wait for a cache that lags behind.
const shortly = 200 * time.Millisecond
