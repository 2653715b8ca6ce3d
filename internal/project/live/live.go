// Package live finds a project as its applications see it: with what it inherits from global projects.
//
// What a project permits is internal/project's. Start with Source.
package live

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/settings"
)

// ConfigMaps reads the hub's configuration; *settings/live.Source is one.
type ConfigMaps interface {
	ConfigMap(ctx context.Context, name string) (map[string]string, error)
}

// Scoped knows the repositories and clusters that belong to one project; ConfigMaps may be one.
type Scoped interface {
	ScopedTo(ctx context.Context, project string) ([]settings.Repository, []settings.Cluster, error)
}

// Source reads projects from the hub.
type Source struct {
	// Reader should be a cache of AppProjects.
	Reader client.Reader
	// ConfigMaps may be nil: then there are no global projects.
	ConfigMaps ConfigMaps
	// Namespace is the hub's.
	Namespace string
}

// Project is a project with what it inherits, and with its own repositories and clusters among those that it permits. The error is the API server's not-found if there is none. A global project
// that doesn't exist gives nothing.
func (s Source) Project(ctx context.Context, name string) (*v1alpha1.AppProject, error) {
	p := &v1alpha1.AppProject{}
	if err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, p); err != nil {
		return nil, err
	}
	if scoped, ok := s.ConfigMaps.(Scoped); ok {
		repositories, clusters, err := scoped.ScopedTo(ctx, name)
		if err != nil {
			return nil, err
		}
		permitOwn(p, repositories, clusters)
	}
	globals, err := s.Globals(ctx, p)
	if err != nil {
		return nil, err
	}
	return project.Inherit(p, globals...), nil
}

// permitOwn lets a project's applications use what belongs to the project alone.
func permitOwn(p *v1alpha1.AppProject, repositories []settings.Repository, clusters []settings.Cluster) {
	for _, r := range repositories {
		p.Spec.SourceRepos = append(p.Spec.SourceRepos, r.URL)
	}
	for _, c := range clusters {
		namespaces := c.Namespaces
		if len(namespaces) == 0 {
			namespaces = []string{"*"}
		}
		for _, namespace := range namespaces {
			p.Spec.Destinations = append(p.Spec.Destinations, v1alpha1.ApplicationDestination{Server: c.Server, Namespace: namespace})
		}
	}
}

// Heirs are the names of the projects that inherit from one.
func (s Source) Heirs(ctx context.Context, name string) ([]string, error) {
	entries, err := s.entries(ctx)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(entry project.Global) bool { return entry.ProjectName != name })
	if len(entries) == 0 {
		return nil, nil
	}
	var all v1alpha1.AppProjectList
	if err := s.Reader.List(ctx, &all, client.InNamespace(s.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	var heirs []string
	for _, p := range all.Items {
		if slices.ContainsFunc(entries, func(entry project.Global) bool { return entry.Concerns(&p) }) {
			heirs = append(heirs, p.Name)
		}
	}
	return heirs, nil
}

// Globals are the projects that a project inherits from.
func (s Source) Globals(ctx context.Context, p *v1alpha1.AppProject) ([]*v1alpha1.AppProject, error) {
	entries, err := s.entries(ctx)
	if err != nil {
		return nil, err
	}
	var globals []*v1alpha1.AppProject
	for _, entry := range entries {
		if !entry.Concerns(p) {
			continue
		}
		global := &v1alpha1.AppProject{}
		switch err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: entry.ProjectName}, global); {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, err
		default:
			globals = append(globals, global)
		}
	}
	return globals, nil
}

// entries are argocd-cm's globalProjects.
func (s Source) entries(ctx context.Context) ([]project.Global, error) {
	if s.ConfigMaps == nil {
		return nil, nil
	}
	config, err := s.ConfigMaps.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil || config["globalProjects"] == "" {
		return nil, err
	}
	return project.ParseGlobals(config["globalProjects"])
}
