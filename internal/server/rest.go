package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/protocol"
)

// restHandler serves a row as REST, as grpc-gateway v1 does for Argo CD: fields from path, query and JSON body; errors
// as {"error", "code", "message"}; streams as lines of {"result": …}, or as server-sent events of them.
type restHandler struct {
	server *Server
	row    *row
	route  route
	// fields are the request's fields that the path's parts fill, in order.
	fields []string
}

var pathField = regexp.MustCompile(`\{([^}]*)\}`)

// restPattern translates a route's path for http.ServeMux, whose wildcards must be identifiers.
func restPattern(r route) (pattern string, fields []string, err error) {
	pattern = pathField.ReplaceAllStringFunc(r.path, func(part string) string {
		field := strings.Trim(part, "{}")
		rest := ""
		if name, ok := strings.CutSuffix(field, "..."); ok {
			field, rest = name, "..."
		}
		fields = append(fields, field)
		return fmt.Sprintf("{p%d%s}", len(fields)-1, rest)
	})
	if !strings.HasPrefix(pattern, "/api/") {
		return "", nil, fmt.Errorf("path %q isn't below /api/", r.path)
	}
	return r.verb + " " + pattern, fields, nil
}

// ServeHTTP serves one call.
func (h *restHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, err := h.server.authenticate(r.Context(), h.row, r.Header)
	if err != nil {
		writeError(w, err)
		return
	}
	request, err := h.decode(w, r)
	if err != nil {
		h.server.record(ctx, h.row, callerOf(ctx), h.server.options.Clock.Now(), err)
		writeError(w, err)
		return
	}
	if h.row.streams {
		h.stream(ctx, w, r, request)
		return
	}
	err = h.server.serve(ctx, h.row, request, func(response any) error {
		if session, ok := response.(*protocol.SessionResponse); ok {
			if err := h.server.setTokenCookies(w, r, session.Token); err != nil {
				return err
			}
		}
		return h.answer(w, r, response)
	})
	if err != nil {
		writeError(w, err)
	}
}

// answer sends an answer, cut down to the fields that were asked for.
func (h *restHandler) answer(w http.ResponseWriter, r *http.Request, response any) error {
	out, err := h.server.newAnswer(w, r)
	if err != nil {
		return err
	}
	fields := h.selection(r)
	if list, ok := response.(*protocol.Applications); ok {
		if fields == nil {
			return answerApps(out, list, nil)
		}
		if selected, ok := fields.ofApps("items.", "metadata"); ok { // a list's own metadata is always there
			return answerApps(out, list, selected)
		}
	}
	encoded, err := fields.encode(response)
	if err != nil {
		return err
	}
	_, err = out.Write(encoded)
	return clientGone(errors.Join(err, out.Close()))
}

// selection is what of an answer is asked for; nil for all. Only what reads can be asked for less.
func (h *restHandler) selection(r *http.Request) *fieldSelection {
	if r.Method != http.MethodGet {
		return nil
	}
	return newFieldSelection(r.URL.Query().Get("fields"))
}

// decode makes the request. Query fields that it doesn't have are ignored, as upstream does.
func (h *restHandler) decode(w http.ResponseWriter, r *http.Request) (any, error) {
	request := h.row.newRequest()
	// Only a preflighted type lets other sites' pages not call us with a user's cookie.
	if contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method != http.MethodGet && contentType != "application/json" {
		return nil, &statusError{http.StatusUnsupportedMediaType, invalid("Invalid content type")}
	}
	query := r.URL.Query()
	for name, values := range query {
		if err := protocol.SetField(request, name, values); err != nil && !errors.Is(err, protocol.ErrNoField) {
			return nil, invalid(err.Error())
		}
	}
	if h.route.body != "" {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(h.server.maxBytes(h.row))))
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				return nil, fail(connect.CodeResourceExhausted, fmt.Errorf("the request is larger than %d bytes", tooLarge.Limit))
			}
			return nil, fail(connect.CodeCanceled, err)
		}
		into := request
		if h.route.body != "*" {
			if into, err = protocol.FieldOf(request, h.route.body); err != nil {
				return nil, err
			}
		}
		if len(body) > 0 {
			if err := (protocol.JSON{}).Unmarshal(body, into); err != nil {
				return nil, invalid("the request isn't valid JSON: " + err.Error())
			}
		}
	}
	// The path has the last word: it is what a proxy in between saw.
	for i, field := range h.fields {
		if err := protocol.SetField(request, field, []string{r.PathValue(fmt.Sprintf("p%d", i))}); err != nil {
			return nil, invalid(err.Error())
		}
	}
	return request, nil
}

// stream sends answers as they come.
func (h *restHandler) stream(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) {
	events := slices.ContainsFunc(r.Header.Values("Accept"), func(accept string) bool { return strings.Contains(accept, "text/event-stream") })
	contentType, before, after := "application/json", "", "\n"
	if events {
		contentType, before, after = "text/event-stream", "data: ", "\n\n"
	}
	controller := http.NewResponseController(w)
	begun := false
	write := func(encoded []byte) error {
		if !begun {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Cache-Control", "no-cache")
			begun = true
		}
		if _, err := io.WriteString(w, before+string(encoded)+after); err != nil {
			return fail(connect.CodeCanceled, err)
		}
		return controller.Flush()
	}
	fields := h.selection(r)
	ofApps, appsOnly := fields.ofEvents()
	err := h.server.serve(ctx, h.row, request, func(response any) (err error) {
		var encoded []byte
		if event, ok := response.(*protocol.ApplicationWatchEvent); ok && appsOnly {
			encoded, err = eventJSON(event, ofApps, fields.paths[eventType])
		} else {
			encoded, err = fields.encode(map[string]any{"result": response})
		}
		if err != nil {
			return err
		}
		return write(encoded)
	})
	switch {
	case err == nil:
	case !begun:
		writeError(w, err)
	default:
		// The status has been sent; the error is one more line. If the client is gone nobody reads it.
		code := connect.CodeOf(err)
		last, _ := json.Marshal(map[string]any{"error": map[string]any{ // texts and numbers always can be encoded
			"grpc_code": uint32(code), "http_code": httpStatus(code), "message": errorText(err), "http_status": http.StatusText(httpStatus(code)),
		}})
		_ = write(last)
	}
}

// statusError is an error whose HTTP status doesn't follow from its code.
type statusError struct {
	status int
	error
}

func (e *statusError) Unwrap() error { return e.error }

func writeError(w http.ResponseWriter, err error) {
	code := connect.CodeOf(err)
	status := httpStatus(code)
	var special *statusError
	if errors.As(err, &special) {
		status = special.status
	}
	text := errorText(err)
	// A client that is gone can't be told.
	_ = writeJSON(w, status, map[string]any{"error": text, "code": uint32(code), "message": text})
}

// errorText is an error's message without its code.
func errorText(err error) string {
	var coded *connect.Error
	if errors.As(err, &coded) {
		return coded.Message()
	}
	return err.Error()
}

func writeJSON(w http.ResponseWriter, status int, message any) error {
	encoded, err := json.Marshal(message)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(encoded); err != nil {
		return fail(connect.CodeCanceled, err)
	}
	return nil
}
