package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/settings"
)

const (
	// slowestBody is the least rate, in bytes a second, at which a client must send a request; slower ones hold a connection
	// for nothing.
	slowestBody = 4 << 10
	// writeChunk is what is written to a connection within one patience.
	writeChunk = 64 << 10
)

// pacedBody is a request's body that must keep coming.
type pacedBody struct {
	io.ReadCloser
	controller *http.ResponseController
	patience   time.Duration
	// latest is when the body must be there as far as the bytes go that came.
	latest time.Time
}

// paced ends requests whose bodies come too slowly. There can't be one time for all of them: streams and uploads go on for long.
func paced(next http.Handler, patience time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			body := &pacedBody{r.Body, http.NewResponseController(w), patience, time.Now().Add(patience)}
			// A writer without deadlines is that of a test, without a connection.
			_ = body.controller.SetReadDeadline(body.latest)
			r.Body = body
		}
		next.ServeHTTP(w, r)
	})
}

// Read reads on. After the end there is no deadline any more: it would end the answer of a stream.
func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.controller.SetReadDeadline(time.Time{})
	}
	if err != nil { // what is left of a body that came too late isn't waited for either
		return n, err
	}
	b.latest = b.latest.Add(time.Duration(n) * time.Second / slowestBody)
	until := time.Now().Add(b.patience)
	if b.latest.Before(until) {
		until = b.latest
	}
	_ = b.controller.SetReadDeadline(until)
	return n, nil
}

// patientListener gives its connections a time in which clients must take what is written to them.
type patientListener struct {
	net.Listener
	patience time.Duration
}

// Accept waits for a connection.
func (l patientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return patientConn{conn, l.patience}, nil
}

type patientConn struct {
	net.Conn
	patience time.Duration
}

// Write writes as long as the client takes some of it in time.
func (c patientConn) Write(p []byte) (int, error) {
	written := 0
	for chunk := range slices.Chunk(p, writeChunk) {
		if err := c.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(chunk)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// errForeignPage is for what the page of another site has a browser ask for, with its user's cookie.
var errForeignPage = fail(connect.CodePermissionDenied, errors.New("cross-origin request: pages of other sites can't use a session's cookie"))

// ownPages refuses calls that change something, and that a browser makes for the page of another site. Cookies are the one thing
// that such a page has; who brings a token himself isn't a browser's victim.
func (s *Server) ownPages(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tokenFromCookies(r.Header) != "" && protection.Check(r) != nil && !s.isOwnOrigin(r) {
			s.options.Logger.WarnContext(r.Context(), "refusing a request of another site's page", "method", r.Method, "path", clip(r.URL.Path), "origin", clip(r.Header.Get("Origin")))
			writeError(w, errForeignPage)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOwnOrigin tells whether a page is of the hub's own address, where a proxy gives the hub another name.
func (s *Server) isOwnOrigin(r *http.Request) bool {
	config, err := s.options.Settings.ConfigMap(r.Context(), settings.ConfigMapName)
	if err != nil {
		return false
	}
	own, err := url.Parse(config["url"])
	return err == nil && own.Host != "" && r.Header.Get("Origin") == own.Scheme+"://"+own.Host
}

type recordedKey struct{}

// noted tells the log, and counts, what was refused before a call came of it: frames that are cut off or too large, messages
// that are none. All else is recorded as a call.
func (s *Server) noted(r *row, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		started, recorded := s.options.Clock.Now(), false
		answer := &notedWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, request.WithContext(context.WithValue(request.Context(), recordedKey{}, &recorded)))
		code, refused := answer.refused()
		if recorded || !refused {
			return
		}
		s.metrics.observe(r, codeName(code), s.options.Clock.Since(started))
		s.options.Logger.WarnContext(request.Context(), "a request was refused unread", "procedure", r.procedure, "code", codeName(code),
			"status", answer.status, "type", clip(request.Header.Get("Content-Type")), "remote", request.RemoteAddr)
	})
}

// notedWriter knows what was answered.
type notedWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *notedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Flush and Unwrap keep streams going.
func (w *notedWriter) Flush()                      { _ = http.NewResponseController(w.ResponseWriter).Flush() }
func (w *notedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// refused tells whether the answer is an error: by its status or, as gRPC has it, by a header or trailer.
func (w *notedWriter) refused() (connect.Code, bool) {
	for _, name := range []string{"Grpc-Status", http.TrailerPrefix + "Grpc-Status"} {
		if code, err := strconv.ParseUint(w.Header().Get(name), 10, 8); err == nil && code != 0 {
			return connect.Code(code), true
		}
	}
	return connect.CodeInvalidArgument, w.status >= http.StatusBadRequest
}
