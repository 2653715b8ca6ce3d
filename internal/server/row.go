package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/protocol"
)

// row is one call of the API.
type row struct {
	// procedure is /package.Service/Method.
	procedure  string
	permission permission
	routes     []route
	streams    bool
	newRequest func() any
	// request and response are the types of its messages.
	request, response reflect.Type
	// serve handles a request of the type that newRequest gives, and sends one answer, or any number if it streams.
	serve func(context.Context, *call, any, func(any) error) error
	// connect makes the handler for gRPC, gRPC-web and Connect.
	connect func(*Server, *row, ...connect.HandlerOption) http.Handler
}

// route is a REST verb and path. In the path, {name} is a field of the request, which may be nested ({id.value}), and
// {name...} all that is left. body is the field that the body is decoded into: "*" for the request itself, "" for none.
type route struct {
	verb, path, body string
}

func get(path string) route        { return route{http.MethodGet, path, ""} }
func post(path, body string) route { return route{http.MethodPost, path, body} }
func put(path, body string) route  { return route{http.MethodPut, path, body} }
func patch(path string) route      { return route{http.MethodPatch, path, "*"} }
func deletion(path string) route   { return route{http.MethodDelete, path, ""} }
func (r *row) writes() bool {
	return !r.streams && (len(r.routes) == 0 || r.routes[0].verb != http.MethodGet)
}
func (r *row) service() (s, m string) { return splitProcedure(r.procedure) }

// permission is what a row asks of its caller.
type permission struct {
	level            level
	resource, action string
}

type level int

const (
	// levelPublic is for calls that make sense before a login. Their handlers know the caller if there is one.
	levelPublic level = iota + 1
	// levelSignedIn is for calls about the caller alone.
	levelSignedIn
	// levelChecked is for all others: the handler must check the row's permission on an object, or filter by it.
	levelChecked
)

var (
	public   = permission{level: levelPublic}
	signedIn = permission{level: levelSignedIn}
)

// may is the permission of a resource and action; both are those of policies.
func may(resource, action string) permission { return permission{levelChecked, resource, action} }

// unary makes a row of a procedure that gives one answer.
func unary[Request, Response any](
	procedure protocol.Unary[Request, Response], permission permission,
	handle func(context.Context, *call, *Request) (*Response, error), routes ...route,
) row {
	return row{
		procedure: string(procedure), permission: permission, routes: routes,
		newRequest: func() any { return new(Request) },
		request:    reflect.TypeFor[Request](), response: reflect.TypeFor[Response](),
		serve: func(ctx context.Context, c *call, request any, send func(any) error) error {
			response, err := handle(ctx, c, request.(*Request))
			if err != nil {
				return err
			}
			if response == nil {
				return fmt.Errorf("serving %s: there is neither answer nor error", procedure)
			}
			return send(response)
		},
		connect: func(s *Server, r *row, options ...connect.HandlerOption) http.Handler {
			return connect.NewUnaryHandlerSimple(r.procedure, func(ctx context.Context, request *Request) (response *Response, err error) {
				err = s.serve(ctx, r, request, func(message any) error { response = message.(*Response); return nil })
				if err != nil {
					return nil, err
				}
				return response, nil
			}, options...)
		},
	}
}

// upload makes a row of a procedure that takes a stream of requests and gives one answer. The handler's next gives one after
// the other, and io.EOF after the last. gRPC-gateway can't carry such calls, and so upstream has none as REST either.
func upload[Request, Response any](
	procedure protocol.Upload[Request, Response], permission permission,
	handle func(ctx context.Context, c *call, next func() (*Request, error)) (*Response, error),
) row {
	return row{
		procedure: string(procedure), permission: permission,
		newRequest: func() any { return new(Request) },
		request:    reflect.TypeFor[Request](), response: reflect.TypeFor[Response](),
		serve: func(ctx context.Context, c *call, request any, send func(any) error) error {
			response, err := handle(ctx, c, request.(func() (*Request, error)))
			if err != nil {
				return err
			}
			return send(response)
		},
		connect: func(s *Server, r *row, options ...connect.HandlerOption) http.Handler {
			return connect.NewClientStreamHandlerSimple(r.procedure, func(ctx context.Context, stream *connect.ClientStream[Request]) (response *Response, err error) {
				next := func() (*Request, error) {
					if stream.Receive() {
						return stream.Msg(), nil
					}
					if err := stream.Err(); err != nil {
						return nil, err
					}
					return nil, io.EOF
				}
				err = s.serve(ctx, r, next, func(message any) error { response = message.(*Response); return nil })
				if err != nil {
					return nil, err
				}
				return response, nil
			}, options...)
		},
	}
}

// stream makes a row of a procedure that gives a stream of answers.
func stream[Request, Response any](
	procedure protocol.Stream[Request, Response], permission permission,
	handle func(context.Context, *call, *Request, func(*Response) error) error, routes ...route,
) row {
	return row{
		procedure: string(procedure), permission: permission, routes: routes, streams: true,
		newRequest: func() any { return new(Request) },
		request:    reflect.TypeFor[Request](), response: reflect.TypeFor[Response](),
		serve: func(ctx context.Context, c *call, request any, send func(any) error) error {
			return handle(ctx, c, request.(*Request), func(response *Response) error { return send(response) })
		},
		connect: func(s *Server, r *row, options ...connect.HandlerOption) http.Handler {
			return connect.NewServerStreamHandlerSimple(r.procedure,
				func(ctx context.Context, request *Request, stream *connect.ServerStream[Response]) error {
					sent := false
					err := s.serve(ctx, r, request, func(message any) error {
						sent = true
						return stream.Send(message.(*Response))
					})
					if err == nil && !sent {
						// Over gRPC-web, the end of a stream of nothing would be in the headers, where Argo CD's command line doesn't
						// look for it. After the headers it is in the body.
						return stream.Send(nil)
					}
					return err
				}, options...)
		},
	}
}
