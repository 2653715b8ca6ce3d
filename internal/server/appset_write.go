package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/protocol"
)

// permitSet sees that the caller may create a set like this one, in all projects that its templates name. What is a template
// itself can't be permitted.
func (s *Server) permitSet(ctx context.Context, c *call, set *argo.ApplicationSet) error {
	set.Namespace = s.setKey(set.Namespace, "").Namespace
	if !s.serves(ctx, set.Namespace) {
		return errNamespace(set.Namespace)
	}
	projects := appset.Projects(set)
	for _, project := range projects {
		if strings.Contains(project, "{{") {
			return errors.New("error validating ApplicationSets: the Argo CD API does not currently support creating ApplicationSets with templated `project` fields")
		}
	}
	if err := appset.CheckGenerators(set); err != nil {
		return fmt.Errorf("error validating ApplicationSets: %w", err)
	}
	refusal := fmt.Sprintf("error checking create permissions for ApplicationSets %s ", set.Name)
	for _, project := range projects {
		c.checked = true
		if err := c.require(access.ApplicationSets, access.Create, s.setObject(set, project)); err != nil {
			return nested(refusal, err)
		}
		if _, err := s.project(ctx, project); apierrors.IsNotFound(err) || project == "" {
			return nested(refusal, invalid(fmt.Sprintf("ApplicationSet references project %s which does not exist", project)))
		} else if err != nil {
			return nested(refusal, fmt.Errorf("error getting ApplicationSet's project %q: %w", project, err))
		}
	}
	return nil
}

func (s *Server) createSet(ctx context.Context, c *call, q *protocol.ApplicationSetCreateRequest) (*argo.ApplicationSet, error) {
	set := q.Applicationset
	if set == nil {
		return nil, errors.New("error creating ApplicationSets: ApplicationSets is nil in request")
	}
	given := set.Namespace
	if err := s.permitSet(ctx, c, set); err != nil {
		return nil, err
	}
	if q.DryRun {
		applications, err := s.applicationsOf(ctx, set)
		if err != nil {
			return nil, err
		}
		made := make([]*argo.Application, len(applications))
		for i := range applications {
			made[i] = &applications[i]
		}
		appset.Operator{}.SetResources(set, made)
		set.Namespace = given
		return set, nil
	}
	// The status is the controller's.
	set.Status, set.ResourceVersion, set.UID = argo.ApplicationSetStatus{}, "", ""
	desired := set.DeepCopy()
	err := s.options.Client.Create(ctx, set)
	switch {
	case err == nil:
		s.tellOfSet(ctx, c, set, reasonCreated, "created ApplicationSet")
		s.awaitSet(ctx, set)
		return set, nil
	case !apierrors.IsAlreadyExists(err):
		return nil, fmt.Errorf("error creating ApplicationSet: %w", err)
	}
	existing := &argo.ApplicationSet{}
	if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(desired), existing); err != nil {
		return nil, fail(connect.CodeInternal, fmt.Errorf("unable to check existing ApplicationSet details: %w", err))
	}
	if equality.Semantic.DeepEqual(existing.Spec, desired.Spec) && maps.Equal(existing.Labels, desired.Labels) &&
		maps.Equal(existing.Annotations, desired.Annotations) && slices.Equal(existing.Finalizers, desired.Finalizers) {
		return existing, c.allow(s.setObject(existing, existing.Spec.Template.Spec.Project))
	}
	if !q.Upsert {
		return nil, invalid("existing ApplicationSet spec is different, use upsert flag to force update")
	}
	return s.replaceSet(ctx, c, existing, desired)
}

// replaceSet writes a set anew. Who does it must be allowed to update both what it was and what it becomes.
func (s *Server) replaceSet(ctx context.Context, c *call, existing, desired *argo.ApplicationSet) (*argo.ApplicationSet, error) {
	for attempt := 0; ; attempt++ {
		for _, project := range slices.Concat(appset.Projects(existing), appset.Projects(desired)) {
			if err := c.require(access.ApplicationSets, access.Update, s.setObject(desired, project)); err != nil {
				return nil, err
			}
		}
		existing.Spec, existing.Finalizers = desired.Spec, desired.Finalizers
		existing.Labels, existing.Annotations = merged(existing.Labels, desired.Labels), merged(existing.Annotations, desired.Annotations)
		err := s.options.Client.Update(ctx, existing)
		switch {
		case err == nil:
			s.tellOfSet(ctx, c, existing, reasonUpdated, "updated ApplicationSets spec")
			s.awaitSet(ctx, existing)
			return existing, nil
		case !apierrors.IsConflict(err):
			return nil, fmt.Errorf("error updating ApplicationSets: %w", err)
		case attempt == maxConflicts:
			//lint:ignore ST1005 Argo CD's text
			return nil, fail(connect.CodeInternal, errors.New("Failed to update ApplicationSets. Too many conflicts"))
		}
		fresh := &argo.ApplicationSet{}
		if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(desired), fresh); err != nil {
			return nil, fmt.Errorf("error getting ApplicationSets: %w", err)
		}
		existing = fresh
	}
}

func (s *Server) deleteSet(ctx context.Context, c *call, q *protocol.ApplicationSetDeleteRequest) (*protocol.ApplicationSetResponse, error) {
	key := s.setKey(q.AppsetNamespace, q.Name)
	if !s.serves(ctx, key.Namespace) {
		return nil, errNamespace(key.Namespace)
	}
	set := &argo.ApplicationSet{}
	if err := s.options.Live.Get(ctx, key, set); err != nil {
		return nil, s.hiddenSet(c, fmt.Errorf("error getting ApplicationSets: %w", err))
	}
	if err := s.allowSet(c, set); err != nil {
		return nil, err
	}
	// Its applications may be in the projects of its generators' templates, too.
	for _, project := range appset.Projects(set)[1:] {
		if err := c.require(access.ApplicationSets, access.Delete, s.setObject(set, project)); err != nil {
			return nil, err
		}
	}
	if err := s.options.Client.Delete(ctx, set, client.Preconditions{UID: &set.UID}); err != nil {
		return nil, fmt.Errorf("error deleting ApplicationSets: %w", err)
	}
	s.tellOfSet(ctx, c, set, reasonDeleted, "deleted ApplicationSets")
	return &protocol.ApplicationSetResponse{}, nil
}

// tellOfSet records what the caller did to an application set.
func (s *Server) tellOfSet(ctx context.Context, c *call, set *argo.ApplicationSet, reason, action string) {
	s.tell(ctx, c, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: set.Namespace},
		InvolvedObject: involved(argo.GroupVersion.WithKind(appset.Kind), set), Reason: reason, Message: action,
	})
}

// awaitSet waits a moment until lists know of a set that was just written, as awaitApp does.
func (s *Server) awaitSet(ctx context.Context, set *argo.ApplicationSet) {
	_ = wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, cacheTimeout, true, func(ctx context.Context) (bool, error) {
		var seen argo.ApplicationSet
		err := s.options.Client.Get(ctx, client.ObjectKeyFromObject(set), &seen)
		return err == nil && !newer(set.ResourceVersion, seen.ResourceVersion), nil
	})
}
