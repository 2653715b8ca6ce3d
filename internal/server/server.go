package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

const (
	// idleTimeout is how long a client may do nothing between two requests.
	idleTimeout = 5 * time.Minute
	// maxHeaderBytes has room for tokens with many groups.
	maxHeaderBytes = 256 << 10
	// graceTime is how long calls may go on when the server ends.
	graceTime = 5 * time.Second
	// maxStreams bounds the calls at a time on one connection.
	maxStreams = 1000
)

// Server is the hub's API.
type Server struct {
	options Options
	// ending ends when the server does, and with it all streams.
	ending   context.Context
	policies *policies
	metrics  *metrics
	apps     *feed
	rules    rulebook
	// connections are how repositories answered lately.
	connections connections
	// probes are what clusters answered lately that nobody watches.
	probes  probes
	rows    []row
	handler http.Handler
}

// New makes a server. Its streams begin to listen at once, and end with ctx.
func New(ctx context.Context, options Options) (*Server, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.Live == nil {
		options.Live = options.Client
	}
	metrics, err := newMetrics(options.Metrics)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: options, ending: ctx, metrics: metrics, apps: newFeed(options.Clock.Now),
		policies: &policies{
			client: options.Client, namespace: options.Namespace, logger: options.Logger, invalid: metrics.policyInvalid,
		},
	}
	informer, err := options.Informers.GetInformer(ctx, &argo.Application{})
	if err != nil {
		return nil, fmt.Errorf("preparing the API: %w", err)
	}
	if _, err := informer.AddEventHandler(s.apps); err != nil {
		return nil, fmt.Errorf("preparing the API: %w", err)
	}
	s.rows = s.table()
	if s.handler, err = s.mux(); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler serves the API. Serve it with HTTP/2 without TLS allowed, as Serve does: gRPC needs it.
func (s *Server) Handler() http.Handler { return s.handler }

// mux mounts the rows, and what isn't a call.
func (s *Server) mux() (http.Handler, error) {
	mux := http.NewServeMux()
	for i := range s.rows {
		r := &s.rows[i]
		mux.Handle(r.procedure, s.noted(r, r.connect(s, r, s.handlerOptions(r)...)))
		for _, route := range r.routes {
			pattern, fields, err := restPattern(route)
			if err != nil {
				return nil, fmt.Errorf("mounting %s: %w", r.procedure, err)
			}
			mux.Handle(pattern, &restHandler{server: s, row: r, route: route, fields: fields})
		}
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /api/badge", s.serveBadge)
	s.mountSSO(mux)
	s.mountSwagger(mux)
	if s.options.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(s.options.Gatherer, promhttp.HandlerOpts{}))
	}
	if s.options.Webhook != nil {
		mux.Handle("POST /api/webhook", s.options.Webhook)
		mux.Handle("POST /api/webhook/", s.options.Webhook)
	}
	mux.HandleFunc("/", s.serveUnknown)
	return secured(paced(s.ownPages(uncompressedWeb(mux)), s.options.Patience)), nil
}

// secured sets the headers that keep a browser from making more of an answer than it is.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		next.ServeHTTP(w, r)
	})
}

// Serve serves the API on a listener until ctx ends: HTTP/1.1 and HTTP/2, with TLS if the options say so.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(s.options.TLS == nil)
	server := &http.Server{
		Handler: s.handler, Protocols: protocols, TLSConfig: s.options.TLS,
		ReadHeaderTimeout: s.options.Patience, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, WriteByteTimeout: s.options.Patience},
		// Calls that run may come to their end; streams are ended by ending.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	listener = patientListener{listener, s.options.Patience}
	ended := make(chan error, 1)
	go func() {
		if s.options.TLS != nil {
			ended <- server.ServeTLS(listener, "", "")
			return
		}
		ended <- server.Serve(listener)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serving the API: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the API: %w", err)
	}
	return nil
}
