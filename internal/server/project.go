package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
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
	return s.project(ctx, q.Name)
}

func (s *Server) createProject(ctx context.Context, c *call, q *protocol.ProjectCreateRequest) (*argo.AppProject, error) {
	if q.Project == nil || q.Project.Name == "" {
		return nil, invalid("missing payload 'project' in request")
	}
	project := q.Project
	project.Namespace = s.options.Namespace
	if err := c.allow(project.Name); err != nil {
		return nil, err
	}
	if err := validateProject(project); err != nil {
		return nil, err
	}
	project.ResourceVersion, project.UID, project.Status = "", "", argo.AppProjectStatus{}
	desired := project.DeepCopy()
	err := s.options.Client.Create(ctx, project)
	if err == nil {
		return project, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("creating project '%s': %w", desired.Name, err)
	}
	existing, err := s.project(ctx, desired.Name)
	if err != nil {
		return nil, err
	}
	if equality.Semantic.DeepEqual(existing.Spec, desired.Spec) {
		return existing, nil
	}
	if !q.Upsert {
		return nil, invalid("existing project spec is different; use upsert flag to force update")
	}
	if err := c.require(access.Projects, access.Update, desired.Name); err != nil {
		return nil, err
	}
	return s.writeProject(ctx, existing, desired)
}

func (s *Server) updateProject(ctx context.Context, c *call, q *protocol.ProjectUpdateRequest) (*argo.AppProject, error) {
	if q.Project == nil {
		return nil, invalid("missing payload 'project' in request")
	}
	if err := c.allow(q.Project.Name); err != nil {
		return nil, err
	}
	if err := validateProject(q.Project); err != nil {
		return nil, err
	}
	existing, err := s.project(ctx, q.Project.Name)
	if err != nil {
		return nil, err
	}
	if q.Project.ResourceVersion != "" {
		existing.ResourceVersion = q.Project.ResourceVersion // who read it earlier must not undo what came between
	}
	return s.writeProject(ctx, existing, q.Project)
}

func (s *Server) writeProject(ctx context.Context, existing, desired *argo.AppProject) (*argo.AppProject, error) {
	existing.Spec = desired.Spec
	existing.Labels, existing.Annotations = desired.Labels, desired.Annotations
	existing.Finalizers = desired.Finalizers
	if err := s.options.Client.Update(ctx, existing); err != nil {
		return nil, fmt.Errorf("writing project '%s': %w", desired.Name, err)
	}
	return existing, nil
}

// validateProject checks the policies of a project's roles: each must be about the role, and about the project's things.
func validateProject(project *argo.AppProject) error {
	for _, w := range project.Spec.SyncWindows {
		if w == nil {
			continue
		}
		if err := syncwindow.Validate(w); err != nil {
			return invalid(err.Error())
		}
	}
	var roles []access.ProjectRole
	for _, role := range project.Spec.Roles {
		roles = append(roles, access.ProjectRole{Name: role.Name, Policies: role.Policies, Groups: role.Groups})
		subject := "proj:" + project.Name + ":" + role.Name
		for _, policy := range role.Policies {
			fields := strings.Split(policy, ",")
			for i := range fields {
				fields[i] = strings.TrimSpace(fields[i])
			}
			if len(fields) < 5 || fields[0] != "p" || fields[1] != subject || strings.Contains(policy, "\n") {
				return invalid(fmt.Sprintf("invalid policy rule '%s': must be of the form: 'p, %s, RESOURCE, ACTION, %s/OBJECT, allow or deny'",
					policy, subject, project.Name))
			}
			if object := fields[4]; !strings.HasPrefix(object, project.Name+"/") {
				return invalid(fmt.Sprintf("invalid policy rule '%s': object must be of form '%s/*', '%s[/<NAMESPACE>]/<APPNAME>' or '%s/<APPNAME>'",
					policy, project.Name, project.Name, project.Name))
			}
		}
	}
	_, problems, err := access.Compile(access.Config{Projects: map[string]string{project.Name: access.ProjectPolicy(project.Name, roles)}})
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
	project, err := s.project(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	var apps argo.ApplicationList
	if err := s.options.Client.List(ctx, &apps, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the applications of project '%s': %w", q.Name, err)
	}
	count := 0
	for i := range apps.Items {
		if apps.Items[i].Spec.ProjectName() == q.Name {
			count++
		}
	}
	if count > 0 {
		return nil, invalid(fmt.Sprintf("project is referenced by %d applications", count))
	}
	if err := s.options.Client.Delete(ctx, project); err != nil {
		return nil, fmt.Errorf("deleting project '%s': %w", q.Name, err)
	}
	return &protocol.ProjectResponse{}, nil
}
