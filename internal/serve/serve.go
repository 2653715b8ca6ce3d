// Package serve runs an HTTP handler until a context ends, with the limits and the grace that the embedded hosts share. It
// is not the hub's API, which also speaks HTTP/2 (internal/server). Start with HTTP.
package serve

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	// headerTimeout bounds the sending of headers: they are small, and a client that trickles them is broken or hostile.
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// grace is how long requests may go on at the end: long enough for a push of manifests or a layer of a service.
	grace = 5 * time.Second
)

// Listen returns the given listener, or if it is nil a new one at a TCP address.
func Listen(ctx context.Context, given net.Listener, address string) (net.Listener, error) {
	if given != nil {
		return given, nil
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// HTTP serves a handler on a listener until ctx ends. Requests that are under way then may finish; their context is not
// ended by ctx. The error is that of the listener.
func HTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		_ = server.Close()
	}
	return nil
}
