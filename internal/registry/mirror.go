package registry

import (
	"net/http"
	"slices"
	"strings"
)

// asMirror finds what a client means that takes this registry for a mirror. containerd and BuildKit ask a mirror for
// /v2/library/golang/manifests/1.26?ns=docker.io; that is the repository docker.io/library/golang here, apart from the
// registry's own library/golang. (The query is described in containerd's docs/hosts.md.)
func (s *Server) asMirror(r *http.Request) *http.Request {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return r
	}
	namespace := r.URL.Query().Get("ns")
	rest, found := strings.CutPrefix(r.URL.Path, "/v2/")
	if !found || rest == "" || !slices.Contains(s.opts.Mirrors, namespace) {
		return r
	}
	mirrored := r.Clone(r.Context())
	mirrored.URL.Path = "/v2/" + namespace + "/" + rest
	mirrored.URL.RawPath = ""
	mirrored.RequestURI = mirrored.URL.RequestURI()
	return mirrored
}
