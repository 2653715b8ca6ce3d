// Package live finds a project as its applications see it: with what it inherits from global projects.
//
// What a project permits is internal/project's. Start with Source.
package live

import (
	"context"

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

// Source reads projects from the hub.
type Source struct {
	// Reader should be a cache of AppProjects.
	Reader client.Reader
	// ConfigMaps may be nil: then there are no global projects.
	ConfigMaps ConfigMaps
	// Namespace is the hub's.
	Namespace string
}

// Project is a project with what it inherits. The error is the API server's not-found if there is none. A global project
// that doesn't exist gives nothing.
func (s Source) Project(ctx context.Context, name string) (*v1alpha1.AppProject, error) {
	p := &v1alpha1.AppProject{}
	if err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, p); err != nil {
		return nil, err
	}
	globals, err := s.Globals(ctx, p)
	if err != nil {
		return nil, err
	}
	return project.Inherit(p, globals...), nil
}

// Globals are the projects that a project inherits from.
func (s Source) Globals(ctx context.Context, p *v1alpha1.AppProject) ([]*v1alpha1.AppProject, error) {
	if s.ConfigMaps == nil {
		return nil, nil
	}
	config, err := s.ConfigMaps.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil || config["globalProjects"] == "" {
		return nil, err
	}
	entries, err := project.ParseGlobals(config["globalProjects"])
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
