package server

import (
	"fmt"
	"net/http"
	"strings"
)

// uncompressedWeb answers gRPC-web without compression. Argo CD's command line hands on that its inner client can read gzip, but
// doesn't look at the flag of a compressed message itself.
func uncompressedWeb(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc-web") {
			r.Header.Del("Grpc-Accept-Encoding")
		}
		next.ServeHTTP(w, r)
	})
}

// serveUnknown answers for paths that there aren't: a gRPC client understands nothing but a status of its own.
func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request) {
	contentType := r.Header.Get("Content-Type")
	if !strings.HasPrefix(contentType, "application/grpc") {
		http.NotFound(w, r)
		return
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	message := "unknown service " + service
	for _, row := range s.rows {
		if strings.HasPrefix(row.procedure, "/"+service+"/") {
			message = fmt.Sprintf("unknown method %s for service %s", method, service)
		}
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Grpc-Status", "12") // UNIMPLEMENTED
	w.Header().Set("Grpc-Message", printable(message))
	w.WriteHeader(http.StatusOK)
}

// printable is a text as the header Grpc-Message has it: percent-encoded but for what a reader sees. It may be long as the path
// was; the server's limit of headers bounds that.
func printable(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
