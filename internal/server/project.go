package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/project"
	projectlive "fairlead.dev/fairlead/internal/project/live"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/syncwindow"
)

func (s *Server) listProjects(ctx context.Context, c *call, _ *protocol.ProjectQuery) (*argo.AppProjectList, error) {
	var all argo.AppProjectList
	if err := s.options.Client.List(ctx, &all, client.InNamespace(s.options.Namespace)); err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	check := c.filter()
	all.Items = slices.DeleteFunc(all.Items, func(p argo.AppProject) bool { return check(p.Name) != access.Allowed })
	if all.Items == nil {
		all.Items = []argo.AppProject{}
	}
	slices.SortFunc(all.Items, func(a, b argo.AppProject) int { return strings.Compare(a.Name, b.Name) })
	return &all, nil
}

func (s *Server) project(ctx context.Context, name string) (*argo.AppProject, error) {
	project := &argo.AppProject{}
	if err := s.options.Live.Get(ctx, client.ObjectKey{Namespace: s.options.Namespace, Name: name}, project); err != nil {
		return nil, err
	}
	return project, nil
}

func (s *Server) getProject(ctx context.Context, c *call, q *protocol.ProjectQuery) (*argo.AppProject, error) {
	if err := c.allow(q.Name); err != nil {
		return nil, err
	}
	found, err := s.project(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	project.NormalizeTokens(found)
	return found, nil
}

// projects finds projects with what they inherit.
func (s *Server) projects() projectlive.Source {
	return projectlive.Source{Reader: s.options.Client, ConfigMaps: s.options.Settings, Namespace: s.options.Namespace}
}

// globalProjects are those that the caller's project inherits from, whether the caller may see them otherwise or not.
func (s *Server) globalProjects(ctx context.Context, c *call, q *protocol.ProjectQuery) (*protocol.GlobalProjectsResponse, error) {
	found, err := s.getProject(ctx, c, q)
	if err != nil {
		return nil, err
	}
	globals, err := s.projects().Globals(ctx, found)
	if err != nil {
		return nil, err
	}
	return &protocol.GlobalProjectsResponse{Items: globals}, nil
}

// detailedProject is a project with all that comes from elsewhere.
func (s *Server) detailedProject(ctx context.Context, c *call, q *protocol.ProjectQuery) (*protocol.DetailedProjectsResponse, error) {
	found, err := s.getProject(ctx, c, q)
	if err != nil {
		return nil, err
	}
	globals, err := s.projects().Globals(ctx, found)
	if err != nil {
		return nil, err
	}
	answer := &protocol.DetailedProjectsResponse{GlobalProjects: globals, Project: project.Inherit(found, globals...)}
	kept, err := s.keptRepositories(ctx, readStore)
	if err != nil {
		return nil, err
	}
	for i := range kept {
		if kept[i].Project == q.Name {
			answer.Repositories = append(answer.Repositories, shown(&kept[i].Repository))
		}
	}
	_, clusters, err := s.options.Settings.ScopedTo(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	counts := s.applicationCounts(ctx)
	for _, cluster := range clusters {
		one := s.toCluster(ctx, cluster, counts)
		answer.Clusters = append(answer.Clusters, &one)
	}
	return answer, nil
}

func (s *Server) createProject(ctx context.Context, c *call, q *protocol.ProjectCreateRequest) (*argo.AppProject, error) {
	if q.Project == nil || q.Project.Name == "" {
		return nil, invalid("missing payload 'project' in request")
	}
	desired := q.Project
	desired.Namespace = s.options.Namespace
	if err := c.allow(desired.Name); err != nil {
		return nil, err
	}
	project.NormalizePolicies(desired)
	if err := validateProject(desired); err != nil {
		return nil, fmt.Errorf("error validating project: %w", err)
	}
	desired.ResourceVersion, desired.UID, desired.Status = "", "", argo.AppProjectStatus{}
	created := desired.DeepCopy()
	err := s.options.Client.Create(ctx, created)
	if err == nil {
		s.tellOfProject(ctx, c, created, reasonCreated, "created project")
		return created, s.seen(ctx, created)
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("creating project '%s': %w", desired.Name, err)
	}
	existing, err := s.project(ctx, desired.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case equality.Semantic.DeepEqual(existing.Spec, desired.Spec):
		return existing, nil
	case !q.Upsert:
		return nil, differentSpec("project", differentFields(existing.Spec, desired.Spec))
	}
	if err := c.require(access.Projects, access.Update, desired.Name); err != nil {
		return nil, err
	}
	if err := s.requireBounds(ctx, c, existing, desired); err != nil {
		return nil, err
	}
	existing.Spec = desired.Spec
	if err := s.options.Client.Update(ctx, existing); err != nil {
		return nil, fmt.Errorf("writing project '%s': %w", desired.Name, err)
	}
	s.tellOfProject(ctx, c, existing, reasonCreated, "created project")
	return existing, s.seen(ctx, existing)
}

// validateProject tells what is wrong with a project, with upstream's words and codes.
func validateProject(p *argo.AppProject) error {
	err := project.Validate(p, syncwindow.Validate)
	var fault *project.Fault
	if errors.As(err, &fault) {
		return fail(map[project.FaultKind]connect.Code{
			project.Malformed: connect.CodeInvalidArgument, project.Duplicate: connect.CodeAlreadyExists, project.Incomplete: connect.CodeOutOfRange,
		}[fault.Kind], fault)
	}
	if err != nil {
		return err
	}
	var roles []access.ProjectRole
	for _, role := range p.Spec.Roles {
		roles = append(roles, access.ProjectRole{Name: role.Name, Policies: role.Policies, Groups: role.Groups})
	}
	_, problems, err := access.Compile(access.Config{Projects: map[string]string{p.Name: access.ProjectPolicy(p.Name, roles)}})
	if err == nil && len(problems) > 0 {
		err = problems[0]
	}
	if err != nil {
		return invalid("policy syntax error: " + err.Error())
	}
	return nil
}

func (s *Server) deleteProject(ctx context.Context, c *call, q *protocol.ProjectQuery) (*protocol.ProjectResponse, error) {
	if err := c.allow(q.Name); err != nil {
		return nil, err
	}
	if q.Name == argo.DefaultProject {
		return nil, invalid(fmt.Sprintf("name '%s' is reserved and cannot be deleted", q.Name))
	}
	found, err := s.project(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	if count := len(s.projectApplications(ctx, q.Name)); count > 0 {
		return nil, invalid(fmt.Sprintf("project is referenced by %d applications", count))
	}
	if err := s.options.Client.Delete(ctx, found); err != nil {
		return nil, fmt.Errorf("deleting project '%s': %w", q.Name, err)
	}
	s.tellOfProject(ctx, c, found, reasonDeleted, "deleted project")
	return &protocol.ProjectResponse{}, s.gone(ctx, found)
}

// projectApplications are the applications of a project, in all namespaces that are served. They must not be changed.
func (s *Server) projectApplications(ctx context.Context, name string) []*argo.Application {
	var apps []*argo.Application
	for _, app := range s.servedApps(ctx) {
		if app.Spec.ProjectName() == name {
			apps = append(apps, app)
		}
	}
	return apps
}

// listProjectEvents lists the hub's events of a project.
func (s *Server) listProjectEvents(ctx context.Context, c *call, q *protocol.ProjectQuery) (*protocol.EventList, error) {
	found, err := s.getProject(ctx, c, q)
	if err != nil {
		return nil, err
	}
	var events corev1.EventList
	// Past the cache: a cache of all events would be for this call alone.
	if err := s.options.Live.List(ctx, &events, client.InNamespace(s.options.Namespace), client.Limit(maxEvents)); err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	list := &protocol.EventList{Metadata: events.ListMeta, Items: []protocol.Event{}}
	for i := range events.Items {
		if e := &events.Items[i]; e.InvolvedObject.Name == found.Name && e.InvolvedObject.UID == found.UID {
			list.Items = append(list.Items, toEvent(e))
		}
	}
	return list, nil
}
