package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
)

func (s *Server) createApp(ctx context.Context, c *call, q *protocol.ApplicationCreateRequest) (*argo.Application, error) {
	if q.Application == nil {
		return nil, invalid("error creating application: application is nil in request")
	}
	app := q.Application
	if app.Namespace == "" {
		app.Namespace = s.options.Namespace
	}
	if err := c.allow(s.object(app)); err != nil {
		return nil, err
	}
	if err := s.permitProject(ctx, app); err != nil {
		return nil, err
	}
	if !s.serves(ctx, app.Namespace) {
		return nil, fail(connect.CodePermissionDenied, fmt.Errorf("namespace '%s' is not permitted", app.Namespace))
	}
	if err := s.validate(ctx, app, q.Validate == nil || *q.Validate); err != nil {
		return nil, nested("error while validating and normalizing app", err)
	}
	// What is to be synced is asked for by Sync, with the permission for it; the status is the controller's.
	app.Operation, app.Status, app.ResourceVersion, app.UID = nil, argo.ApplicationStatus{}, "", ""
	desired := app.DeepCopy()
	err := s.options.Client.Create(ctx, app)
	if err == nil {
		s.tellOfApp(ctx, c, app, reasonCreated, "created application")
		s.awaitApp(ctx, app)
		return app, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("error creating application: %w", err)
	}
	existing := &argo.Application{}
	if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(desired), existing); err != nil {
		return nil, fmt.Errorf("unable to check existing application details (%s): %w", desired.Namespace, err)
	}
	keepDependencies(&desired.Spec, existing.Spec)
	if equality.Semantic.DeepEqual(existing.Spec, desired.Spec) && maps.Equal(existing.Labels, desired.Labels) &&
		maps.Equal(existing.Annotations, desired.Annotations) && slices.Equal(existing.Finalizers, desired.Finalizers) {
		return existing, nil
	}
	if !q.Upsert {
		return nil, invalid("existing application spec is different, use upsert flag to force update")
	}
	return s.replaceApp(ctx, c, existing, desired, true)
}

func (s *Server) updateApp(ctx context.Context, c *call, q *protocol.ApplicationUpdateRequest) (*argo.Application, error) {
	if q.Application == nil {
		return nil, invalid("error updating application: application is nil in request")
	}
	existing, err := s.app(ctx, c, appRef{q.Application.Name, q.Application.Namespace, q.Project})
	if err != nil {
		return nil, err
	}
	keepDependencies(&q.Application.Spec, existing.Spec)
	return s.validateAndReplace(ctx, c, existing, q.Application, q.Validate == nil || *q.Validate)
}

func (s *Server) updateAppSpec(ctx context.Context, c *call, q *protocol.ApplicationUpdateSpecRequest) (*argo.ApplicationSpec, error) {
	if q.Spec == nil {
		return nil, invalid("error updating application spec: spec is nil in request")
	}
	existing, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	desired := existing.DeepCopy()
	desired.Spec = *q.Spec
	keepDependencies(&desired.Spec, existing.Spec)
	updated, err := s.validateAndReplace(ctx, c, existing, desired, q.Validate == nil || *q.Validate)
	if err != nil {
		return nil, err
	}
	return &updated.Spec, nil
}

// maxPatchSteps bounds the operations of a JSON patch, and maxCopied what they copy, in bytes: each copy can double the rest.
// Kubernetes' API server has the same bounds.
const maxPatchSteps, maxCopied = 10_000, 3 << 20

func init() { jsonpatch.AccumulatedCopySizeLimit = maxCopied }

func (s *Server) patchApp(ctx context.Context, c *call, q *protocol.ApplicationPatchRequest) (*argo.Application, error) {
	existing, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(existing)
	if err != nil {
		return nil, err
	}
	var after []byte
	switch q.PatchType {
	case "json", "":
		patch, decodeErr := jsonpatch.DecodePatch([]byte(q.Patch))
		if decodeErr == nil && len(patch) > maxPatchSteps {
			decodeErr = fmt.Errorf("it has %d operations, more than %d", len(patch), maxPatchSteps)
		}
		if decodeErr != nil {
			return nil, invalid(fmt.Sprintf("error decoding json patch: %v", decodeErr))
		}
		after, err = patch.Apply(before)
	case "merge":
		after, err = jsonpatch.MergePatch(before, []byte(q.Patch))
	default:
		return nil, invalid(fmt.Sprintf("Patch type '%s' is not supported", q.PatchType))
	}
	if err != nil {
		return nil, invalid(fmt.Sprintf("error applying patch: %v", err))
	}
	desired := &argo.Application{}
	if err := json.Unmarshal(after, desired); err != nil {
		return nil, invalid(fmt.Sprintf("error unmarshaling patched app: %v", err))
	}
	if desired.Name != existing.Name || desired.Namespace != existing.Namespace {
		return nil, invalid("a patch can't change an application's name or namespace")
	}
	return s.validateAndReplace(ctx, c, existing, desired, true)
}

// validateAndReplace checks a new state of an application before it takes the old one's place. An application that moves
// to another project needs the permission to be created there.
func (s *Server) validateAndReplace(ctx context.Context, c *call, existing, desired *argo.Application, sources bool) (*argo.Application, error) {
	desired.Namespace = existing.Namespace
	// Nobody learns of another project's bounds, or reaches its repositories, without being let into it.
	if err := s.mayReplace(c, existing, desired); err != nil {
		return nil, err
	}
	if err := s.permitProject(ctx, desired); err != nil {
		return nil, err
	}
	if err := s.validate(ctx, desired, sources); err != nil {
		return nil, nested("error validating and normalizing app", err)
	}
	return s.replaceApp(ctx, c, existing, desired, false)
}

// replaceApp writes spec, labels, annotations and finalizers of the desired state; status and operation stay. merge adds
// labels and annotations to those that are there.
func (s *Server) replaceApp(ctx context.Context, c *call, existing, desired *argo.Application, merge bool) (*argo.Application, error) {
	err := s.change(ctx, existing, "error updating application", func() error {
		if err := s.mayReplace(c, existing, desired); err != nil {
			return err
		}
		existing.Spec = *desired.Spec.DeepCopy()
		if merge {
			existing.Labels = merged(existing.Labels, desired.Labels)
			existing.Annotations = merged(existing.Annotations, desired.Annotations)
		} else {
			existing.Labels, existing.Annotations = desired.Labels, desired.Annotations
		}
		existing.Finalizers = desired.Finalizers
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.tellOfApp(ctx, c, existing, reasonUpdated, "updated application spec")
	s.awaitApp(ctx, existing)
	return existing, nil
}

// mayReplace checks the permission on the application as it is, each time that it is read anew, and as it is to be.
func (s *Server) mayReplace(c *call, existing, desired *argo.Application) error {
	if err := c.require(access.Applications, access.Update, s.object(existing)); err != nil {
		return err
	}
	if existing.Spec.ProjectName() == desired.Spec.ProjectName() {
		return nil
	}
	for _, action := range []string{access.Create, access.Update} {
		if err := c.require(access.Applications, action, s.object(desired)); err != nil {
			return err
		}
	}
	return nil
}

func merged(into, from map[string]string) map[string]string {
	all := maps.Clone(into)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, from)
	return all
}

func (s *Server) deleteApp(ctx context.Context, c *call, q *protocol.ApplicationDeleteRequest) (*protocol.ApplicationResponse, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	finalizers, err := deletionFinalizers(app, q)
	if err != nil {
		return nil, err
	}
	if app.DeletionTimestamp == nil && !slices.Equal(finalizers, app.Finalizers) {
		err := s.change(ctx, app, "error patching application with finalizers", func() (err error) {
			app.Finalizers, err = deletionFinalizers(app, q)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if err := s.options.Client.Delete(ctx, app, client.Preconditions{UID: &app.UID}); err != nil {
		return nil, fmt.Errorf("error deleting application: %w", err)
	}
	s.tellOfApp(ctx, c, app, reasonDeleted, "deleted application")
	return &protocol.ApplicationResponse{}, nil
}

// deletionFinalizers are those with which an application is deleted as asked: with what it manages, or without.
func deletionFinalizers(app *argo.Application, q *protocol.ApplicationDeleteRequest) ([]string, error) {
	cascade := q.Cascade == nil || *q.Cascade
	if !cascade && q.PropagationPolicy != "" {
		return nil, invalid("cannot set propagation policy when cascading is disabled")
	}
	wanted := ""
	switch strings.ToLower(q.PropagationPolicy) {
	case "":
		wanted = argo.ResourcesFinalizer
	case "foreground":
		wanted = argo.ForegroundResourcesFinalizer
	case "background":
		wanted = argo.BackgroundResourcesFinalizer
	default:
		return nil, invalid("invalid propagation policy: " + q.PropagationPolicy)
	}
	if cascade && slices.Contains(app.Finalizers, wanted) {
		return app.Finalizers, nil
	}
	finalizers := slices.DeleteFunc(slices.Clone(app.Finalizers), func(f string) bool {
		return strings.HasPrefix(f, argo.ResourcesFinalizer)
	})
	if cascade {
		finalizers = append(finalizers, wanted)
	}
	return finalizers, nil
}
