package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// grant is a permission that a call was given. Where the object is an application, its permission goes with it to other projects.
type grant struct {
	resource, action, object string
	app                      client.ObjectKey
}

// grants are the permissions of a stream. They are looked at from beside it, too.
type grants struct {
	mu  sync.Mutex
	all []grant
}

// maxGranted bounds the permissions of a stream that are looked at again; a call asks for two or three.
const maxGranted = 16

func (g *grants) add(one grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.all) < maxGranted && !slices.Contains(g.all, one) {
		g.all = append(g.all, one)
	}
}

func (g *grants) list() []grant {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.all)
}

// renewAfter is how long a stream goes on before it looks again who the caller is and what the policy says.
const renewAfter = time.Second

// renew checks the caller of a stream again: it outlives sessions, accounts, policies and the project of an application. Where
// the token doesn't count any more, or a permission that was given has gone, the stream ends with the error that a new call
// would get.
func (s *Server) renew(ctx context.Context, c *call) error {
	now := s.options.Clock.Now()
	if now.Sub(c.renewed) < renewAfter {
		return nil
	}
	fresh, err := s.recheck(ctx, c)
	if err != nil {
		return err
	}
	c.identity, c.user, c.renewed = fresh.identity, fresh.user, now
	return nil
}

// recheck is the same call as if it were made now. It may run beside the stream.
func (s *Server) recheck(ctx context.Context, c *call) (*call, error) {
	fresh := &call{row: c.row, token: c.token, loggedIn: c.loggedIn}
	if c.token == "" {
		if err := s.admitAnonymous(ctx); err != nil && c.row.permission.level != levelPublic {
			return nil, err
		}
	} else {
		identity, err := s.options.Login.Verify(ctx, c.token)
		if err != nil {
			return nil, sessionError(err)
		}
		fresh.identity = identity
	}
	policy, err := s.policies.current(ctx)
	if err != nil {
		return nil, err
	}
	fresh.user = policy.User(fresh.identity.Subject, fresh.identity.Groups(policy.Scopes())...)
	for _, g := range c.granted.list() {
		if err := fresh.require(g.resource, g.action, g.object); err != nil {
			return nil, err
		}
		if g.app == (client.ObjectKey{}) {
			continue
		}
		app := s.apps.application(g.app)
		if app == nil {
			return nil, appNotFound(g.app.Name)
		}
		if !fresh.may(g.resource, g.action, s.object(app)) { // it went to another project, whose name isn't said
			return nil, errPermission
		}
	}
	return fresh, nil
}

// endedError is why a stream ends that its caller may not have any more.
type endedError struct{ error }

func (e endedError) Unwrap() error { return e.error }

// guard ends a stream on which nothing happens when its caller may not have it any more. Its error, if there is one, is the
// context's cause.
func (s *Server) guard(ctx context.Context, c *call) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		ticks := time.NewTicker(s.options.StreamCheck)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
			_, err := s.recheck(ctx, c)
			switch connect.CodeOf(asError(err)) {
			case connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeNotFound:
				if err != nil {
					end(endedError{err})
				}
			}
		}
	}()
	return ctx, func() { end(nil) }
}

// endOf is the error that a stream ends with: why it was ended, or what it says itself.
func endOf(ctx context.Context, err error) error {
	var ended endedError
	if errors.As(context.Cause(ctx), &ended) {
		return ended.error
	}
	return err
}
