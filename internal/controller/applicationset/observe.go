package applicationset

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/settings/live"
)

// observe finds the applications that there are.
func (r *Reconciler) observe(ctx context.Context, v *visit) (bool, error) {
	wanted := make(map[string]bool, len(v.generated))
	for i := range v.generated {
		wanted[v.generated[i].Name] = true
	}
	return true, r.list(ctx, v, wanted)
}

// list reads the applications that the set owns, and those of the given names. They are the cache's own: not to be changed.
func (r *Reconciler) list(ctx context.Context, v *visit, names map[string]bool) error {
	var all v1alpha1.ApplicationList
	if err := r.client.List(ctx, &all, client.InNamespace(v.set.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the applications of application set %s/%s: %w", v.set.Namespace, v.set.Name, err)
	}
	v.live = map[string]*v1alpha1.Application{}
	for i := range all.Items {
		if application := &all.Items[i]; names[application.Name] || appset.Owns(v.set, application) {
			v.live[application.Name] = application
		}
	}
	return nil
}

// owned are the applications that the set made, of those that are live.
func (v *visit) owned() []*v1alpha1.Application {
	var owned []*v1alpha1.Application
	for _, application := range v.live {
		if appset.Owns(v.set, application) {
			owned = append(owned, application)
		}
	}
	return owned
}

// check finds what is wrong with what was generated. The rest goes on without.
func (r *Reconciler) check(ctx context.Context, v *visit) (bool, error) {
	v.problems = appset.Check(v.set, v.generated)
	projects, destinations := map[string]error{}, map[v1alpha1.ApplicationDestination]error{}
	for i := range v.generated {
		application := &v.generated[i]
		if v.problems[application.Name] != nil {
			continue
		}
		name, destination := application.Spec.Project, application.Spec.Destination
		if _, known := projects[name]; !known {
			err := r.client.Get(ctx, client.ObjectKey{Namespace: r.options.Namespace, Name: name}, &v1alpha1.AppProject{})
			if err != nil && !apierrors.IsNotFound(err) {
				return false, fmt.Errorf("reading project %s: %w", name, err)
			}
			if projects[name] = nil; name == "" || err != nil {
				projects[name] = fmt.Errorf("application references project %s which does not exist", name)
			}
		}
		place := v1alpha1.ApplicationDestination{Server: destination.Server, Name: destination.Name}
		if _, known := destinations[place]; !known {
			complaint, err := r.destination(ctx, place)
			if err != nil {
				return false, err
			}
			destinations[place] = complaint
		}
		if complaint := cmp.Or(projects[name], destinations[place]); complaint != nil {
			v.problems[application.Name] = complaint
		}
	}
	if len(v.problems) > 0 {
		v.outcome.Reason, v.outcome.Error = v1alpha1.ApplicationSetReasonApplicationValidationError, shortened(v.problems.String())
		v.after = sooner(v.after, r.options.Retry)
	}
	return true, nil
}

// destination tells what is wrong with one; an error is that nobody knows.
func (r *Reconciler) destination(ctx context.Context, d v1alpha1.ApplicationDestination) (complaint, err error) {
	const invalid = "application destination spec is invalid: "
	switch {
	case d.Server != "" && d.Name != "":
		return fmt.Errorf(invalid+"application destination can't have both name and server defined: %s %s", d.Name, d.Server), nil
	case d.Server == "" && d.Name == "":
		return errors.New(invalid + "destination server missing from app spec"), nil
	}
	var unknown *live.UnknownClusterError
	switch _, err := r.settings.Cluster(ctx, d.Server+d.Name); {
	case err == nil:
		return nil, nil
	case !errors.As(err, &unknown):
		return nil, err
	case d.Name != "":
		return fmt.Errorf(invalid+"unable to find destination server: there are no clusters with this name: %s", d.Name), nil
	}
	return fmt.Errorf(invalid+"error getting cluster by server %q: rpc error: code = NotFound desc = cluster %q not found", d.Server, d.Server), nil
}
