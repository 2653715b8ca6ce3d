package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

const (
	// testTimeout bounds the test of one repository's connection.
	testTimeout = 10 * time.Second
	// stateLifetime is how long the outcome of a test is told to those who don't ask for a new one.
	stateLifetime = 3 * time.Minute
	// maxStates bounds the memory for outcomes.
	maxStates = 10_000
)

var errHydrator = errors.New("hydrator is disabled")

// connections remembers how the connections to repositories were.
type connections struct {
	mu     sync.Mutex
	states map[[sha256.Size]byte]protocol.ConnectionState
}

// connectionKey changes with anything that a repository is reached with.
func connectionKey(r settings.Repository) [sha256.Size]byte {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, numbers and switches
	}
	return sha256.Sum256(text)
}

// broken is the state of a repository whose Secret makes no sense.
func (*connections) broken(now time.Time) protocol.ConnectionState {
	return protocol.ConnectionState{
		Status: protocol.ConnectionFailed, Message: "Configuration error - please check the server logs", ModifiedAt: &metav1.Time{Time: now},
	}
}

func (c *connections) known(key [sha256.Size]byte, now time.Time) (protocol.ConnectionState, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, ok := c.states[key]
	return state, ok && now.Sub(state.ModifiedAt.Time) < stateLifetime
}

func (c *connections) remember(key [sha256.Size]byte, state protocol.ConnectionState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.states == nil || len(c.states) >= maxStates {
		c.states = map[[sha256.Size]byte]protocol.ConnectionState{}
	}
	c.states[key] = state
}

// connectionState tells whether a repository answers, or answered some minutes ago.
func (s *Server) connectionState(ctx context.Context, r settings.Repository, force bool) protocol.ConnectionState {
	key, now := connectionKey(r), s.options.Clock.Now()
	if known, ok := s.connections.known(key, now); ok && !force {
		return known
	}
	state := protocol.ConnectionState{Status: protocol.ConnectionSuccessful, ModifiedAt: &metav1.Time{Time: now}}
	err := s.testRepository(ctx, r)
	if ctx.Err() != nil {
		return protocol.ConnectionState{Status: protocol.ConnectionUnknown, ModifiedAt: state.ModifiedAt}
	}
	if err != nil {
		state.Status, state.Message = protocol.ConnectionFailed, fmt.Sprintf("Unable to connect to repository: %s", errorText(err))
	}
	s.connections.remember(key, state)
	return state
}

// testRepository tells whether a repository answers.
func (s *Server) testRepository(ctx context.Context, r settings.Repository) error {
	if !slices.Contains([]string{"", "git", "helm", "oci"}, r.Type) {
		return fail(connect.CodeUnknown, fmt.Errorf("unsupported repository type %q", r.Type))
	}
	if s.options.Sources == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	if err := s.options.Sources.Test(ctx, r); err != nil {
		return fail(connect.CodeUnknown, fmt.Errorf("error testing repository connectivity: %w", err))
	}
	return nil
}
