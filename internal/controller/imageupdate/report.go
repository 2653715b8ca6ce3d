package imageupdate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/imagepolicy"
)

// The conditions of an Application that are this controller's. Others are left alone, and so must these be by others.
const (
	// ConditionError says what keeps image updates from being written, and what to do.
	ConditionError argo.ApplicationConditionType = "ImageUpdateError"
	// ConditionTakenBack says that a person took a version back in Git, and that it is left out for that.
	ConditionTakenBack argo.ApplicationConditionType = "ImageUpdateTakenBack"
)

// maxMessage bounds a condition's message, in bytes.
const maxMessage = 2000

// report writes the conditions, events and metrics of the round. problem is what went wrong with the destination as a whole.
func (r *Reconciler) report(ctx context.Context, rd *round, problem error) error {
	var errs []error
	for _, c := range rd.apps {
		if problem != nil && c.policy != nil {
			c.errs = append(c.errs, fmt.Errorf("updating the images of application %s: %w", c.app.Name, problem))
		}
		r.count(c)
		r.tell(c)
		if err := r.condition(ctx, c); err != nil {
			errs = append(errs, err)
		}
		// The problem is returned by itself, once.
		if problem != nil && c.policy != nil {
			c.errs = nil
		}
	}
	return errors.Join(errs...)
}

// tell emits Kubernetes Events: for each update, and for an error that the condition doesn't say already.
func (r *Reconciler) tell(c *candidate) {
	if r.deps.Recorder == nil {
		return
	}
	if text := c.errorText(); text != "" && !hasCondition(c.app, ConditionError, shorten(text)) {
		r.deps.Recorder.Eventf(c.app, nil, corev1.EventTypeWarning, string(ConditionError), "UpdateImages", "%s", shorten(text))
	}
	for _, change := range c.written() {
		where := "in its source"
		if c.commit != "" {
			where = fmt.Sprintf("in commit %.8s", c.commit)
		}
		r.deps.Recorder.Eventf(c.app, nil, corev1.EventTypeNormal, "ImagesUpdated", "UpdateImages", "updated image %s from '%s' to '%s' %s",
			change.Repository, change.From.Label(), change.To.Label(), where)
	}
}

// written are the changes that have arrived.
func (c *candidate) written() []imagepolicy.Change {
	if !c.done {
		return nil
	}
	return c.changes
}

// condition brings the Application's conditions of our types to what the round found. It changes only them: it starts from
// the newest status, and gives way to whoever writes at the same time.
func (r *Reconciler) condition(ctx context.Context, c *candidate) error {
	want := map[argo.ApplicationConditionType]string{}
	if text := c.errorText(); text != "" {
		want[ConditionError] = shorten(text)
	}
	var taken []string
	for i, p := range c.picks {
		if p.decision.Outcome == imagepolicy.TakenBack {
			taken = append(taken, fmt.Sprintf("image %s: %s", c.policy.Images[i].Repository, p.decision.Reason))
		}
	}
	if len(taken) > 0 {
		want[ConditionTakenBack] = shorten(strings.Join(taken, "\n"))
	}
	err := r.setConditions(ctx, c.app, want)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the conditions of application %s: %w", c.app.Name, err)
	}
	return nil
}

// withdraw clears the conditions of an Application that asks for no image updates any more.
func (r *Reconciler) withdraw(ctx context.Context, destination Destination) error {
	if destination.Application == "" {
		return nil
	}
	var app argo.Application
	err := r.client.Get(ctx, client.ObjectKey{Namespace: destination.Namespace, Name: destination.Application}, &app)
	if apierrors.IsNotFound(err) || err == nil && imagepolicy.Concerns(&app) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading application %s: %w", destination.Application, err)
	}
	return client.IgnoreNotFound(r.setConditions(ctx, &app, nil))
}

func (r *Reconciler) setConditions(ctx context.Context, app *argo.Application, want map[argo.ApplicationConditionType]string) error {
	key := client.ObjectKeyFromObject(app)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		var newest argo.Application
		if err := r.client.Get(ctx, key, &newest); err != nil {
			return err
		}
		before := newest.DeepCopy()
		if !merge(&newest, want, metav1.NewTime(r.deps.Clock.Now())) {
			return nil
		}
		return r.client.Patch(ctx, &newest, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
}

// merge sets, changes and removes the conditions of our types, and tells whether that changed anything.
func merge(app *argo.Application, want map[argo.ApplicationConditionType]string, now metav1.Time) bool {
	changed := false
	for _, kind := range []argo.ApplicationConditionType{ConditionError, ConditionTakenBack} {
		message, wanted := want[kind]
		at := slices.IndexFunc(app.Status.Conditions, func(c argo.ApplicationCondition) bool { return c.Type == kind })
		switch {
		case at < 0 && !wanted || at >= 0 && wanted && app.Status.Conditions[at].Message == message:
			continue
		case at < 0:
			app.Status.Conditions = append(app.Status.Conditions, argo.ApplicationCondition{Type: kind, Message: message, LastTransitionTime: &now})
		case wanted:
			app.Status.Conditions[at].Message = message
		default:
			app.Status.Conditions = slices.Delete(app.Status.Conditions, at, at+1)
		}
		changed = true
	}
	return changed
}

func hasCondition(app *argo.Application, kind argo.ApplicationConditionType, message string) bool {
	return slices.ContainsFunc(app.Status.Conditions, func(c argo.ApplicationCondition) bool {
		return c.Type == kind && c.Message == message
	})
}

func shorten(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}
