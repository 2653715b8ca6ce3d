package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

func (s *Server) updateProject(ctx context.Context, c *call, q *protocol.ProjectUpdateRequest) (*argo.AppProject, error) {
	if q.Project == nil {
		return nil, invalid("missing payload 'project' in request")
	}
	if err := c.allow(q.Project.Name); err != nil {
		return nil, err
	}
	desired := q.Project
	project.NormalizePolicies(desired)
	project.NormalizeTokens(desired)
	if err := validateProject(desired); err != nil {
		return nil, err
	}
	existing, err := s.project(ctx, desired.Name)
	if err != nil {
		return nil, err
	}
	if err := s.requireBounds(ctx, c, existing, desired); err != nil {
		return nil, err
	}
	if err := s.keepsApplications(ctx, existing, desired); err != nil {
		return nil, err
	}
	if desired.ResourceVersion != "" {
		existing.ResourceVersion = desired.ResourceVersion // who read it earlier must not undo what came between
	}
	existing.Spec, existing.Status = desired.Spec, desired.Status
	existing.Labels, existing.Annotations, existing.Finalizers = desired.Labels, desired.Annotations, desired.Finalizers
	if err := s.options.Client.Update(ctx, existing); err != nil {
		return nil, fmt.Errorf("writing project '%s': %w", desired.Name, err)
	}
	s.tellOfProject(ctx, c, existing, reasonUpdated, "updated project")
	return existing, s.seen(ctx, existing)
}

// requireBounds checks that the caller may give, or take, the clusters, repositories and kinds that a project gets or loses.
func (s *Server) requireBounds(ctx context.Context, c *call, before, after *argo.AppProject) error {
	clusters, err := s.options.Settings.Clusters(ctx)
	if err != nil {
		return err
	}
	for _, d := range changed(destinations(before), destinations(after)) {
		if err := c.requireClusters(d, clusters); err != nil {
			return err
		}
	}
	for _, repository := range changed(before.Spec.SourceRepos, after.Spec.SourceRepos) {
		if err := c.require(access.Repositories, access.Update, repository); err != nil {
			return err
		}
	}
	kinds := func(p *argo.AppProject) []any {
		return []any{
			p.Spec.ClusterResourceWhitelist, p.Spec.ClusterResourceBlacklist, p.Spec.NamespaceResourceWhitelist, p.Spec.NamespaceResourceBlacklist,
		}
	}
	if equality.Semantic.DeepEqual(kinds(before), kinds(after)) {
		return nil
	}
	for _, d := range destinations(after) {
		if err := c.requireClusters(d, clusters); err != nil {
			return err
		}
	}
	return nil
}

// destinations are the clusters of a project's destinations, by server or by name. (Upstream looks at no destination that has a
// name only, so that by their names a project can be given all clusters.)
func destinations(p *argo.AppProject) []argo.ApplicationDestination {
	var all []argo.ApplicationDestination
	for _, d := range p.Spec.Destinations {
		one := argo.ApplicationDestination{Server: d.Server}
		if d.Server == "" {
			one.Name = d.Name
		}
		all = append(all, one)
	}
	return all
}

// requireClusters checks that the caller may update the clusters of a destination. A name stands for those that have it, and, as
// itself, for those that may come.
func (c *call) requireClusters(d argo.ApplicationDestination, clusters []settings.Cluster) error {
	if d.Name == "" {
		return c.require(access.Clusters, access.Update, d.Server)
	}
	known := false
	for _, cluster := range clusters {
		if !project.Glob(d.Name, cluster.Name, 0) {
			continue
		}
		known = true
		if err := c.require(access.Clusters, access.Update, cluster.Server); err != nil {
			return err
		}
	}
	if !known || strings.ContainsAny(d.Name, `*?[]{}\`) {
		return c.require(access.Clusters, access.Update, d.Name)
	}
	return nil
}

// changed is what only one of two lists has.
func changed[T comparable](a, b []T) []T {
	var only []T
	for _, pair := range [][2][]T{{a, b}, {b, a}} {
		for _, word := range pair[0] {
			if !slices.Contains(pair[1], word) && !slices.Contains(only, word) {
				only = append(only, word)
			}
		}
	}
	return only
}

// keepsApplications refuses what would make applications invalid that are valid now.
func (s *Server) keepsApplications(ctx context.Context, before, after *argo.AppProject) error {
	sources, destinations := 0, 0
	for _, app := range s.projectApplications(ctx, before.Name) {
		for _, source := range app.Spec.NamedSources() {
			if project.PermitsSource(before, source.RepoURL) && !project.PermitsSource(after, source.RepoURL) {
				sources++
				break
			}
		}
		address := app.Spec.Destination.Server
		if address == "" {
			address = app.Spec.Destination.Name
		}
		cluster, err := s.options.Settings.Cluster(ctx, address)
		if err != nil {
			continue // an application without a cluster is invalid anyway
		}
		permits := func(p *argo.AppProject) bool {
			d := project.Destination{Server: cluster.Server, Name: cluster.Name, Namespace: app.Spec.Destination.Namespace, Scope: cluster.Project}
			return len(project.Check(p, nil, d)) == 0
		}
		if permits(before) && !permits(after) {
			destinations++
		}
	}
	var parts []string
	if sources > 0 {
		parts = append(parts, fmt.Sprintf("%d applications source became invalid", sources))
	}
	if destinations > 0 {
		parts = append(parts, fmt.Sprintf("%d applications destination became invalid", destinations))
	}
	if len(parts) > 0 {
		return invalid("as a result of project update " + strings.Join(parts, " and "))
	}
	return nil
}
