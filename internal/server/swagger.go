package server

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"sync"

	"fairlead.dev/fairlead/internal/server/openapi"
)

// description is what /swagger.json and /swagger-ui answer. It is made when it is first asked for: few hubs ever are.
type description struct {
	document []byte
	err      error
}

// describe makes the description of the rows.
func (s *Server) describe() description {
	document, err := openapi.Document("Fairlead: the API of Argo CD, and what is Fairlead's own", s.options.Version.Version, s.restCalls())
	if err != nil {
		return description{err: err}
	}
	text, err := json.Marshal(document)
	return description{text, err}
}

// restCalls are the rows' REST calls, in the order of the table.
func (s *Server) restCalls() []openapi.Call {
	var calls []openapi.Call
	for _, r := range s.rows {
		for _, route := range r.routes {
			calls = append(calls, openapi.Call{
				Procedure: r.procedure, Verb: route.verb, Path: route.path, Body: route.body,
				Request: r.request, Response: r.response, Streams: r.streams,
			})
		}
	}
	return calls
}

// mountSwagger serves the description of the API, to anybody: it says nothing of what the hub has.
func (s *Server) mountSwagger(mux *http.ServeMux) {
	describe := sync.OnceValue(s.describe)
	mux.HandleFunc("GET /swagger.json", func(w http.ResponseWriter, r *http.Request) {
		d := describe()
		if d.err != nil {
			writeError(w, fmt.Errorf("describing the API: %w", d.err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(d.document)
	})
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = swaggerPage.Execute(w, s.restCalls())
	}
	mux.HandleFunc("GET /swagger-ui", page)
	mux.HandleFunc("GET /swagger-ui/", page)
}

// swaggerPage lists the calls. It needs nothing from elsewhere, so that it works in a closed network.
var swaggerPage = template.Must(template.New("swagger").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Fairlead: the API</title>
<style>body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
td{padding:.1rem 1rem .1rem 0;vertical-align:top}code{font-size:13px}</style></head>
<body><h1>The API</h1>
<p>Each call is served as gRPC, gRPC-web and REST. <a href="/swagger.json">swagger.json</a> has parameters and answers.</p>
<table>{{range .}}<tr><td><code>{{.Verb}}</code></td><td><code>{{.Path}}</code></td><td>{{.Procedure}}{{if .Streams}} (stream){{end}}</td></tr>
{{end}}</table></body></html>
`))
