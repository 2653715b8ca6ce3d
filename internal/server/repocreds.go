package server

import (
	"context"
	"fmt"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// keptTemplate is a credential template that has a Secret.
type keptTemplate struct {
	// secret is a copy, and may be changed.
	secret *corev1.Secret
	protocol.RepoCreds
}

func (s *Server) keptTemplates(ctx context.Context, store repositoryStore) ([]keptTemplate, error) {
	secrets, err := s.secretsOf(ctx, store.templateType)
	if err != nil {
		return nil, err
	}
	kept := make([]keptTemplate, 0, len(secrets))
	for i := range secrets {
		one := keptTemplate{secret: secrets[i].DeepCopy()}
		if err := readSecret(one.secret, templateFields(&one.RepoCreds)); err != nil {
			s.options.Logger.WarnContext(ctx, "a credential template can't be read", "error", err)
		}
		// Repositories spell two keys otherwise, and so do people.
		for key, field := range map[string]*string{
			"azureServicePrincipalClientId": &one.AzureServicePrincipalClientID, "azureServicePrincipalTenantId": &one.AzureServicePrincipalTenantID,
		} {
			if *field == "" {
				*field = string(one.secret.Data[key])
			}
		}
		kept = append(kept, one)
	}
	return kept, nil
}

// findTemplate finds the template with exactly that URL; nil if there is none. (Upstream takes the longest one that begins the
// URL, so that who deletes a template by a mistyped URL deletes another one.)
func (s *Server) findTemplate(ctx context.Context, store repositoryStore, url string) (*keptTemplate, error) {
	kept, err := s.keptTemplates(ctx, store)
	if err != nil {
		return nil, err
	}
	for i := range kept {
		if settings.SameURL(kept[i].URL, url) {
			return &kept[i], nil
		}
	}
	return nil, nil
}

func (s *Server) listTemplates(store repositoryStore) func(context.Context, *call, *protocol.RepoCredsQuery) (*protocol.RepoCredsList, error) {
	return func(ctx context.Context, c *call, _ *protocol.RepoCredsQuery) (*protocol.RepoCredsList, error) {
		check := c.filter()
		kept, err := s.keptTemplates(ctx, store)
		if err != nil {
			return nil, err
		}
		list := &protocol.RepoCredsList{Items: []protocol.RepoCreds{}}
		for _, one := range kept {
			if check(one.URL) == access.Allowed {
				list.Items = append(list.Items, protocol.RepoCreds{
					URL: publicURL(one.URL), Username: one.Username, Type: one.Type, EnableOCI: one.EnableOCI,
				})
			}
		}
		return list, nil
	}
}

func (s *Server) createTemplate(store repositoryStore) func(context.Context, *call, *protocol.RepoCredsCreateRequest) (*protocol.RepoCreds, error) {
	return func(ctx context.Context, c *call, q *protocol.RepoCredsCreateRequest) (*protocol.RepoCreds, error) {
		if q.Creds == nil {
			return nil, errNoPayload
		}
		if err := c.allow(q.Creds.URL); err != nil {
			return nil, err
		}
		if q.Creds.URL == "" {
			return nil, invalid("must specify URL")
		}
		if err := s.ofNoProject(ctx, q.Creds.URL, ""); err != nil {
			return nil, err
		}
		existing, err := s.findTemplate(ctx, store, q.Creds.URL)
		if err != nil {
			return nil, err
		}
		if existing == nil {
			err := s.keepTemplate(ctx, store, nil, q.Creds)
			if apierrors.IsAlreadyExists(err) {
				return nil, fail(connect.CodeAlreadyExists, fmt.Errorf("%s %q already exists", store.templateKind, publicURL(q.Creds.URL)))
			}
			return &protocol.RepoCreds{URL: publicURL(q.Creds.URL)}, err
		}
		keys := differentFields(existing.RepoCreds, *q.Creds)
		switch {
		case len(keys) == 0:
			return &protocol.RepoCreds{URL: publicURL(q.Creds.URL)}, nil
		case !q.Upsert:
			return nil, differentSpec("repository credentials", keys)
		}
		if err := c.require(c.row.permission.resource, access.Update, q.Creds.URL); err != nil {
			return nil, err
		}
		return &protocol.RepoCreds{URL: publicURL(q.Creds.URL)}, s.keepTemplate(ctx, store, existing.secret, q.Creds)
	}
}

func (s *Server) updateTemplate(store repositoryStore) func(context.Context, *call, *protocol.RepoCredsUpdateRequest) (*protocol.RepoCreds, error) {
	return func(ctx context.Context, c *call, q *protocol.RepoCredsUpdateRequest) (*protocol.RepoCreds, error) {
		if q.Creds == nil {
			return nil, errNoPayload
		}
		if err := c.allow(q.Creds.URL); err != nil {
			return nil, err
		}
		existing, err := s.findTemplate(ctx, store, q.Creds.URL)
		if err != nil {
			return nil, err
		}
		if existing == nil {
			return nil, noTemplate(store, q.Creds.URL)
		}
		return &protocol.RepoCreds{URL: publicURL(q.Creds.URL)}, s.keepTemplate(ctx, store, existing.secret, q.Creds)
	}
}

func (s *Server) deleteTemplate(store repositoryStore) func(context.Context, *call, *protocol.RepoCredsDeleteRequest) (*protocol.RepoCredsResponse, error) {
	return func(ctx context.Context, c *call, q *protocol.RepoCredsDeleteRequest) (*protocol.RepoCredsResponse, error) {
		if err := c.allow(q.URL); err != nil {
			return nil, err
		}
		existing, err := s.findTemplate(ctx, store, q.URL)
		if err != nil {
			return nil, err
		}
		if existing == nil {
			return nil, noTemplate(store, q.URL)
		}
		return &protocol.RepoCredsResponse{}, s.dropSecret(ctx, existing.secret)
	}
}

func noTemplate(store repositoryStore, url string) error {
	return fail(connect.CodeNotFound, fmt.Errorf("%s '%s' not found", store.templateKind, publicURL(url)))
}

// keepTemplate writes a template to a Secret: the given one, or a new one if it is nil.
func (s *Server) keepTemplate(ctx context.Context, store repositoryStore, secret *corev1.Secret, creds *protocol.RepoCreds) error {
	if secret == nil {
		secret = s.newSecret(repositorySecretName(store.templatePrefix, creds.URL, ""))
	}
	writeSecret(secret, store.templateType, templateFields(creds))
	if _, err := settings.RepositoryFromSecret(secret); err != nil {
		return invalid(err.Error())
	}
	if err := s.saveSecret(ctx, secret); err != nil {
		return fmt.Errorf("writing %s '%s': %w", store.templateKind, publicURL(creds.URL), err)
	}
	return nil
}
