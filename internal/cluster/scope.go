package cluster

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Scopes answers whether kinds are in namespaces, for whoever places many manifests: a kind that the cluster doesn't serve
// is no error, anything else is kept in Err.
type Scopes struct {
	// Kind is a cluster's look-up.
	Kind func(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error)
	// Err is why a kind couldn't be looked up; nil if all could. Then no answer counts.
	Err error
}

// Namespaced tells whether a kind is in namespaces; known is false for one that the cluster doesn't serve.
func (s *Scopes) Namespaced(ctx context.Context) func(gvk schema.GroupVersionKind) (namespaced, known bool) {
	return func(gvk schema.GroupVersionKind) (bool, bool) {
		kind, err := s.Kind(ctx, gvk)
		var unknown *UnknownKindError
		if err != nil && !errors.As(err, &unknown) {
			s.Err = err
		}
		return kind.Namespaced, err == nil
	}
}
