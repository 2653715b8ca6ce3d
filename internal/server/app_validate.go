package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"k8s.io/apimachinery/pkg/api/equality"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/dependency"
	"fairlead.dev/fairlead/internal/project"
)

// managedByAnnotation is the URL of another Argo CD that an application's links lead to.
const managedByAnnotation = "argocd.argoproj.io/managed-by-url"

// validate checks an application's spec, and brings it into the form in which it is kept: that its project permits it, that its
// cluster is known and, if asked for, that its sources can be rendered. The texts are upstream's. What needs the network
// comes last: nobody makes the hub reach a repository that a project doesn't permit.
func (s *Server) validate(ctx context.Context, app *argo.Application, sources bool) error {
	if app.Name == "" {
		return invalid("resource name may not be empty")
	}
	normalize(&app.Spec)
	if err := checkSources(app); err != nil {
		return err
	}
	destination, err := s.options.Settings.Destination(ctx, app.Spec.Destination)
	if err != nil {
		return invalid(fmt.Sprintf("application destination spec for %s is invalid: %v", app.Name, err))
	}
	complaints := sourceComplaints(app.Spec)
	if len(complaints) == 0 {
		bounds, err := s.bounds(ctx, app.Spec.ProjectName())
		if err != nil {
			return fmt.Errorf("reading project '%s': %w", app.Spec.ProjectName(), err)
		}
		complaints = project.Check(bounds, app.Spec.NamedSources(), project.Destination{
			Server: destination.Server, Name: destination.Name, Namespace: app.Spec.Destination.Namespace,
			Scope: destination.Project, ByName: app.Spec.Destination.Name != "",
		})
	}
	complaint, err := dependency.Check(app, s.applicationNamed(ctx))
	if err != nil {
		return err
	}
	if complaint != "" {
		complaints = append(complaints, complaint)
	}
	if managed := app.Annotations[managedByAnnotation]; managed != "" {
		if u, err := url.Parse(managed); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			complaints = append(complaints, "invalid managed-by URL: it must be an http or https address")
		}
	}
	if len(complaints) == 0 && sources {
		if complaints, err = s.sourcesRender(ctx, app); err != nil {
			return err
		}
	}
	if len(complaints) == 0 {
		return nil
	}
	return invalid(fmt.Sprintf("application spec for %s is invalid: InvalidSpecError: %s", app.Name, strings.Join(complaints, ";InvalidSpecError: ")))
}

// normalize takes out of a spec what says nothing, as upstream does: who tries out parameters of a source and takes them back
// has the spec of before.
func normalize(spec *argo.ApplicationSpec) {
	spec.Project = spec.ProjectName()
	if spec.SyncPolicy != nil && equality.Semantic.DeepEqual(*spec.SyncPolicy, argo.SyncPolicy{}) {
		spec.SyncPolicy = nil
	}
	tidy := func(source *argo.ApplicationSource) {
		if source.Kustomize != nil && equality.Semantic.DeepEqual(*source.Kustomize, argo.ApplicationSourceKustomize{}) {
			source.Kustomize = nil
		}
		if source.Helm != nil && equality.Semantic.DeepEqual(*source.Helm, argo.ApplicationSourceHelm{}) {
			source.Helm = nil
		}
		if source.Directory != nil && equality.Semantic.DeepEqual(*source.Directory, argo.ApplicationSourceDirectory{}) {
			source.Directory = nil
		}
	}
	for i := range spec.Sources {
		tidy(&spec.Sources[i])
	}
	if spec.Source != nil {
		tidy(spec.Source)
	}
	if h := spec.SourceHydrator; h != nil {
		dry := h.Dry()
		tidy(&dry)
		h.DrySource.Helm, h.DrySource.Kustomize, h.DrySource.Directory = dry.Helm, dry.Kustomize, dry.Directory
	}
}

// checkSources refuses what can't be meant.
func checkSources(app *argo.Application) error {
	names := map[string]bool{}
	for _, source := range app.Spec.NamedSources() {
		if source.Name != "" && names[source.Name] && app.Spec.HasSeveralSources() {
			return invalid(fmt.Sprintf("application %s has duplicate source name: %s", app.Name, source.Name))
		}
		names[source.Name] = true
		var types []string
		for kind, given := range map[string]bool{
			"Kustomize": source.Kustomize != nil, "Helm": source.Helm != nil, "Directory": source.Directory != nil, "Plugin": source.Plugin != nil,
		} {
			if given {
				types = append(types, kind)
			}
		}
		if slices.Sort(types); len(types) > 1 {
			return invalid("error validating the repo: error verifying source type: multiple application sources defined: " + strings.Join(types, ","))
		}
	}
	return nil
}

// sourceComplaints is what of an application's sources is missing.
func sourceComplaints(spec argo.ApplicationSpec) []string {
	if spec.SourceHydrator != nil {
		return spec.SourceHydrator.Complaints()
	}
	sources, several := spec.AllSources(), spec.HasSeveralSources()
	if len(sources) == 0 {
		sources = argo.ApplicationSources{{}}
	}
	for _, source := range sources {
		switch {
		case several && (source.RepoURL == "" || source.Path == "" && source.Chart == "" && source.Ref == ""):
			return []string{fmt.Sprintf("spec.source.repoURL and either source.path, source.chart, or source.ref are required for source %s", source.RepoURL)}
		case !several && (source.RepoURL == "" || source.Path == "" && source.Chart == ""):
			return []string{"spec.source.repoURL and either spec.source.path or spec.source.chart are required"}
		case source.Chart != "" && source.TargetRevision == "":
			return []string{"spec.source.targetRevision is required if the manifest source is a helm chart"}
		}
	}
	return nil
}

// sourcesRender says why an application's sources can't be reached or rendered.
func (s *Server) sourcesRender(ctx context.Context, app *argo.Application) ([]string, error) {
	if s.options.Sources == nil {
		return nil, nil
	}
	sources := app.Spec.DrySources() // the branch that is deployed may not exist yet
	for _, source := range sources {
		if source.Chart != "" {
			continue
		}
		if _, err := s.options.Sources.Resolve(ctx, app.Spec.ProjectName(), source, ""); err != nil {
			return []string{fmt.Sprintf("repository not accessible: repositories not accessible: %s: %v", source.RepoURL, err)}, interrupted(err)
		}
	}
	if s.options.Manifests == nil {
		return nil, nil
	}
	if _, err := s.options.Manifests.Render(ctx, app, nil); err != nil {
		// Files that a pattern doesn't match yet may come later, which a comparison tells.
		if strings.Contains(err.Error(), "matched no files") {
			return nil, nil
		}
		return []string{fmt.Sprintf("Unable to generate manifests in %s: %v", sources[0].Path, err)}, interrupted(err)
	}
	return nil, nil
}

// interrupted is the error of a call that ended too early to say anything of a spec.
func interrupted(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fail(connect.CodeDeadlineExceeded, fmt.Errorf("checking the sources took too long: try again, or don't validate: %w", err))
	case errors.Is(err, context.Canceled):
		return fail(connect.CodeCanceled, err)
	}
	return nil
}
