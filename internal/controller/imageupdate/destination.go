package imageupdate

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/imagepolicy"
)

// Destination is what one round is about: a branch of a deployment repository with the credentials to write to it, or, where
// choices are written into the Application itself, that one Application.
type Destination struct {
	// Repository is the clone URL in the form of event.NormalizeURL; empty for an Application.
	Repository string
	// Branch is the branch whose content counts; empty means the default branch.
	Branch string
	// Secret names credentials of the applications' own.
	Secret imagepolicy.SecretRef
	// Project is the applications' where that has credentials of its own for the repository: what one project may write to,
	// another's applications must not. It is empty where the operator's credentials count, and one commit is for all.
	Project string
	// Namespace and Application are only set without Repository.
	Namespace, Application string
}

// String is for logs.
func (d Destination) String() string {
	if d.Repository == "" {
		return "application " + d.Namespace + "/" + d.Application
	}
	if d.Branch == "" {
		return d.Repository
	}
	return d.Repository + " branch " + d.Branch
}

func (r *Reconciler) destination(ctx context.Context, app *argo.Application) Destination {
	w := imagepolicy.Destination(app, r.options.Namespace)
	if w.Method != imagepolicy.WriteToGit {
		return Destination{Namespace: app.Namespace, Application: app.Name}
	}
	d := Destination{Repository: event.NormalizeURL(w.Repository), Branch: w.Base, Secret: w.Secret}
	// Credentials that can't be found are told in the round.
	if remote, err := r.deps.Remote(ctx, w.Repository, app.Spec.ProjectName()); err == nil {
		d.Project = remote.Scope
	}
	return d
}

// sameToUs tells whether two states of an Application are the same as far as image updates go. The application controller
// writes statuses often; most of them say nothing to us.
func sameToUs(a, b *argo.Application) bool {
	if len(a.Annotations) != len(b.Annotations) || (a.DeletionTimestamp == nil) != (b.DeletionTimestamp == nil) {
		return false
	}
	for key, value := range a.Annotations {
		if other, ok := b.Annotations[key]; key != argo.RefreshAnnotation && (!ok || other != value) {
			return false
		}
	}
	return a.Spec.ProjectName() == b.Spec.ProjectName() && equality.Semantic.DeepEqual(a.Spec.AllSources(), b.Spec.AllSources()) &&
		a.Status.SourceType == b.Status.SourceType &&
		equality.Semantic.DeepEqual(a.Status.SourceTypes, b.Status.SourceTypes) &&
		equality.Semantic.DeepEqual(a.Status.Summary.Images, b.Status.Summary.Images)
}
