package application

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/syncwindow"
)

// validate finds the project and the destination, and sees that the one permits the other.
func (r *Reconciler) validate(ctx context.Context, v *visit) error {
	spec := v.app.Spec
	sources := spec.AllSources()
	invalid := func(format string, args ...any) error {
		message := fmt.Sprintf(format, args...)
		v.condition(v1alpha1.ApplicationConditionInvalidSpecError, "%s", message)
		v.session.share("", spec.ProjectName(), sources)
		return stop{message}
	}
	if len(sources) == 0 {
		return invalid("spec.source is missing: name the repository and path of the manifests")
	}
	if h := spec.SourceHydrator; h != nil {
		if complaints := h.Complaints(); len(complaints) > 0 {
			return invalid("%s", strings.Join(complaints, "; "))
		}
		v.condition(v1alpha1.ApplicationConditionHydrationWarning, "%s", hydrationWarning)
	}
	for _, source := range sources {
		if source.RepoURL == "" {
			return invalid("spec.source.repoURL is missing")
		}
		if source.Path == "" && source.Chart == "" && source.Ref == "" {
			return invalid("spec.source.path or spec.source.chart is missing")
		}
		if source.IsChart() && source.TargetRevision == "" {
			return invalid("spec.source.targetRevision is required if the manifest source is a helm chart")
		}
	}
	if complaint, err := r.checkDependencies(ctx, v); err != nil {
		return err
	} else if complaint != "" {
		return invalid("%s", complaint)
	}
	name := spec.ProjectName()
	bounds, err := r.projects.Project(ctx, name)
	if apierrors.IsNotFound(err) {
		return invalid("Application referencing project %s which does not exist", name)
	}
	if err != nil {
		return fmt.Errorf("reading project %s: %w", name, err)
	}
	d := spec.Destination
	v.project, v.windows = bounds, syncwindow.Matching(bounds.Spec.SyncWindows, v.app.Name, d)
	destination, err := r.settings.Destination(ctx, d)
	if err != nil {
		return invalid("%v", err)
	}
	v.destination = destination
	if v.session.moved(destination.Server) {
		r.clusters.Release(v.instance, destination.Server)
	}
	v.session.share(destination.Server, name, sources)
	complaints := project.Check(v.project, spec.NamedSources(), project.Destination{
		Server: destination.Server, Name: destination.Name, Namespace: d.Namespace, Scope: destination.Project, ByName: d.Name != "",
	})
	if v.app.Namespace != r.options.Namespace && !permitsNamespace(v.project, v.app.Namespace) {
		complaints = append(complaints, fmt.Sprintf("application '%s' in namespace '%s' is not allowed to use project '%s'", v.app.Name, v.app.Namespace, name))
	}
	if len(complaints) > 0 {
		return invalid("%s", strings.Join(complaints, "; "))
	}
	return nil
}

// hydrationWarning is told of applications that are deployed from what somebody renders.
const hydrationWarning = "deployed from spec.sourceHydrator.syncSource, to which this version of Fairlead writes nothing: render the dry source there with a program of your own"

func permitsNamespace(p *v1alpha1.AppProject, namespace string) bool {
	for _, pattern := range p.Spec.SourceNamespaces {
		if project.Glob(pattern, namespace, 0) {
			return true
		}
	}
	return false
}

// connect reaches the destination.
func (r *Reconciler) connect(ctx context.Context, v *visit) error {
	c, err := r.clusters.Get(ctx, v.destination)
	if err != nil {
		return err
	}
	v.cluster = recording{Cluster: observed{Cluster: c, r: r, namespace: v.app.Namespace, project: v.app.Spec.ProjectName(), server: v.destination.Server}, session: v.session}
	return nil
}
