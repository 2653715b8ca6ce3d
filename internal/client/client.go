// Package client calls a hub: that of Fairlead, or for Argo CD's procedures any Argo CD. It speaks gRPC over HTTP/2, or
// gRPC-web where a proxy in between can do no better.
//
// There is no method per procedure. The constants of package protocol know their types, so one function calls them all:
//
//	app, err := client.Call(ctx, c, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "shop"})
//
// Start with Dial.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/protocol"
)

const (
	// maxMessage bounds an answer: a list of 10,000 large applications is some 100 MB.
	maxMessage = 200 << 20
	// maxElements bounds what is in it: such a list has some million conditions, labels and objects.
	maxElements = 64 << 20
	// dialTimeout bounds how long a hub may take to accept a connection.
	dialTimeout = 10 * time.Second
	// httpTimeout bounds a request that isn't a call.
	httpTimeout = 30 * time.Second
	// retryAfter is how long a hub that can't be reached is left in peace.
	retryAfter = time.Second
	// pingAfter is how long a connection may be silent before it is checked, pingTimeout how long the answer may take: a
	// stream notices that the hub went away.
	pingAfter, pingTimeout = 15 * time.Second, 10 * time.Second
)

// Options say where the hub is and how to reach it.
type Options struct {
	// Server is a URL as ServerURL gives it.
	Server string
	// Token is sent with each call; empty for none.
	Token string
	// Insecure accepts any TLS certificate.
	Insecure bool
	// CA are PEM certificates to trust instead of the system's; nil for the system's.
	CA []byte
	// GRPCWeb speaks gRPC-web over HTTP/1.1, for proxies that can't do HTTP/2.
	GRPCWeb bool
	// RootPath is where behind a proxy the hub is, such as /argocd; it implies GRPCWeb.
	RootPath string
	// Certificate is what the client shows of itself; nil for nothing.
	Certificate *tls.Certificate
	// Headers are sent with each call.
	Headers http.Header
	// Retries is how often a unary call is tried again while the hub can't be reached.
	Retries int
	// UserAgent names the program; empty for "fairlead".
	UserAgent string
}

// Default is a client of a hub on this machine.
func Default() Options { return Options{Server: "http://127.0.0.1:8080"} }

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	u, err := url.Parse(o.Server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("reading the hub's address %q: it isn't http://HOST:PORT or https://HOST[:PORT]", o.Server)
	}
	return nil
}

// ServerURL completes what a user writes for a hub: a URL, or HOST[:PORT], which is taken for https except on this machine.
func ServerURL(server string) (string, error) {
	server = strings.TrimSpace(server)
	if !strings.Contains(server, "://") {
		server = strings.TrimRight(server, "/")
		host, _, err := net.SplitHostPort(server)
		if err != nil {
			host = server
		}
		scheme := "https"
		if ip := net.ParseIP(strings.Trim(host, "[]")); host == "localhost" || (ip != nil && ip.IsLoopback()) {
			scheme = "http"
		}
		server = scheme + "://" + server
	}
	return strings.TrimRight(server, "/"), Options{Server: server}.Validate()
}

// Client is a connection to a hub. It is safe for concurrent use.
type Client struct {
	options   Options
	transport *http.Transport
	connect   []connect.ClientOption
}

// Dial makes a client. It doesn't connect yet: the first call does.
func Dial(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	options.Server = strings.TrimRight(options.Server, "/")
	if root := strings.Trim(options.RootPath, "/"); root != "" {
		options.Server, options.GRPCWeb = options.Server+"/"+root, true
	}
	if options.UserAgent == "" {
		options.UserAgent = "fairlead"
	}
	tlsConfig, err := TLS(options)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig: tlsConfig,
		Protocols:       &http.Protocols{},
		HTTP2:           &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	c := &Client{options: options, transport: transport}
	c.connect = []connect.ClientOption{
		connect.WithCodec(protocol.Proto{MaxElements: maxElements}), connect.WithReadMaxBytes(maxMessage), connect.WithInterceptors(c.headers()),
	}
	switch {
	case options.GRPCWeb:
		transport.Protocols.SetHTTP1(true)
		c.connect = append(c.connect, connect.WithGRPCWeb())
	case strings.HasPrefix(options.Server, "http:"):
		transport.Protocols.SetUnencryptedHTTP2(true)
		c.connect = append(c.connect, connect.WithGRPC())
	default:
		transport.Protocols.SetHTTP2(true)
		c.connect = append(c.connect, connect.WithGRPC())
	}
	return c, nil
}

// Close gives the connections back. Calls that run are not interrupted.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// TLS is whom the options trust, and what the client shows of itself.
func TLS(options Options) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: options.Insecure} //nolint:gosec // the user asked for it
	if options.CA != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(options.CA) {
			return nil, errors.New("reading the certificates to trust: there is none in PEM form")
		}
	}
	if options.Certificate != nil {
		config.Certificates = []tls.Certificate{*options.Certificate}
	}
	return config, nil
}

// Server is the hub's URL.
func (c *Client) Server() string { return c.options.Server }

// HTTP is a client for what isn't a procedure, or isn't the hub's, with the same trust. It speaks what the server does.
func (c *Client) HTTP() *http.Client {
	transport := c.transport.Clone()
	transport.Protocols = nil
	return &http.Client{Transport: transport, Timeout: httpTimeout}
}

// Call calls a procedure. Its errors are of type *Error.
func Call[Request, Response any](ctx context.Context, c *Client, procedure protocol.Unary[Request, Response], request *Request) (*Response, error) {
	caller := connect.NewClient[Request, Response](&http.Client{Transport: c.transport}, c.options.Server+string(procedure), c.connect...)
	response, err := caller.CallUnary(ctx, connect.NewRequest(request))
	for tries := 0; tries < c.options.Retries && connect.CodeOf(err) == connect.CodeUnavailable && ctx.Err() == nil; tries++ {
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
			response, err = caller.CallUnary(ctx, connect.NewRequest(request))
		}
	}
	if err != nil {
		return nil, c.wrap(err)
	}
	return response.Msg, nil
}

// Stream calls a procedure that answers with a stream. The sequence ends with the stream, after one error if it ended so;
// breaking out of it, or the end of ctx, ends the call.
func Stream[Request, Response any](ctx context.Context, c *Client, procedure protocol.Stream[Request, Response], request *Request) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		caller := connect.NewClient[Request, Response](&http.Client{Transport: c.transport}, c.options.Server+string(procedure), c.connect...)
		stream, err := caller.CallServerStream(ctx, connect.NewRequest(request))
		if err != nil {
			yield(nil, c.wrap(err))
			return
		}
		defer stream.Close()
		for stream.Receive() {
			if !yield(stream.Msg(), nil) {
				return
			}
		}
		if err := stream.Err(); err != nil {
			yield(nil, c.wrap(err))
		}
	}
}

// headers adds what every call carries: Argo CD's clients send the token as metadata "token".
func (c *Client) headers() connect.Interceptor {
	return &headers{set: func(header http.Header) {
		for name, values := range c.options.Headers {
			header[name] = values
		}
		header.Set("User-Agent", c.options.UserAgent)
		if c.options.Token != "" {
			header.Set("Token", c.options.Token)
		}
	}}
}

type headers struct{ set func(http.Header) }

// WrapUnary adds the headers to a request.
func (h *headers) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		h.set(request.Header())
		return next(ctx, request)
	}
}

// WrapStreamingClient adds the headers to a stream.
func (h *headers) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		h.set(conn.RequestHeader())
		return conn
	}
}

// WrapStreamingHandler leaves handlers alone: this is a client.
func (h *headers) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
