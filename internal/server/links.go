package server

import (
	"context"
	"fmt"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/deeplink"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// applicationLinks are the deep links beside an application.
func (s *Server) applicationLinks(ctx context.Context, c *call, q *protocol.ListAppLinksRequest) (*protocol.LinksResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.Namespace, q.Project})
	if err != nil {
		return nil, err
	}
	subject, err := s.linkSubject(ctx, app)
	if err != nil {
		return nil, err
	}
	// Upstream shows an application's links only the application and the cluster.
	delete(subject, deeplink.Project)
	if subject[deeplink.ManagedByURL] == nil {
		config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
		if err != nil {
			return nil, err
		}
		if config["url"] != "" {
			subject[deeplink.ManagedByURL] = config["url"]
		}
	}
	return s.links(ctx, deeplink.ApplicationLinks, app.Name, subject)
}

// resourceLinks are the deep links beside an object of an application. They see of a Secret what its reader sees.
func (s *Server) resourceLinks(ctx context.Context, c *call, q *protocol.ApplicationResourceRequest) (*protocol.LinksResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	object, _, err := s.liveObject(ctx, app, requestedRef(q))
	if err != nil {
		return nil, err
	}
	masker, err := s.masker(ctx)
	if err != nil {
		return nil, err
	}
	subject, err := s.linkSubject(ctx, app)
	if err != nil {
		return nil, err
	}
	subject[deeplink.Resource] = masker.show(object).Object
	return s.links(ctx, deeplink.ResourceLinks, object.GetName(), subject)
}

// projectLinks are the deep links beside a project.
func (s *Server) projectLinks(ctx context.Context, c *call, q *protocol.ListProjectLinksRequest) (*protocol.LinksResponse, error) {
	if err := c.allow(q.Name); err != nil {
		return nil, err
	}
	found, err := s.project(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	shown, err := projectShown(found)
	if err != nil {
		return nil, err
	}
	return s.links(ctx, deeplink.ProjectLinks, q.Name, deeplink.Subject{deeplink.Project: shown})
}

// links are those of a key of argocd-cm. What can't be evaluated is left out and logged, as upstream does.
func (s *Server) links(ctx context.Context, key, name string, subject deeplink.Subject) (*protocol.LinksResponse, error) {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return nil, err
	}
	links, err := deeplink.Parse(config[key])
	if err != nil {
		return nil, fmt.Errorf("failed to read application deep links from configmap: %w", err)
	}
	shown, err := deeplink.Evaluate(links, subject)
	if err != nil {
		s.options.Logger.Warn("Some deep links can't be shown; see "+key+" of argocd-cm", "name", name, "error", err)
	}
	answer := &protocol.LinksResponse{}
	for _, link := range shown {
		answer.Items = append(answer.Items, &protocol.LinkInfo{Title: link.Title, URL: link.URL, Description: link.Description, IconClass: link.IconClass})
	}
	return answer, nil
}

// linkSubject is an application with its cluster and project. Where there is no such cluster, the two are left out.
func (s *Server) linkSubject(ctx context.Context, app *argo.Application) (deeplink.Subject, error) {
	shown, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		return nil, fmt.Errorf("error getting application: %w", err)
	}
	subject := deeplink.Subject{deeplink.Application: shown, deeplink.ShortApplication: shown}
	if managed, err := url.Parse(app.Annotations[managedByAnnotation]); err == nil && managed.Host != "" && (managed.Scheme == "http" || managed.Scheme == "https") {
		subject[deeplink.ManagedByURL] = managed.String()
	}
	destination, err := s.options.Settings.Destination(ctx, app.Spec.Destination)
	if err != nil {
		return subject, nil
	}
	bounds, err := s.bounds(ctx, app.Spec.ProjectName())
	if apierrors.IsNotFound(err) {
		return subject, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading project '%s': %w", app.Spec.ProjectName(), err)
	}
	permitted := project.PermitsDestination(bounds, project.Destination{
		Server: destination.Server, Name: destination.Name, Namespace: app.Spec.Destination.Namespace, Scope: destination.Project,
	})
	if !permitted {
		return nil, precondition("error getting destination cluster")
	}
	subject[deeplink.Cluster] = clusterShown(destination)
	if subject[deeplink.Project], err = projectShown(bounds); err != nil {
		return nil, err
	}
	return subject, nil
}

// projectShown is a project without what its roles' tokens are known by.
func projectShown(p *argo.AppProject) (map[string]any, error) {
	p = p.DeepCopy()
	p.Status = argo.AppProjectStatus{}
	shown, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p)
	if err != nil {
		return nil, fmt.Errorf("error getting project: %w", err)
	}
	return shown, nil
}

// clusterShown is a cluster without how it is reached.
func clusterShown(c settings.Cluster) map[string]any {
	shown := map[string]any{"server": c.Server, "name": c.Name}
	if len(c.Namespaces) > 0 {
		shown["namespaces"] = c.Namespaces
	}
	if c.Shard != nil {
		shown["shard"] = *c.Shard
	}
	if c.Project != "" {
		shown["project"] = c.Project
	}
	if len(c.Labels) > 0 {
		shown["labels"] = c.Labels
	}
	if len(c.Annotations) > 0 {
		shown["annotations"] = c.Annotations
	}
	return shown
}
