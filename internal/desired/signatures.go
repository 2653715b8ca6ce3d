package desired

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"sync"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
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
	// histories are what is known of all commits that led to one.
	histories map[string]history
}

type history struct {
	checked []signature.Checked
	at      time.Time
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
	// maxHistories bounds the commits whose history is remembered, maxUnsigned the unsigned commits of one: as many as are told of.
	maxHistories, maxUnsigned = 1000, 10
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
		s.histories = map[string]history{}
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

// Verify gives what a source's commit was signed with: the annotated tag, where the source or the revision that was asked for
// names one, else the commit; and with its history that of all commits which led to it, the newest first. What isn't in Git
// gives nothing.
func (s *Signatures) Verify(ctx context.Context, project string, source v1alpha1.ApplicationSource, asked, commit string, history bool) ([]signature.Checked, error) {
	keys, err := s.Keys(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.Source.origin(ctx, project, source)
	if err != nil {
		return nil, err
	}
	inGit, ok := found.(gitOrigin)
	if !ok {
		return nil, nil
	}
	var checked []signature.Checked
	// A commit that the mirror lacks is fetched, and with it its tag.
	first, err := inGit.repository.SignedCommit(ctx, commit)
	if err != nil {
		return nil, err
	}
	tag, err := inGit.repository.SignedTag(ctx, commit, source.TagPrefix, source.TargetRevision, asked)
	if err != nil {
		return nil, err
	}
	if tag != nil {
		checked = append(checked, s.check(ctx, keys, *tag))
		if !history {
			return checked, nil
		}
	}
	if !history {
		return []signature.Checked{s.check(ctx, keys, first)}, nil
	}
	commits, err := s.history(ctx, inGit.repository, keys, commit)
	return append(checked, commits...), err
}

func (s *Signatures) check(ctx context.Context, keys map[string]string, object git.Signable) signature.Checked {
	return signature.Checked{
		Revision: object.Name, Author: object.Identity(), IsTag: object.Kind == "tag",
		Verification: s.verify(ctx, keys, object.Kind, object.Content),
	}
}

// history verifies all commits that led to one, and remembers it: of those by the same key with the same finding the newest, and
// of those without a key a few.
func (s *Signatures) history(ctx context.Context, repository *git.Repository, keys map[string]string, tip string) ([]signature.Checked, error) {
	now := s.Now()
	s.mu.Lock()
	known, ok := s.histories[tip]
	fresh := ok && maps.Equal(keys, s.ringOf) && now.Sub(known.at) >= 0 && now.Sub(known.at) < verdictAge
	s.mu.Unlock()
	if fresh {
		return known.checked, nil
	}
	type kind struct{ key, finding string }
	count := map[kind]int{}
	var checked []signature.Checked
	sealed := func(object git.Signable) bool {
		return signature.Seals(object.Message()) && s.check(ctx, keys, object).Result == signature.Good
	}
	err := repository.SignedHistory(ctx, tip, sealed, func(object git.Signable) error {
		c := s.check(ctx, keys, object)
		k := kind{c.KeyID, c.Finding}
		if count[k]++; count[k] == 1 || c.KeyID == "" && count[k] <= maxUnsigned {
			checked = append(checked, c)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if maps.Equal(keys, s.ringOf) {
		if len(s.histories) >= maxHistories {
			clear(s.histories)
		}
		s.histories[tip] = history{checked, now}
	}
	return checked, nil
}
