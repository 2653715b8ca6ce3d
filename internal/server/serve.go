package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/protocol"
)

// errUnchecked would be a fault of the hub: better no answer than one that nobody was asked for.
var errUnchecked = connect.NewError(connect.CodeInternal,
	errors.New("the hub answered without checking a permission; the answer is withheld, please report this"))

// serve is the way of every call, whatever it came over: policy, handler, errors, limits, metrics and log.
func (s *Server) serve(ctx context.Context, r *row, request any, send func(any) error) (err error) {
	started := s.options.Clock.Now()
	caller := callerOf(ctx)
	defer func() {
		if fault := recover(); fault != nil {
			if fault == http.ErrAbortHandler {
				panic(fault)
			}
			s.options.Logger.Error("a call panicked", "procedure", r.procedure, "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = connect.NewError(connect.CodeInternal, errors.New("internal error; the hub's log has more"))
		}
		err = asError(err)
		s.record(ctx, r, caller, started, err)
	}()
	policy, err := s.policies.current(ctx)
	if err != nil {
		return err
	}
	c := &call{
		row: r, identity: caller.identity, loggedIn: caller.loggedIn, token: caller.token, renewed: started,
		user: policy.User(caller.identity.Subject, caller.identity.Groups(policy.Scopes())...),
	}
	ctx, cancel := s.bound(ctx, r)
	defer cancel()
	if r.streams {
		guarded, stop := s.guard(ctx, c)
		defer stop()
		defer func() { err = endOf(guarded, err) }()
		ctx = guarded
	}
	return r.serve(ctx, c, request, func(message any) error {
		if r.permission.level == levelChecked && !c.checked {
			return errUnchecked
		}
		if r.streams {
			if err := s.renew(ctx, c); err != nil {
				return err
			}
		}
		return send(message)
	})
}

// record tells metrics and log of a call. Reading is told at debug level: there is much of it.
func (s *Server) record(ctx context.Context, r *row, caller caller, started time.Time, err error) {
	if recorded, ok := ctx.Value(recordedKey{}).(*bool); ok {
		*recorded = true
	}
	code := "OK"
	if err != nil {
		code = codeName(connect.CodeOf(err))
	}
	took := s.options.Clock.Since(started)
	s.metrics.observe(r, code, took)
	level := slog.LevelDebug
	if r.writes() {
		level = slog.LevelInfo
	}
	attributes := []slog.Attr{
		slog.String("procedure", r.procedure), slog.String("user", caller.identity.Name), slog.String("code", code),
		slog.Duration("took", took),
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
		switch connect.CodeOf(err) {
		case connect.CodeInternal, connect.CodeUnknown, connect.CodePermissionDenied, connect.CodeUnauthenticated, connect.CodeResourceExhausted:
			level = slog.LevelWarn
		}
	}
	s.options.Logger.LogAttrs(ctx, level, "call", attributes...)
}

// handlerOptions are those of package connect for one row. The gate runs before the request is read, so that only who is
// logged on makes the hub read large ones.
func (s *Server) handlerOptions(r *row) []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithCodec(protocol.Proto{}),
		connect.WithCodec(protocol.JSON{}), connect.WithCodec(protocol.JSON{ContentType: "json; charset=utf-8"}),
		connect.WithReadMaxBytes(s.maxBytes(r)), compression(),
		connect.WithRequestGate(func(ctx context.Context, _ connect.Spec, _ connect.Peer, header http.Header) (context.Context, error) {
			return s.authenticate(ctx, r, header)
		}),
	}
}

func (s *Server) maxBytes(r *row) int {
	if r.permission.level == levelPublic {
		return s.options.MaxAnonymousBytes
	}
	return s.options.MaxRequestBytes
}

// bound ends a call after its time, and a stream with the server.
func (s *Server) bound(ctx context.Context, r *row) (context.Context, context.CancelFunc) {
	if !r.streams {
		return context.WithTimeout(ctx, s.options.CallTimeout)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ending, cancel)
	return ctx, func() { stop(); cancel() }
}
