package desired

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/signature"
)

// Signatures verifies what sources were signed with.
type Signatures struct {
	Source *Source
	// Keys are the operator's public keys, armored, by key ID (the ConfigMap argocd-gpg-keys-cm).
	Keys func(ctx context.Context) (map[string]string, error)
	// Now tells the time.
	Now func() time.Time
}

// Verify gives the verification of each source at its commit. A tag's signature counts where the source, or asked (one a source,
// or none), names an annotated tag. What isn't in Git has no signature.
func (s *Signatures) Verify(ctx context.Context, project string, sources v1alpha1.ApplicationSources, asked, commits []string) ([]signature.Verification, error) {
	if len(commits) != len(sources) {
		return nil, fmt.Errorf("verifying the signatures of %d sources at %d revisions", len(sources), len(commits))
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return nil, err
	}
	ring, err := signature.ParseKeyring(keys)
	if err != nil {
		slog.WarnContext(ctx, "leaving out GPG keys", "error", err)
	}
	verified := make([]signature.Verification, len(sources))
	for i, source := range sources {
		found, err := s.Source.origin(ctx, project, source)
		if err != nil {
			return nil, err
		}
		inGit, ok := found.(gitOrigin)
		if !ok {
			continue
		}
		revisions := []string{source.TargetRevision}
		if i < len(asked) {
			revisions = append(revisions, asked[i])
		}
		kind, object, err := inGit.repository.SignedObject(ctx, commits[i], revisions...)
		if err != nil {
			return nil, err
		}
		signed := signature.OfCommit(object)
		if kind == "tag" {
			signed = signature.OfTag(object)
		}
		verified[i] = ring.Verify(signed, s.Now())
	}
	return verified, nil
}
