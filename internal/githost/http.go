package githost

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ServeHTTP answers git, the small API, and health checks.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case path == "healthz":
		_, _ = io.WriteString(w, "ok\n")
	case path == "":
		h.serveIndex(w, r)
	case strings.HasPrefix(path, "api/v1/"):
		h.serveAPI(w, r, strings.TrimPrefix(path, "api/v1/"))
	default:
		h.serveGit(w, r, path)
	}
}

// serveIndex lists the clone URLs, for a person who looks at the address in a browser.
func (h *Host) serveIndex(w http.ResponseWriter, r *http.Request) {
	if _, ok := h.authorize(w, r, false); !ok {
		return
	}
	names, err := h.names()
	if err != nil {
		h.log.Error("the list of repositories can't be served", "error", err)
		http.Error(w, "The repositories can't be listed; the log of the Git host says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, name := range names {
		_, _ = fmt.Fprintln(w, h.repository(name).cloneURL())
	}
}

// authorize finds the user, and answers the request itself if it may not go on.
func (h *Host) authorize(w http.ResponseWriter, r *http.Request, write bool) (user string, ok bool) {
	user, given, known := h.auth.User(r)
	anonymous := h.opts.AnonymousRead
	if write {
		anonymous = h.opts.AnonymousWrite
	}
	// Wrong credentials are refused even where none are needed: whoever gives them wants to know.
	if known || (anonymous && (!given || len(h.opts.Users) == 0)) {
		return user, true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Fairlead Git host"`)
	message := "This Git host asks for a user name and password."
	if given {
		message = "The user name or password is wrong."
	}
	http.Error(w, message, http.StatusUnauthorized)
	return "", false
}

// acquire takes a slot for a git process, or answers that there is none.
func (h *Host) acquire(ctx context.Context, w http.ResponseWriter) (release func(), ok bool) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, true
	case <-ctx.Done():
		http.Error(w, "The Git host is busy; try again.", http.StatusServiceUnavailable)
		return nil, false
	}
}
