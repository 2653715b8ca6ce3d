package desired

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"sync"
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

	mu sync.Mutex
	// ring is made of the keys ringOf; verdicts are its.
	ring     *signature.Keyring
	ringOf   map[string]string
	verdicts map[verdictKey]verdict
}

// verdictKey is the object that was verified, by its content.
type verdictKey struct {
	kind   string
	object [sha256.Size]byte
}

type verdict struct {
	signature.Verification
	at time.Time
}

const (
	// maxVerdicts bounds what is remembered; each takes some hundred bytes. When it is full, all begins anew.
	maxVerdicts = 10000
	// verdictAge is for how long a verdict counts: it depends on the time, by signatures of the future and keys that expire.
	verdictAge = 10 * time.Minute
)

// verify gives the verification of an object by the keys. Applications ask for the same commit at each reconcile.
func (s *Signatures) verify(ctx context.Context, keys map[string]string, kind string, object []byte) signature.Verification {
	key, now := verdictKey{kind, sha256.Sum256(object)}, s.Now()
	s.mu.Lock()
	if s.ring == nil || !maps.Equal(keys, s.ringOf) {
		ring, err := signature.ParseKeyring(keys)
		if err != nil {
			slog.WarnContext(ctx, "leaving out GPG keys", "error", err)
		}
		s.ring, s.ringOf, s.verdicts = ring, maps.Clone(keys), map[verdictKey]verdict{}
	}
	ring := s.ring
	known, ok := s.verdicts[key]
	s.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < verdictAge {
		return known.Verification
	}
	signed := signature.OfCommit(object)
	if kind == "tag" {
		signed = signature.OfTag(object)
	}
	verified := ring.Verify(signed, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring != ring {
		return verified // by keys that are no longer the newest: nobody else may get it
	}
	if len(s.verdicts) >= maxVerdicts {
		clear(s.verdicts)
	}
	s.verdicts[key] = verdict{verified, now}
	return verified
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
		verified[i] = s.verify(ctx, keys, kind, object)
	}
	return verified, nil
}
