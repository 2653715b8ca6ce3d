package server

import (
	"context"
	"sync"
	"time"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/settings"
)

// rules say who is told of a change.
type rules struct {
	policy *access.Policy
	served settings.Namespaces
}

// rulebook keeps the rules as they were last looked up. A hundred streams are told of the same change: that one of them looks
// is enough.
type rulebook struct {
	mu sync.Mutex
	// number is that of the last change that there had been when newest were looked up.
	number uint64
	looked time.Time
	newest *rules
}

// rulesSince are the rules as they were after a change, and lately.
func (s *Server) rulesSince(ctx context.Context, change uint64) (*rules, error) {
	b, now := &s.rules, s.options.Clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.newest != nil && b.number >= change && now.Sub(b.looked) < renewAfter {
		return b.newest, nil
	}
	number := s.apps.last() // of changes that come from here on, what is looked up now may know nothing
	policy, err := s.policies.current(ctx)
	if err != nil {
		return nil, err
	}
	b.number, b.looked, b.newest = number, now, &rules{policy, s.options.Settings.ApplicationNamespaces(ctx)}
	return b.newest, nil
}
