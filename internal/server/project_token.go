package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"k8s.io/client-go/util/retry"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/protocol"
)

// maxTokenLife bounds a token's life: what is longer can't be said in a duration.
const maxTokenLife = int64(100 * 365 * 24 * 60 * 60)

func (s *Server) createProjectToken(ctx context.Context, c *call, q *protocol.ProjectTokenCreateRequest) (*protocol.ProjectTokenResponse, error) {
	var signed string
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found, role, err := s.projectRole(ctx, c, q.Project, q.Role)
		if err != nil {
			return err
		}
		if role == nil {
			return fail(connect.CodeNotFound, fmt.Errorf("project '%s' does not have role '%s'", q.Project, q.Role))
		}
		project.NormalizeTokens(found)
		id := q.ID
		if id == "" {
			id = uuid.NewString()
		}
		if slices.ContainsFunc(role.JWTTokens, func(t argo.JWTToken) bool { return t.ID == id }) {
			return invalid(fmt.Sprintf("Token id '%s' has been used. ", id))
		}
		if q.ExpiresIn < 0 || q.ExpiresIn > maxTokenLife {
			return invalid("expiresIn is no number of seconds that a token may live")
		}
		var listed argo.JWTToken
		if signed, listed, err = s.options.Login.SignRole(ctx, q.Project, q.Role, id, time.Duration(q.ExpiresIn)*time.Second); err != nil {
			return err
		}
		role.JWTTokens = append(role.JWTTokens, listed)
		project.NormalizeTokens(found)
		if err := s.options.Client.Update(ctx, found); err != nil {
			return err
		}
		s.tellOfProject(ctx, c, found, reasonCreated, "created token")
		return s.seen(ctx, found)
	})
	if err != nil {
		return nil, err
	}
	return &protocol.ProjectTokenResponse{Token: signed}, nil
}

func (s *Server) deleteProjectToken(ctx context.Context, c *call, q *protocol.ProjectTokenDeleteRequest) (*protocol.ProjectResponse, error) {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found, role, err := s.projectRole(ctx, c, q.Project, q.Role)
		if err != nil || role == nil {
			return err
		}
		project.NormalizeTokens(found)
		if !project.RemoveToken(found, q.Role, q.IssuedAt, q.ID) {
			return nil
		}
		if err := s.options.Client.Update(ctx, found); err != nil {
			return err
		}
		s.tellOfProject(ctx, c, found, reasonDeleted, "deleted token")
		return s.seen(ctx, found)
	})
	if err != nil {
		return nil, err
	}
	return &protocol.ProjectResponse{}, nil
}

// projectRole finds a role, of which the caller wants to change the tokens: as somebody who may update the project, or as a
// member of a group that has the role. The role is nil if the project has none of that name.
func (s *Server) projectRole(ctx context.Context, c *call, name, roleName string) (*argo.AppProject, *argo.ProjectRole, error) {
	denied := c.allow(name)
	found, err := s.project(ctx, name)
	if err != nil {
		if denied != nil {
			return nil, nil, denied
		}
		return nil, nil, err
	}
	role := project.Role(found, roleName)
	if denied != nil && (role == nil || !s.isMember(ctx, c, role)) {
		return nil, nil, denied
	}
	if err := validateProject(found); err != nil {
		return nil, nil, fmt.Errorf("error validating project: %w", err)
	}
	return found, role, nil
}

func (s *Server) isMember(ctx context.Context, c *call, role *argo.ProjectRole) bool {
	policy, err := s.policies.current(ctx)
	if err != nil || !c.loggedIn {
		return false
	}
	return slices.ContainsFunc(c.identity.Groups(policy.Scopes()), func(group string) bool { return slices.Contains(role.Groups, group) })
}
